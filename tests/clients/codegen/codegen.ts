import type { CodegenConfig } from "@graphql-codegen/cli";

const { QUARTETO_URL, QUARTETO_USER, QUARTETO_PASSWORD } = process.env;
const login = Buffer.from(`${QUARTETO_USER}:${QUARTETO_PASSWORD}`).toString("base64");

const config: CodegenConfig = {
  schema: [{ [`${QUARTETO_URL}/graphql`]: { headers: { Authorization: `Basic ${login}` } } }],
  documents: "src/**/*.ts",
  ignoreNoDocuments: true,
  generates: {
    "src/gql/": {
      preset: "client",
      config: {
        documentMode: "string",
        strictScalars: true,
        scalars: { CEP: "string", CPF: "string", Date: "string", DateTime: "string", Decimal: "string" },
      },
    },
  },
};

export default config;
