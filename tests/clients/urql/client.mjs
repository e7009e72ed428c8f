import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";

/** A client for the endpoint; `authorization` is `Basic …`. */
export function connect(url, authorization) {
  const cache = cacheExchange({
    // Types without an id belong to the object that holds them.
    keys: { ResumoCompras: () => null, Usuario: () => null },
    resolvers: {
      Query: {
        clientes: relayPagination(),
        enderecos: relayPagination(),
        produtos: relayPagination(),
        compras: relayPagination(),
      },
      Cliente: { compras: relayPagination(), produtos: relayPagination() },
      Produto: { compras: relayPagination() },
    },
  });
  return new Client({
    url,
    // A GET from a page needs one header that makes the browser ask first.
    fetchOptions: { headers: { authorization, "apollo-require-preflight": "true" } },
    exchanges: [cache, fetchExchange],
  });
}
