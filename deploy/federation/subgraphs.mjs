// The five subgraphs, and where each is.

/** As in the names of the files that `quarteto schema --store NAME` fills. */
export const SUBGRAPHS = ["clientes", "enderecos", "catalogo", "inventario", "nos"];

/** Where a router finds a subgraph. */
export function urlOf(name) {
  const said = process.env[`QUARTETO_${name.toUpperCase()}_SUBGRAPH`];
  return said || `http://127.0.0.1:${4001 + SUBGRAPHS.indexOf(name)}/graphql`;
}
