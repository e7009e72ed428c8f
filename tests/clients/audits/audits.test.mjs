// The audits of GraphQL over HTTP, one test each: what the specification says a
// server MUST, SHOULD and MAY do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { serverAudits } from "graphql-http";
import { authorization, url } from "../server.mjs";

const MISSHAPEN = "a body that is no GraphQL request is 422 in the draft, the audits of 2025 want 400";
const COERCION = "a variable that cannot be coerced is 422 in the draft, the audits of 2025 want 400";
const PLAIN_JSON = "the draft has the same status for application/json, the audits of 2025 want 200";

/**
 * The audits that the server fails on purpose, each with the reason, by the setting
 * `http.status_codes`. There is none where it is as it comes; those of `draft-2026`
 * are the status codes that the specification's draft of August 2026 has changed.
 */
const EXCEPTIONS = {
  audit: {},
  "draft-2026": {
    "423L": MISSHAPEN, "LKJ0": MISSHAPEN, "LKJ1": MISSHAPEN, "LKJ2": MISSHAPEN, "LKJ3": MISSHAPEN,
    "6C00": MISSHAPEN, "6C01": MISSHAPEN, "6C02": MISSHAPEN, "6C03": MISSHAPEN,
    "4760": MISSHAPEN, "4761": MISSHAPEN, "4762": MISSHAPEN, "4763": MISSHAPEN,
    "58B0": MISSHAPEN, "58B1": MISSHAPEN, "58B2": MISSHAPEN, "58B3": MISSHAPEN,
    "3E3A": MISSHAPEN,
    "86EE": COERCION,
    "572B": PLAIN_JSON, "FDE2": PLAIN_JSON, "7B9B": PLAIN_JSON,
  },
}[process.env.QUARTETO_STATUS_CODES ?? "audit"];

/** Fewer would mean that the package no longer asks what it asked. */
const AUDITS = 60;

const withLogin = (resource, options = {}) => {
  const headers = new Headers(options.headers);
  headers.set("authorization", authorization);
  return fetch(resource, { ...options, headers });
};

const audits = serverAudits({ url, fetchFn: withLogin });

test("the package holds the audits that we know", () => {
  assert.equal(audits.length, AUDITS);
  const ids = new Set(audits.map((audit) => audit.id));
  for (const id of Object.keys(EXCEPTIONS)) assert.ok(ids.has(id), `${id} is no audit`);
});

for (const audit of audits) {
  test(`${audit.id}: ${audit.name}`, async () => {
    const { status, reason } = await audit.fn();
    const reasoned = EXCEPTIONS[audit.id];
    if (reasoned) assert.notEqual(status, "ok", `is no exception any more: ${reasoned}`);
    else assert.equal(status, "ok", reason);
  });
}
