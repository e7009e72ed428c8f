// Makes `fetch` that of a page: requests carry the page's origin, as a browser adds
// it. The page is one of the server's own, and the browser one that does not send
// `Sec-Fetch-Site`: the strictest case in which a client must still get through.

/** Every request that a client has sent by `fetch`: its method, its URL. */
export const requests = [];

const fetchOfNode = globalThis.fetch;

globalThis.fetch = (resource, options = {}) => {
  const url = new URL(resource);
  requests.push({ method: options.method ?? "GET", url });
  const headers = new Headers(options.headers);
  headers.set("origin", url.origin);
  return fetchOfNode(resource, { ...options, headers });
};
