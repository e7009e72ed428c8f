const { graphql } = require("relay-runtime");

/** An object that is read anew by its id, through `node`. */
exports.ficha = graphql`
  fragment produto_ficha on Produto @refetchable(queryName: "produtoFichaQuery") {
    nome
    preco
    disponivel
  }
`;

/** A list at the root, with a filter. */
exports.lista = graphql`
  fragment produto_lista on Query
  @refetchable(queryName: "produtoListaQuery")
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 20 }
    after: { type: "String" }
    filtro: { type: "ProdutoFiltro" }
  ) {
    produtos(first: $first, after: $after, filtro: $filtro, ordem: PRECO_ASC)
    @connection(key: "produto_produtos", filters: ["filtro", "ordem"]) {
      edges {
        node {
          ...produto_ficha
        }
      }
    }
  }
`;

exports.produtos = graphql`
  query produtoQuery {
    ...produto_lista @arguments(first: 5)
  }
`;

/** The last page first. */
exports.ultimos = graphql`
  query produtoUltimosQuery($last: Int!, $before: String) {
    produtos(last: $last, before: $before) @connection(key: "produtoUltimosQuery_produtos") {
      edges {
        node {
          id
        }
      }
    }
  }
`;
