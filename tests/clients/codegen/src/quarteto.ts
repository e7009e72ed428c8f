import type { TypedDocumentString } from "./gql/graphql";

/** One error of an answer. */
export interface Falha {
  message: string;
  path?: (string | number)[];
  extensions: { code: string; requestId: string; store?: string };
}

/** What was asked for, as far as it could be had, and what could not. */
export interface Resposta<Data> {
  data?: Data | null;
  errors?: Falha[];
}

/** Asks the endpoint; the types are those of the document. */
export async function ask<Data, Variables>(
  url: string,
  authorization: string,
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Resposta<Data>> {
  const headers = {
    authorization,
    "content-type": "application/json",
    accept: "application/graphql-response+json",
  };
  const body = JSON.stringify({ query: document, variables });
  const response = await fetch(url, { method: "POST", headers, body });
  return (await response.json()) as Resposta<Data>;
}
