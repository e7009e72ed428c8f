import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { relayStylePagination } from "@apollo/client/utilities";
import { sha256 } from "crypto-hash";

/** A client for the endpoint; `authorization` is `Basic …`. */
export function connect(uri, authorization) {
  // A GET from a page needs one header that makes the browser ask first.
  const headers = { authorization, "apollo-require-preflight": "true" };
  const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries: true });
  return new ApolloClient({
    link: persisted.concat(new HttpLink({ uri, headers })),
    cache: new InMemoryCache({
      possibleTypes: { Node: ["Cliente", "Endereco", "Produto", "Compra"] },
      typePolicies: {
        Query: {
          fields: {
            clientes: relayStylePagination(["filtro", "ordem"]),
            enderecos: relayStylePagination(["filtro"]),
            produtos: relayStylePagination(["filtro", "ordem"]),
            compras: relayStylePagination(["filtro"]),
          },
        },
        Cliente: { fields: { compras: relayStylePagination(), produtos: relayStylePagination() } },
        Produto: { fields: { compras: relayStylePagination() } },
      },
    }),
    // A store that is down leaves its fields null and says so; the rest is good.
    defaultOptions: { query: { errorPolicy: "all" }, watchQuery: { errorPolicy: "all" } },
  });
}
