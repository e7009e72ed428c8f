// Whether two servers show one schema: same-schema.mjs URL OTHER, with QUARTETO_LOGIN as USER:PASSWORD.
// Says what differs, a line each, and of directives only by name; nothing when nothing does.
import { buildClientSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } from "graphql";

async function shown(url) {
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Basic ${Buffer.from(process.env.QUARTETO_LOGIN).toString("base64")}`,
    },
    body: JSON.stringify({ query: getIntrospectionQuery() }),
  });
  const { data, errors } = await answer.json();
  if (!data) throw new Error(JSON.stringify(errors));
  return printSchema(lexicographicSortSchema(buildClientSchema(data)));
}

/** Definitions, with the descriptions before them. */
function definitions(sdl) {
  const all = new Map();
  for (const text of sdl.split(/\n\n(?=(?:"""|\w))/)) {
    const head = text.replace(/^"""[\s\S]*?"""\n/, "").split(/[({\n]/)[0].trim();
    all.set(head, text);
  }
  return all;
}

/** Without its descriptions. */
const bare = (text) => text.replace(/^\s*(?:"""[\s\S]*?"""|"(?:[^"\\]|\\.)*")\n/gm, "");

const [one, other] = (await Promise.all(process.argv.slice(2).map(shown))).map(definitions);
for (const [head, text] of one) {
  if (!other.has(head)) console.log(`only there: ${head}`);
  else if (bare(other.get(head)) === bare(text)) {
    if (other.get(head) !== text) console.log(`described otherwise: ${head}`);
  } else console.log(`differs: ${head}\n${text}\n---\n${other.get(head)}`);
}
for (const head of other.keys()) if (!one.has(head)) console.log(`only here: ${head}`);
