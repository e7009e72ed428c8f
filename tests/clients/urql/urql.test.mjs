import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { gql } from "@urql/core";
import { requests } from "../page.mjs";
import { authorization, url, urlWithoutCatalogo } from "../server.mjs";
import { connect } from "./client.mjs";

const CLIENTE = gql`
  query Cliente($id: ID!) {
    cliente(id: $id) { id nome resumoCompras { compras total } }
  }
`;

const PRODUTOS = gql`
  query Produtos($first: Int!, $after: String) {
    produtos(first: $first, after: $after, ordem: PRECO_ASC) {
      edges { cursor node { id preco } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

// The cache says by console.warn what it cannot place.
const warnings = [];
console.warn = (...words) => warnings.push(words.join(" "));

beforeEach(() => {
  requests.splice(0);
  warnings.splice(0);
});

test("a query with variables is answered, and the next time from the cache", async () => {
  const client = connect(url, authorization);
  const { data, error } = await client.query(CLIENTE, { id: "cliente_1" });
  assert.equal(error, undefined);
  assert.equal(data.cliente.nome, "Felipe Lima");
  assert.equal(typeof data.cliente.resumoCompras.total, "string");

  const again = await client.query(CLIENTE, { id: "cliente_1" });
  assert.deepEqual(again.data, data);
  assert.equal(requests.length, 1);
  assert.deepEqual(warnings, []);
});

test("a list grows page by page, to its end", async () => {
  const client = connect(url, authorization);
  let after = null;
  for (const length of [25, 50, 60]) {
    const { data, error } = await client.query(PRODUTOS, { first: 25, after });
    assert.equal(error, undefined);
    assert.equal(data.produtos.edges.length, length);
    const prices = data.produtos.edges.map((edge) => Number(edge.node.preco));
    assert.deepEqual(prices, [...prices].sort((a, b) => a - b));
    assert.equal(data.produtos.pageInfo.hasNextPage, length < 60);
    after = data.produtos.pageInfo.endCursor;
  }
  assert.deepEqual(warnings, []);
});

test("a GET gets through from a page", async () => {
  const client = connect(url, authorization);
  const { data, error } = await client.query(gql`query Eu { eu { nome } }`, {}, { preferGetMethod: "force" });
  assert.equal(error, undefined);
  assert.equal(data.eu.nome, process.env.QUARTETO_USER);
  assert.equal(requests[0].method, "GET");
});

test("a store that is down leaves the other fields of the answer", async () => {
  const client = connect(urlWithoutCatalogo, authorization);
  const { data, error } = await client.query(
    gql`query Compra { compra(id: "compra_1") { id quantidade produto { id nome } } }`,
    {},
  );
  assert.equal(data.compra.quantidade, 1);
  assert.equal(data.compra.produto, null);
  assert.equal(error.networkError, undefined);
  assert.equal(error.graphQLErrors[0].extensions.code, "STORE_UNAVAILABLE");
});
