// Where the server of this run is, and a login; the Rust test sets the variables.

const login = `${process.env.QUARTETO_USER}:${process.env.QUARTETO_PASSWORD}`;

/** The endpoint, over a shop whose four stores answer. */
export const url = `${process.env.QUARTETO_URL}/graphql`;

/** The endpoint of a shop whose store `catalogo` is down. */
export const urlWithoutCatalogo = `${process.env.QUARTETO_URL_WITHOUT_CATALOGO}/graphql`;

/** The value of the `Authorization` header. */
export const authorization = `Basic ${Buffer.from(login).toString("base64")}`;
