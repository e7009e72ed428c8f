// A server that executes trusted documents only. Clients change a document before
// they send it (`__typename` in every selection, other blanks): it is the same still.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as apollo from "@apollo/client";
import * as urql from "@urql/core";
import { connect as connectApollo } from "../apollo/client.mjs";
import "../page.mjs";
import { authorization, url } from "../server.mjs";
import { connect as connectUrql } from "../urql/client.mjs";

// The two documents have fragments of the same name, on purpose.
apollo.disableFragmentWarnings();

const TEXT = readFileSync(new URL("operations/produtos.graphql", import.meta.url), "utf8");
const OTHER = TEXT.replace("id nome preco", "id nome preco descricao");
const variables = { filtro: { busca: "mesa" }, cliente: "cliente_1" };

test("Apollo Client's version of a trusted document is executed, another document is not", async () => {
  const client = connectApollo(url, authorization);
  const { data, error } = await client.query({ query: apollo.gql(TEXT), variables });
  assert.equal(error, undefined);
  assert.equal(data.node.nome, "Felipe Lima");
  assert.equal(data.produtos.edges.length, 2);

  const refused = await client.query({ query: apollo.gql(OTHER), variables });
  assert.equal(refused.error.errors[0].extensions.code, "UNTRUSTED_DOCUMENT");
});

test("urql's version of a trusted document is executed, another document is not", async () => {
  const client = connectUrql(url, authorization);
  const { data, error } = await client.query(urql.gql(TEXT), variables);
  assert.equal(error, undefined);
  assert.equal(data.node.nome, "Felipe Lima");
  assert.equal(data.produtos.edges.length, 2);

  const refused = await client.query(urql.gql(OTHER), variables);
  assert.equal(refused.error.graphQLErrors[0].extensions.code, "UNTRUSTED_DOCUMENT");
});
