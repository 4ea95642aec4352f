"""One module a tag, one endpoint an operation: `endpoint.request(...)` builds it, `await endpoint.asyncio(client, ...)` sends it."""
