"""Two calls over each backend while a tool watches; prints how many of them it saw. A process for each tool: most of
them change other libraries for good.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import httpx
from attrs import frozen

from tests.properties.connections import sms_client

BACKENDS = ("httpx", "httptools", "own client")


@frozen
class Watch:
    """How many calls a tool has seen, and what it wants to be opened around them."""

    count: Callable[[], int]
    around: Callable[[], AbstractContextManager[object]] = nullcontext


async def two_calls(backend: str, url: str) -> list[Any]:
    """What two calls got."""
    async with sms_client(backend, url) as sms:
        return [(await sms.request("GET", "/seen")).parsed for _ in range(2)]


def opentelemetry() -> Watch:
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    return Watch(lambda: len(spans.get_finished_spans()))


def sentry() -> Watch:
    import sentry_sdk
    from sentry_sdk.integrations.httpx import HttpxIntegration

    operations: list[str] = []

    def keep(event: Any, hint: Any) -> None:
        """Send nothing anywhere."""
        operations.extend(span["op"] for span in event["spans"])

    sentry_sdk.init(
        dsn="http://key@127.0.0.1:1/1",
        traces_sample_rate=1.0,
        before_send_transaction=keep,
        auto_enabling_integrations=False,
        integrations=[HttpxIntegration()],
    )
    return Watch(lambda: operations.count("http.client"), lambda: sentry_sdk.start_transaction(name="two calls"))


def patched_send() -> Watch:
    """As ddtrace and others do it: a wrapper in the place of `httpx.AsyncClient.send`."""
    sent: list[str] = []
    send = httpx.AsyncClient.send

    async def traced(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        sent.append(request.method)
        return await send(self, request, **options)

    setattr(httpx.AsyncClient, "send", traced)  # noqa: B010  # it is a method to the type checkers
    return Watch(lambda: len(sent))


def aiohttp() -> Watch:
    """What patches `aiohttp.ClientSession` sees nothing where aiohttp isn't even imported."""
    return Watch(lambda: 2 * ("aiohttp" in sys.modules))


TOOLS = {"opentelemetry": opentelemetry, "sentry": sentry, "send": patched_send, "aiohttp": aiohttp}


def main(tool: str, url: str) -> None:
    seen: dict[str, int] = {}
    watch = TOOLS[tool]()
    for backend in BACKENDS:
        before = watch.count()
        with watch.around():
            asyncio.run(two_calls(backend, url))
        seen[backend] = watch.count() - before
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
