// Hive Gateway before the five subgraphs:
//
//   hive-gateway supergraph -c gateway.config.mjs
//
// QUARTETO_SUPERGRAPH is what compose.mjs has written (supergraph.graphql), QUARTETO_GATEWAY_HOST and
// QUARTETO_GATEWAY_PORT where it listens (127.0.0.1, 4000). QUARTETO_GATEWAY_PLANNER=rust plans by the
// native planner of `@graphql-hive/router-runtime`, and not by the one in JavaScript.
import { defineConfig } from "@graphql-hive/gateway";
import { GraphQLError, Kind, getOperationAST } from "graphql";

const env = (name, otherwise) => process.env[`QUARTETO_${name}`] || otherwise;

/**
 * What a client says of itself and of its request, for every subgraph. Each asks for the login by
 * itself, and writes the trace, the request's id and the program's name into what it tells. They must
 * be said here, and not in a hook of `fetch`: the gateway sends a question once that two clients ask at
 * the same moment, unless these differ.
 */
const PASSED_ON = [
  "authorization",
  "traceparent",
  "tracestate",
  "x-request-id",
  "apollographql-client-name",
  "apollographql-client-version",
  "graphql-client-name",
  "graphql-client-version",
];

const KEY = "idempotency-key";

/** How many fields an operation asks of the root, whatever fragments they stand in. */
function rootFields(document, { selections }) {
  return selections.reduce((sum, selection) => {
    if (selection.kind === Kind.FIELD) return sum + 1;
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection
        : document.definitions.find(({ kind, name }) => kind === Kind.FRAGMENT_DEFINITION && name.value === selection.name.value);
    return sum + rootFields(document, inner.selectionSet);
  }, 0);
}

/**
 * A key belongs to one mutation. What follows a mutation in other stores are questions, for which a
 * subgraph takes no key; and two mutations of two subgraphs would each look like a single one there.
 */
const idempotency = {
  onExecute({ args, setResultAndStopExecution }) {
    if (!args.contextValue.request?.headers.has(KEY)) return;
    const operation = getOperationAST(args.document, args.operationName);
    if (operation?.operation === "mutation" && rootFields(args.document, operation.selectionSet) === 1) return;
    const message = "Idempotency-Key is for an operation of one mutation; otherwise use `chaveIdempotencia`.";
    setResultAndStopExecution({
      errors: [new GraphQLError(message, { extensions: { code: "BAD_REQUEST", http: { status: 400 } } })],
    });
  },
  onSubgraphExecute({ executionRequest }) {
    const key = executionRequest.context?.request?.headers.get(KEY);
    if (!key || getOperationAST(executionRequest.document)?.operation !== "mutation") return;
    executionRequest.extensions ||= {};
    executionRequest.extensions.headers = { ...executionRequest.extensions.headers, [KEY]: key };
  },
};

/** Whether nothing of the request has left: nobody listens there. */
function isRefused(error) {
  const causes = [error?.cause, error?.originalError, ...(error?.errors ?? [])].filter((cause) => cause && cause !== error);
  return error?.code === "ECONNREFUSED" || /ECONNREFUSED/.test(error?.message ?? "") || causes.some(isRefused);
}

/**
 * A subgraph that does not answer is a store that does not: clients hear the code that they know.
 * The errors of a subgraph that does answer come through as they are, with their `code`, `store` and
 * `requestId`.
 */
const unreachable = {
  onSubgraphExecute({ subgraphName, executionRequest }) {
    const isWrite = getOperationAST(executionRequest.document)?.operation === "mutation";
    return ({ result, setResult }) => {
      if (!result.errors?.some((error) => !error.extensions?.requestId)) return;
      const errors = result.errors.map((error) => {
        if (error.extensions?.requestId) return error;
        const code = isWrite && !isRefused(error) ? "OUTCOME_UNKNOWN" : "STORE_UNAVAILABLE";
        const message =
          code === "OUTCOME_UNKNOWN"
            ? `The subgraph \`${subgraphName}\` has not answered: nobody can tell whether the write was done.`
            : `The subgraph \`${subgraphName}\` cannot be reached right now.`;
        const store = subgraphName === "nos" ? {} : { store: subgraphName };
        return new GraphQLError(message, { path: error.path, extensions: { code, ...store } });
      });
      setResult({ ...result, errors });
    };
  },
};

/** A browser sends JSON to another site only after asking whether it may; a form it just sends. */
const jsonOnly = {
  onRequest({ request, endResponse, fetchAPI }) {
    if (request.method !== "POST" || /^application\/json\b/i.test(request.headers.get("content-type") ?? "")) return;
    const errors = [{ message: "Content-Type must be application/json.", extensions: { code: "BAD_REQUEST" } }];
    endResponse(fetchAPI.Response.json({ errors }, { status: 415 }));
  },
};

async function planner() {
  if (env("GATEWAY_PLANNER") !== "rust") return {};
  const { unifiedGraphHandler } = await import("@graphql-hive/router-runtime");
  return { unifiedGraphHandler };
}

export const gatewayConfig = defineConfig({
  ...(await planner()),
  supergraph: env("SUPERGRAPH", "supergraph.graphql"),
  host: env("GATEWAY_HOST", "127.0.0.1"),
  port: Number(env("GATEWAY_PORT", "4000")),
  cors: false,
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) =>
      Object.fromEntries(PASSED_ON.map((name) => [name, request.headers.get(name)])),
  },
  plugins: () => [jsonOnly, idempotency, unreachable],
});
