// Stoplight Prism between a client and a server: judges both by a document, and says so in `sl-violations`.
// Usage: node prism.cjs <document> <upstream URL>; prints the URL that it listens on.
//
// Started from code, because Prism's own command does not see parameters with brackets in their names
// (it percent-encodes the names in the document), nor arrays unless they are said to be exploded.

const { createLogger } = require("@stoplight/prism-core");
const { getHttpOperationsFromSpec } = require("@stoplight/prism-http");
const { createServer } = require("@stoplight/prism-http-server");

async function main(document, upstream) {
  const operations = await getHttpOperationsFromSpec(document);
  for (const operation of operations) {
    operation.path = "/api/3" + operation.path;
    for (const parameter of operation.request?.query ?? []) {
      if (parameter.style === "form") parameter.explode = true;
    }
  }
  const server = createServer(operations, {
    cors: false,
    config: {
      checkSecurity: true,
      validateRequest: true,
      validateResponse: true,
      errors: false,
      isProxy: true,
      upstream: new URL(upstream),
      mock: { dynamic: false },
    },
    components: { logger: createLogger("prism", { enabled: false }) },
  });
  console.log(await server.listen(0, "127.0.0.1"));
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
