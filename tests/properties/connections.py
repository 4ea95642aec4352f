"""What the properties are held on: every backend and the user's own client, on every event loop. The one list."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx

from ac_sms_async import SMSClient

__all__ = ["CONNECTIONS", "DEEP", "TOKEN", "examples", "make_client", "sms_client"]

TOKEN: Final = "token-of-the-tests"

DEEP: Final = bool(os.environ.get("AC_SMS_DEEP"))
"""Whether to try many more examples than each run of the tests can afford: `AC_SMS_DEEP=1`."""

TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain http://, where none is needed: making httpx's own takes 40 ms."""

CONNECTIONS: Final = [
    ("asyncio", "httpx"),
    ("asyncio", "httptools"),
    ("asyncio", "own client"),
    ("trio", "httpx"),
    ("trio", "own client"),
]
"""Event loop and backend; "own client" is an `httpx.AsyncClient` that was handed in."""


def examples(count: int) -> int:
    """How many examples to try: `count` of them each time, twenty times as many for the long run."""
    return count * 20 if DEEP else count


def make_client(backend: str, url: str, **options: Any) -> tuple[SMSClient, httpx.AsyncClient | None]:
    """A client over a backend, or over an `httpx.AsyncClient` of its own; without a limit of its rate.

    For the own client `ssl_context`, `proxy` and `http2` are options of the `httpx.AsyncClient`.
    """
    given: dict[str, Any] = {"rate_limit": None, **options}
    if backend != "own client":
        return SMSClient(url, TOKEN, backend=backend, **given), None  # type: ignore[arg-type]  # a str
    http2 = given.pop("http2", False)
    own = httpx.AsyncClient(
        verify=given.pop("ssl_context", TRUSTS_NOBODY),
        proxy=given.pop("proxy", None),
        http1=not http2,
        http2=http2,
        trust_env=given.pop("trust_env", False),
    )
    return SMSClient(url, TOKEN, http_client=own, **given), own


@asynccontextmanager
async def sms_client(backend: str, url: str, **options: Any) -> AsyncGenerator[SMSClient]:
    """Such a client, open; its own `httpx.AsyncClient` is closed with it."""
    sms, own = make_client(backend, url, **options)
    async with AsyncExitStack() as stack:
        if own is not None:
            await stack.enter_async_context(own)
        yield await stack.enter_async_context(sms)
