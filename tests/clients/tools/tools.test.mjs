// Tools that read the schema by URL with the `fetch` of @whatwg-node, which says that
// it takes zstd also on a Node that cannot unpack it: the URL loader of GraphQL Tools,
// which Code Generator and Mesh use, and the command line of GraphQL Inspector.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { UrlLoader } from "@graphql-tools/url-loader";
import { buildSchema, lexicographicSortSchema, printSchema } from "graphql";
import { authorization, url } from "../server.mjs";

const headers = { authorization };

/** As these tools see it: they do not ask where a scalar is specified. */
const sorted = (schema) => printSchema(lexicographicSortSchema(schema)).replace(/ @specifiedBy\(.*\)$/gm, "");

/** The schema as the server has it. */
let expected;

before(async () => {
  const answer = await fetch(new URL("/schema.graphql", url), { headers });
  expected = sorted(buildSchema(await answer.text()));
});

test("the URL loader reads the schema, packed", async () => {
  const [{ schema }] = await new UrlLoader().load(url, { headers });
  assert.equal(sorted(schema), expected);
});

test("GraphQL Inspector reads the schema and finds no change", () => {
  const folder = mkdtempSync(join(tmpdir(), "inspector-"));
  const inspect = (...given) => {
    const program = fileURLToPath(new URL("../../node_modules/@graphql-inspector/cli/cjs/index.js", import.meta.url));
    const options = ["--header", `Authorization: ${authorization}`];
    return execFileSync(process.execPath, [program, ...given, ...options], { cwd: folder, encoding: "utf8" });
  };
  inspect("introspect", url, "--write", "schema.graphql");
  assert.equal(readFileSync(join(folder, "schema.graphql"), "utf8").trim(), expected.trim());
  assert.match(inspect("diff", "schema.graphql", url), /No changes detected/);
});

test("what it takes and cannot unpack is not what it gets", async () => {
  // What the loader sends, seen by a server of our own between the two.
  const seen = [];
  const between = createServer((asked, answer) => {
    const options = { method: asked.method, headers: asked.headers };
    const onwards = request(url, options, (given) => {
      seen.push([asked.headers["accept-encoding"], given.headers["content-encoding"]]);
      answer.writeHead(given.statusCode, given.headers);
      given.pipe(answer);
    });
    asked.pipe(onwards);
  });
  await new Promise((done) => between.listen(0, "127.0.0.1", done));
  await new UrlLoader().load(`http://127.0.0.1:${between.address().port}/graphql`, { headers });
  between.closeAllConnections();
  between.close();
  assert.ok(seen.length > 0);
  for (const [accepted, used] of seen) {
    assert.match(accepted, /zstd/, "it would not show the fault any more");
    assert.match(used, /^(br|gzip)$/);
  }
});
