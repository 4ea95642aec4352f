"""What tests of the wire run on: an event loop, and a backend or a client of the caller's own."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import httpx2
from attrs import frozen

from ac_sms_async import CancelSafeTransport
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Backend
from ac_sms_async.transport.backends.choice import choose_backend
from tests.transport.requests import TOKEN

LOOPS = ("asyncio", "trio")
LIBRARIES: dict[str, Any] = {"httpx": httpx, "httpx2": httpx2}
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Making httpx's own context takes 40 ms."""


@frozen
class World:
    """`client`: "httpx" and "httptools" are backends, "own-httpx" and "own-httpx2" plain pools of the caller's, and
    "safe-httpx", "safe-httpx2" such clients over a `CancelSafeTransport`."""

    loop: str
    client: str

    def __str__(self) -> str:
        return f"{self.loop}-{self.client}"

    @property
    def anyio_backend(self) -> Any:
        return ("asyncio", {"use_uvloop": True}) if self.loop == "uvloop" else self.loop

    @property
    def is_plain_pool(self) -> bool:
        return self.client.startswith("own-")

    @contextlib.asynccontextmanager
    async def http_client(self, **options: Any) -> AsyncGenerator[Any]:
        """The caller's own client, or None in a world without one. Options: `ssl_context`, `proxy`."""
        kind, _, library = self.client.partition("-")
        if not library:
            yield None
            return
        verify, proxy = options.pop("ssl_context", TRUSTS_NOBODY), options.pop("proxy", None)
        if kind == "safe":
            options["transport"] = CancelSafeTransport(verify=verify, proxy=proxy)
        else:
            options |= {"verify": verify, "proxy": proxy}
        async with LIBRARIES[library].AsyncClient(trust_env=False, **options) as client:
            yield client

    @contextlib.asynccontextmanager
    async def options(self, **options: Any) -> AsyncGenerator[dict[str, Any]]:
        """Options of `SMSClient` for this world; `ssl_context` and `proxy` go where they belong."""
        own: dict[str, Any] = {name: options.pop(name) for name in ("ssl_context", "proxy") if name in options}
        async with self.http_client(**own) as client:
            if client is None:
                yield {"backend": self.client, **own, **options}
            else:
                yield {"http_client": client, **options}

    @contextlib.asynccontextmanager
    async def backend(self, url: str, **options: Any) -> AsyncGenerator[Backend]:
        """The backend itself, without anything above it."""
        given: dict[str, Any] = {"backend": "httpx", "proxy": None, "ssl_context": None, "http_client": None}
        async with self.options(**options) as more:
            address = Address.parse(url, allow_insecure_http=True)
            backend = choose_backend(address, TOKEN, trust_env=True, **(given | more))()
            try:
                yield backend
            finally:
                await backend.aclose()


WORLDS = [
    *(World(loop, "httpx") for loop in ("asyncio", "trio", "uvloop")),
    *(World(loop, "httptools") for loop in ("asyncio", "uvloop")),
    *(World(loop, f"{kind}-{library}") for kind in ("own", "safe") for library in LIBRARIES for loop in LOOPS),
]
