import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { CombinedGraphQLErrors, gql } from "@apollo/client";
import { filter, firstValueFrom } from "rxjs";
import { requests } from "../page.mjs";
import { authorization, url, urlWithoutCatalogo } from "../server.mjs";
import { connect } from "./client.mjs";

const CLIENTE = gql`
  query Cliente($id: ID!) {
    cliente(id: $id) { id nome enderecos { id cidade uf } }
  }
`;

const CLIENTES = gql`
  query Clientes($first: Int!, $after: String) {
    clientes(first: $first, after: $after, ordem: NOME_ASC) {
      edges { cursor node { id nome } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;

const COMPRA = gql`
  query Compra {
    eu { nome }
    compra(id: "compra_1") { id quantidade produto { id nome } }
  }
`;

beforeEach(() => requests.splice(0));

test("a query with variables is answered, and the next time from the cache", async () => {
  const client = connect(url, authorization);
  const query = { query: CLIENTE, variables: { id: "cliente_1" } };
  const { data, error } = await client.query(query);
  assert.equal(error, undefined);
  assert.equal(data.cliente.nome, "Felipe Lima");
  assert.deepEqual(Object.keys(client.cache.extract()).sort(), [
    "Cliente:cliente_1", "Endereco:endereco_1", "ROOT_QUERY",
  ]);

  const sent = requests.length;
  assert.deepEqual((await client.query(query)).data, data);
  assert.equal(requests.length, sent, "the cache knew it");
});

test("an object that was read in one query is found by its id in another", async () => {
  const client = connect(url, authorization);
  await client.query({ query: CLIENTE, variables: { id: "cliente_1" } });
  const fragment = gql`fragment Nome on Cliente { nome }`;
  assert.equal(client.readFragment({ id: "Cliente:cliente_1", fragment }).nome, "Felipe Lima");
});

test("fetchMore lengthens a list page by page, to its end", async () => {
  const client = connect(url, authorization);
  const query = { query: CLIENTES, variables: { first: 90 } };
  const list = client.watchQuery(query);
  const subscription = list.subscribe();
  let { data } = await firstValueFrom(list.pipe(filter((result) => !result.loading)));
  assert.equal(data.clientes.edges.length, 90);
  for (const length of [180, 200]) {
    await list.fetchMore({ variables: { after: data.clientes.pageInfo.endCursor } });
    data = client.readQuery(query);
    assert.equal(data.clientes.edges.length, length);
  }
  subscription.unsubscribe();

  const { edges, pageInfo } = data.clientes;
  assert.equal(pageInfo.hasNextPage, false);
  assert.equal(pageInfo.startCursor, edges[0].cursor);
  assert.equal(pageInfo.endCursor, edges.at(-1).cursor);
  assert.equal(new Set(edges.map((edge) => edge.node.id)).size, 200);
});

test("lists of different filters do not mix", async () => {
  const client = connect(url, authorization);
  const query = gql`
    query Produtos($filtro: ProdutoFiltro) {
      produtos(first: 3, filtro: $filtro) { total edges { node { id } } pageInfo { endCursor } }
    }
  `;
  const total = async (filtro) => (await client.query({ query, variables: { filtro } })).data.produtos.total;
  assert.equal(await total(null), 60);
  assert.equal(await total({ busca: "mesa", precoMax: "1500" }), 10);
  assert.equal(await total(null), 60);
});

test("a store that is down leaves the other fields of the answer", async () => {
  const client = connect(urlWithoutCatalogo, authorization);
  const { data, error } = await client.query({ query: COMPRA });
  assert.equal(data.eu.nome, process.env.QUARTETO_USER);
  assert.equal(data.compra.quantidade, 1);
  assert.equal(data.compra.produto, null);
  assert.ok(CombinedGraphQLErrors.is(error));
  const [{ path, extensions }] = error.errors;
  assert.deepEqual(path, ["compra", "produto"]);
  assert.equal(extensions.code, "STORE_UNAVAILABLE");
  assert.equal(extensions.store, "catalogo");
});

test("a document that is refused is an error with its code, not a network failure", async () => {
  const client = connect(url, authorization);
  const { data, error } = await client.query({ query: gql`query Refused { cliente(id: "cliente_1") { cor } }` });
  assert.equal(data, undefined);
  assert.ok(CombinedGraphQLErrors.is(error), String(error));
  assert.equal(error.errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
});

test("a document travels once; then its hash does, in a GET", async () => {
  // A text that no earlier run has sent.
  const query = gql(`query Persisted${Date.now()} { eu { nome papel } }`);
  for (const expected of [["GET", "POST"], ["GET"]]) {
    requests.splice(0);
    const client = connect(url, authorization);
    const { data } = await client.query({ query });
    assert.equal(data.eu.nome, process.env.QUARTETO_USER);
    assert.deepEqual(requests.map((request) => request.method), expected);
    const { searchParams } = requests[0].url;
    assert.equal(searchParams.get("query"), null);
    assert.match(JSON.parse(searchParams.get("extensions")).persistedQuery.sha256Hash, /^[0-9a-f]{64}$/);
  }
});

const ATUALIZAR = gql`
  mutation Atualizar($input: AtualizarClienteInput!) {
    atualizarCliente(input: $input) {
      cliente { id nome telefone }
      erros { codigo mensagem campo }
    }
  }
`;

test("a write changes what the cache shows, and what a person can mend is data", async () => {
  const client = connect(url, authorization);
  const { data: before } = await client.query({ query: CLIENTE, variables: { id: "cliente_7" } });
  const input = { id: "cliente_7", nome: before.cliente.nome, telefone: "(11) 91234-5678" };
  const { data: done } = await client.mutate({ mutation: ATUALIZAR, variables: { input } });
  assert.deepEqual(done.atualizarCliente.erros, []);
  const shown = client.cache.extract()["Cliente:cliente_7"];
  assert.equal(shown.telefone, "11912345678");

  const late = { ...input, nome: " ", atualizadoEm: "2020-01-01T00:00:00Z" };
  const { data: refused } = await client.mutate({ mutation: ATUALIZAR, variables: { input: late } });
  assert.equal(refused.atualizarCliente.cliente, null);
  assert.deepEqual(
    refused.atualizarCliente.erros.map(({ codigo, campo }) => [codigo, campo]),
    [["OBRIGATORIO", ["nome"]]],
  );
});
