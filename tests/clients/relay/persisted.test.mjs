// A server that executes the compiler's own list of documents only, by their ids.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { authorization, url } from "../server.mjs";

const { params } = createRequire(import.meta.url)("./persisted/clienteQuery.graphql");

async function ask(body) {
  const headers = { authorization, "content-type": "application/json" };
  return (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

test("what the compiler has listed is executed by its id", async () => {
  assert.equal(params.text, null);
  const { data, errors } = await ask({ documentId: params.id, variables: { id: "cliente_1", first: 1 } });
  assert.equal(errors, undefined);
  assert.equal(data.cliente.nome, "Felipe Lima");
});

test("what it has not listed is refused", async () => {
  const { errors } = await ask({ query: "{ eu { nome } }" });
  assert.equal(errors[0].extensions.code, "UNTRUSTED_DOCUMENT");
});
