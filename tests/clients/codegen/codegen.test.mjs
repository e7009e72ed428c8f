// The generator reads the schema from the server by introspection; what it writes
// satisfies a strict compiler, and the compiled code gets what its types promise.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { authorization, url } from "../server.mjs";

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL(".", import.meta.url));

function run(program, ...options) {
  try {
    return execFileSync(process.execPath, [program, ...options], { cwd: here, encoding: "utf8" });
  } catch (error) {
    throw new Error(`${program}:\n${error.stdout}${error.stderr}`);
  }
}

before(() => {
  run("../../node_modules/@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.ts");
  run(require.resolve("typescript/bin/tsc"));
});

test("a list is read page by page", async () => {
  const { todos } = require("./out/produtos.js");
  const linhas = await todos(url, authorization, { busca: "mesa", precoMax: "1500" });
  assert.equal(linhas.length, 10);
  assert.equal(linhas[0], "Xícara em aço inox Pampa 35: R$ 17,90");
});

test("the type of a node tells its fields", async () => {
  const { nome } = require("./out/produtos.js");
  assert.equal(await nome(url, authorization, "cliente_1"), "Felipe Lima, 11 digits");
  assert.equal(await nome(url, authorization, "produto_6"), "Xícara em aço inox Pampa 35");
  assert.equal(await nome(url, authorization, "produto_999999"), null);
});
