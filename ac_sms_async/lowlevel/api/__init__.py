"""One folder a tag, one module an operation: `request()` builds it, `asyncio()` sends it."""
