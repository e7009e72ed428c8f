const { Environment, Network, RecordSource, Store } = require("relay-runtime");

/** Relay's environment for the endpoint; `authorization` is `Basic …`. */
exports.connect = (url, authorization) => {
  const headers = {
    authorization,
    "content-type": "application/json",
    accept: "application/graphql-response+json",
  };
  const ask = async ({ name, text }, variables) => {
    const body = JSON.stringify({ query: text, operationName: name, variables });
    return (await fetch(url, { method: "POST", headers, body })).json();
  };
  return new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
};
