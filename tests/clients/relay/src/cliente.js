const { graphql } = require("relay-runtime");

/** A list that grows: `usePaginationFragment` reads it. */
exports.compras = graphql`
  fragment cliente_compras on Cliente
  @refetchable(queryName: "clienteComprasQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 20 }, after: { type: "String" }) {
    nome
    compras(first: $first, after: $after) @connection(key: "cliente_compras") {
      edges {
        node {
          adquiridoEm
          total
          produto {
            nome
          }
        }
      }
    }
  }
`;

exports.cliente = graphql`
  query clienteQuery($id: ID!, $first: Int!) {
    cliente(id: $id) {
      ...cliente_compras @arguments(first: $first)
    }
  }
`;
