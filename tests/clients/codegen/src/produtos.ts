import { type FragmentType, graphql, useFragment } from "./gql";
import type { ProdutoFiltro, ProdutosQueryVariables } from "./gql/graphql";
import { ask } from "./quarteto";

const FICHA = graphql(`
  fragment Ficha on Produto { id nome preco criadoEm }
`);

const PRODUTOS = graphql(`
  query Produtos($first: Int!, $after: String, $filtro: ProdutoFiltro, $ordem: ProdutoOrdem) {
    produtos(first: $first, after: $after, filtro: $filtro, ordem: $ordem) {
      edges { node { ...Ficha } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const ACHADO = graphql(`
  query Achado($id: ID!) {
    node(id: $id) { __typename ... on Cliente { nome cpf } ... on Produto { nome preco } }
  }
`);

/** One line, made of a part that only this module may look into. */
export function linha(produto: FragmentType<typeof FICHA>): string {
  const { nome, preco } = useFragment(FICHA, produto);
  return `${nome}: R$ ${preco.replace(".", ",")}`;
}

/** All products that the filter lets through, cheapest first, page by page. */
export async function todos(url: string, authorization: string, filtro: ProdutoFiltro): Promise<string[]> {
  const linhas: string[] = [];
  let after: string | null = null;
  do {
    const variables: ProdutosQueryVariables = { first: 4, after, filtro, ordem: "PRECO_ASC" };
    const { data, errors } = await ask(url, authorization, PRODUTOS, variables);
    const pagina = data?.produtos;
    if (!pagina) throw new Error(errors?.[0]?.message ?? "nothing");
    linhas.push(...pagina.edges.map(({ node }) => linha(node)));
    after = pagina.pageInfo.hasNextPage ? pagina.pageInfo.endCursor ?? null : null;
  } while (after !== null);
  return linhas;
}

/** The name of whatever has the id. */
export async function nome(url: string, authorization: string, id: string): Promise<string | null> {
  const { data } = await ask(url, authorization, ACHADO, { id });
  const achado = data?.node;
  switch (achado?.__typename) {
    case "Cliente":
      return `${achado.nome}, ${achado.cpf.length} digits`;
    case "Produto":
      return achado.nome;
    default:
      return null;
  }
}
