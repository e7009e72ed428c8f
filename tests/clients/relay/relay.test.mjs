// The compiler accepts the schema that the server serves, with all that it demands
// of connections and `Node`; the runtime reads pages with the compiler's artifacts.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import relay from "relay-runtime";
import { authorization, url, urlWithoutCatalogo } from "../server.mjs";
import { compile } from "./compile.mjs";

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL(".", import.meta.url));
const { connect } = require("./src/environment.js");
const artifact = (name) => require(`./artifacts/${name}.graphql`);

before(() => compile("relay.config.json"));

test("the compiler writes an artifact for each fragment, query and refetch", () => {
  assert.deepEqual(readdirSync(`${here}/artifacts`).sort(), [
    "clienteComprasQuery.graphql.js",
    "clienteQuery.graphql.js",
    "cliente_compras.graphql.js",
    "produtoFichaQuery.graphql.js",
    "produtoListaQuery.graphql.js",
    "produtoQuery.graphql.js",
    "produtoUltimosQuery.graphql.js",
    "produto_ficha.graphql.js",
    "produto_lista.graphql.js",
  ]);
  assert.match(artifact("clienteComprasQuery").params.text, /node\(id: \$id\)/);
});

test("a fragment's list grows page by page, through `node`", async () => {
  const environment = connect(url, authorization);
  const fragment = artifact("cliente_compras");
  const { cliente } = await ask(environment, "clienteQuery", { id: "cliente_1", first: 90 });
  let list = read(environment, fragment, cliente);
  assert.equal(list.nome, "Felipe Lima");
  for (const length of [180, 200]) {
    const after = list.compras.pageInfo.endCursor;
    await grow(environment, fragment, { id: "cliente_1", first: 90, after });
    list = read(environment, fragment, cliente);
    assert.equal(list.compras.edges.length, length);
  }
  assert.equal(list.compras.pageInfo.hasNextPage, false);
});

test("an object is read anew by its id", async () => {
  const environment = connect(url, authorization);
  const answer = await ask(environment, "produtoFichaQuery", { id: "produto_6" });
  assert.deepEqual(read(environment, artifact("produto_ficha"), answer.node), {
    id: "produto_6",
    nome: "Xícara em aço inox Pampa 35",
    preco: "17.90",
    disponivel: true,
  });
});

test("a list reads from its end", async () => {
  const environment = connect(url, authorization);
  const { produtos } = await ask(environment, "produtoUltimosQuery", { last: 2 });
  assert.deepEqual(produtos.edges.map((edge) => edge.node.id), ["produto_59", "produto_60"]);
  assert.equal(produtos.pageInfo.hasPreviousPage, true);
});

test("a store that is down leaves the other fields of the answer", async () => {
  const environment = connect(urlWithoutCatalogo, authorization);
  const { cliente } = await ask(environment, "clienteQuery", { id: "cliente_1", first: 1 });
  const { nome, compras } = read(environment, artifact("cliente_compras"), cliente);
  assert.equal(nome, "Felipe Lima");
  assert.equal(compras.edges[0].node.produto, null);
});

function ask(environment, query, variables) {
  return relay.fetchQuery(environment, artifact(query), variables).toPromise();
}

/** What a component that asks for `fragment` would be given. */
function read(environment, fragment, owner) {
  return environment.lookup(relay.getSingularSelector(fragment, owner)).data;
}

/** What `loadNext` of `usePaginationFragment` does: the refetch query, merged. */
async function grow(environment, fragment, variables) {
  const operation = relay.createOperationDescriptor(fragment.metadata.refetch.operation, variables);
  await environment.execute({ operation }).toPromise();
}
