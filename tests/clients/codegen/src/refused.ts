// What must not compile: each line is an error to the compiler, or this file is.

import { graphql } from "./gql";
import type { ProdutoFiltro } from "./gql/graphql";
import { ask } from "./quarteto";

const CLIENTE = graphql(`
  query Cliente($id: ID!) {
    cliente(id: $id) { nome criadoEm resumoCompras { total } enderecos { uf } }
  }
`);

export async function refused(url: string): Promise<void> {
  // @ts-expect-error: the id is missing.
  await ask(url, "", CLIENTE, {});
  const { data } = await ask(url, "", CLIENTE, { id: "cliente_1" });
  // @ts-expect-error: a client may not exist.
  data?.cliente.nome;
  // @ts-expect-error: the store may be down.
  data?.cliente?.enderecos.length;
  // @ts-expect-error: an amount is text, to stay exact.
  data?.cliente?.resumoCompras?.total.toFixed(2);
  // @ts-expect-error: a field that was not asked for.
  data?.cliente?.email;
  // @ts-expect-error: a filter that does not exist.
  const filtro: ProdutoFiltro = { cor: "azul" };
  void filtro;
}
