// Composes the five subgraphs into one supergraph:
//
//   node compose.mjs [FOLDER] [OUT]
//
// FOLDER has an SDL file a subgraph (`subgraphs/` of the repository unless said otherwise). Into OUT
// (this folder) go `supergraph.graphql`, for Hive Gateway and Apollo Router, and `cosmo/`, from which
// `wgc router compose` makes what the Cosmo router reads. Where a router finds a subgraph is said by
// QUARTETO_CLIENTES_SUBGRAPH and so on; addresses of this machine unless said otherwise.
//
// Two composers look at the subgraphs, and what one of them refuses or has a hint about ends this
// with 1: a hint is a place at which the subgraphs do not say the same.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { composeServices as composeAsApollo } from "@apollo/composition";
import { composeServices } from "@theguild/federation-composition";
import { Kind, parse, print, visit } from "graphql";
import { urlOf, SUBGRAPHS } from "./subgraphs.mjs";

const beside = (path) => fileURLToPath(new URL(path, import.meta.url));
const [folder = beside("../../subgraphs"), out = beside(".")] = process.argv.slice(2);

const services = SUBGRAPHS.map((name) => ({
  name,
  url: urlOf(name),
  typeDefs: parse(readFileSync(`${folder}/${name}.graphql`, "utf8")),
}));

const wrong = [];
// The one whose licence lets anybody use what it composes.
const composed = composeServices(services);
for (const error of composed.errors ?? []) wrong.push(`error: ${error.message}`);
// The one that has hints. Its licence is not free: it checks, and what it composes is not kept.
const checked = composeAsApollo(services);
for (const error of checked.errors ?? []) wrong.push(`error (Apollo): ${error.message}`);
for (const hint of checked.hints ?? []) wrong.push(`hint (Apollo): ${hint}`);

if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  process.exit(1);
}
writeFileSync(`${out}/supergraph.graphql`, composed.supergraphSdl);

// Cosmo's composer wants more of what the subgraphs say of their lists' sizes than they say, and takes
// no list for a size. None of it is for a router, so it hears nothing of it.
const COSTS = ["cost", "listSize"];
const withoutCosts = {
  [Kind.DIRECTIVE_DEFINITION]: ({ name }) => (COSTS.includes(name.value) ? null : undefined),
  [Kind.DIRECTIVE]: ({ name }) => (COSTS.includes(name.value) ? null : undefined),
};
mkdirSync(`${out}/cosmo`, { recursive: true });
let graph = "version: 1\nsubgraphs:\n";
for (const { name, url, typeDefs } of services) {
  writeFileSync(`${out}/cosmo/${name}.graphql`, print(visit(typeDefs, withoutCosts)));
  graph += `  - name: ${name}\n    routing_url: ${url}\n    schema:\n      file: ./${name}.graphql\n`;
}
writeFileSync(`${out}/cosmo/graph.yaml`, graph);
console.log(`${SUBGRAPHS.length} subgraphs, no errors, no hints.`);
