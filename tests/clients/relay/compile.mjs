// Runs the compiler over the schema that the server serves: `node compile.mjs CONFIG`.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { authorization, url } from "../server.mjs";

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL(".", import.meta.url));

export async function compile(config) {
  const sdl = await fetch(new URL("/schema.graphql", url), { headers: { authorization } });
  if (!sdl.ok) throw new Error(`${sdl.status}: ${await sdl.text()}`);
  const { schema, artifactDirectory, persistConfig } = JSON.parse(readFileSync(`${here}/${config}`, "utf8"));
  writeFileSync(`${here}/${schema}`, await sdl.text());
  mkdirSync(`${here}/${artifactDirectory}`, { recursive: true });
  if (persistConfig) writeFileSync(`${here}/${persistConfig.file}`, "{}");
  execFileSync(process.execPath, [require.resolve("relay-compiler/cli.js"), config], { cwd: here, stdio: "pipe" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await compile(process.argv[2]);
