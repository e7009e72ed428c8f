// Hive Gateway before the five subgraphs:
//
//   hive-gateway supergraph -c gateway.config.mjs
//
// QUARTETO_SUPERGRAPH is what compose.mjs has written (supergraph.graphql), QUARTETO_GATEWAY_HOST and
// QUARTETO_GATEWAY_PORT where it listens (127.0.0.1, 4000). QUARTETO_GATEWAY_PLANNER=rust plans by the
// native planner of `@graphql-hive/router-runtime`, and not by the one in JavaScript. A subgraph has
// QUARTETO_GATEWAY_UPSTREAM_MS (12000) to answer, which is more than it takes by itself
// (`http.request_ms`): what is later is a subgraph that hangs, and counts as one that is down.
import { defineConfig } from "@graphql-hive/gateway";
import { GraphQLError, Kind, getOperationAST } from "graphql";

const env = (name, otherwise) => process.env[`QUARTETO_${name}`] || otherwise;

/** A whole number, or no start: a timeout or a port that is none would fail every request instead. */
function number(name, otherwise) {
  const value = Number(env(name, otherwise));
  if (!Number.isInteger(value) || value < 1) throw new Error(`QUARTETO_${name} must be a whole number above 0.`);
  return value;
}

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
  "idempotency-key",
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
 * A key belongs to one mutation. Each subgraph says so of what it is sent; of two mutations of two
 * subgraphs each would look like a single one.
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
};

/** Whether nothing of the request has left: nobody listens there. */
function isRefused(error) {
  const causes = [error?.cause, error?.originalError, ...(error?.errors ?? [])].filter((cause) => cause && cause !== error);
  return error?.code === "ECONNREFUSED" || /ECONNREFUSED/.test(error?.message ?? "") || causes.some(isRefused);
}

/** What a client is told of a subgraph that has not answered. */
function unanswered(error, subgraphName, code) {
  const message =
    code === "OUTCOME_UNKNOWN"
      ? `The subgraph \`${subgraphName}\` has not answered: nobody can tell whether the write was done.`
      : `The subgraph \`${subgraphName}\` cannot be reached right now.`;
  const store = subgraphName === "nos" ? {} : { store: subgraphName };
  return new GraphQLError(message, { path: error.path, extensions: { code, ...store } });
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
        return unanswered(error, subgraphName, isWrite && !isRefused(error) ? "OUTCOME_UNKNOWN" : "STORE_UNAVAILABLE");
      });
      setResult({ ...result, errors });
    };
  },
};

const IS_NULL = "Cannot return null for non-nullable field";

/** A subgraph that hangs ends as the gateway's own error, which the hook above does not see. */
function inTime(error, isWrite) {
  const { code, serviceName } = error.extensions ?? {};
  if (code !== "GATEWAY_TIMEOUT" || !serviceName) return error;
  // The native planner does not say where: then it may have been the write.
  const wrote = isWrite && (error.path?.length ?? 1) === 1;
  return unanswered(error, serviceName, wrote ? "OUTCOME_UNKNOWN" : "STORE_UNAVAILABLE");
}

/**
 * What the gateway itself has to say. A variable that does not fit has the code that Quarteto gives it.
 * That an object is null because what it must have is missing is no error: either a subgraph has said
 * why, or the object no longer exists, which is a fact.
 */
const ownErrors = {
  onExecute: ({ args }) => ({
    onExecuteDone({ result, setResult }) {
      if (!result.errors) return;
      const isWrite = getOperationAST(args.document, args.operationName)?.operation === "mutation";
      const told = result.errors.filter(({ message }) => !message.startsWith(IS_NULL));
      const errors = told.map((error) => inTime(error, isWrite));
      const { errors: _, ...rest } = result;
      setResult(errors.length > 0 ? { ...rest, errors } : rest);
    },
  }),
  onResultProcess({ result }) {
    for (const error of result.errors ?? []) {
      const isOfVariable = /^Variable "\$/.test(error.message) && !error.extensions?.code;
      if (isOfVariable) error.extensions = { ...error.extensions, code: "BAD_USER_INPUT" };
    }
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
  port: number("GATEWAY_PORT", 4000),
  cors: false,
  upstreamTimeout: number("GATEWAY_UPSTREAM_MS", 12_000),
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) =>
      Object.fromEntries(PASSED_ON.map((name) => [name, request.headers.get(name)])),
  },
  plugins: () => [jsonOnly, idempotency, unreachable, ownErrors],
});
