"""A transport for `httpx.AsyncClient` (httpx2's, too) that cancelled requests can't hurt.

The pools of both libraries lose a connection for good when a request is cancelled at the wrong moment. So each request
under way has an `AsyncHTTPTransport` with one connection of its own, from a list of idle ones; it goes back there only
when its answer was read to the end, and is thrown away in all other cases.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import ssl
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextvars import Context
from types import ModuleType
from typing import Any, TypeAlias

import anyio
import httpx

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.transport.backends.tls import default_ssl_context, unused_ssl_context

__all__ = [
    "CANCEL_SAFE",
    "IDLE_SECONDS",
    "MAX_IDLE",
    "WRITE_IDLE_SECONDS",
    "CancelSafeTransport",
    "Trace",
    "end",
    "faults",
    "module_of",
]

# Else httpx does it with its first transport, in the middle of a call.
importlib.import_module("httpcore")

Trace: TypeAlias = Callable[[str, Mapping[str, Any]], Any]

IDLE_SECONDS = 15.0
"""How long an idle connection is kept. Servers close theirs after 60 s or more; some development servers after 5 s."""
WRITE_IDLE_SECONDS = 4.0
"""A write rather opens a new connection than take one that was idle for longer. If the server closes that one at the
same moment, a read is simply sent again, but of a write nobody knows whether it was taken."""

MAX_IDLE = "ac_sms_async.max_idle"
"""The request's extension that says how many seconds its connection may have been idle."""
CANCEL_SAFE = "ac_sms_async.cancel_safe"
"""The answer's extension that says that this transport gave it."""


def module_of(instance: object, kind: str) -> Any:
    """httpx or httpx2, whichever has that class of the instance; None for neither. Imports none of them."""
    for name in ("httpx", "httpx2"):
        module: ModuleType | None = sys.modules.get(name)
        if module is not None and isinstance(instance, getattr(module, kind)):
            return module
    return None


@functools.cache
def faults(module: Any) -> tuple[type[Exception], ...]:
    """What httpx, and what lies below it, raise when a connection breaks. Not all of it is wrapped by httpx."""
    return (
        module.HTTPError,
        module.StreamError,
        OSError,
        EOFError,
        anyio.BrokenResourceError,
        anyio.ClosedResourceError,
    )


class CancelSafeTransport(httpx.AsyncBaseTransport):
    """For a client of your own: `httpx.AsyncClient(transport=CancelSafeTransport())`, or `httpx2.AsyncClient`.

    `verify` is an `ssl.SSLContext`, or True for certifi's authorities (with `trust_env` those of SSL_CERT_FILE or
    SSL_CERT_DIR, where they are set); `proxy` is a proxy's URL. It opens as many connections as there are requests at
    once, and keeps them for 15 s, whatever `limits` the client has. HTTP/1.1 only.
    """

    def __init__(
        self, *, verify: ssl.SSLContext | bool = True, proxy: str | None = None, trust_env: bool = True
    ) -> None:
        try:
            url = None if proxy is None else httpx.Proxy(proxy).url
            # Only the look at its host finds all that is wrong with it.
            secure_proxy = url is not None and url.host != "" and url.scheme == "https"
        except (httpx.InvalidURL, ValueError):
            raise ConfigurationError("proxy must be a URL such as http://proxy:3128") from None
        self._verify = verify
        self._proxy = proxy
        self._trust_env = trust_env
        self._secure_proxy = secure_proxy
        self._idle: list[_Connection] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it over the connection that was used last, or over one that has yet to be opened."""
        module = module_of(request, "Request")
        connection = None
        for candidate in self._candidates(module, request):
            if candidate.is_alive():
                connection = candidate
                break
            await self._drop(candidate)
        if connection is None:
            connection = self._new(module, request)
            # When a TLS handshake is cancelled, the library forgets the socket: this remembers it.
            request.extensions = {**request.extensions, "trace": connection.watch(request.extensions.get("trace"))}
        try:
            response: httpx.Response = await connection.transport.handle_async_request(request)
        except BaseException:
            await self._drop(connection)
            raise
        connection.network = response.extensions.get("network_stream")
        response.extensions[CANCEL_SAFE] = True
        response.stream = _body_class(module)(self, connection, request, response)
        return response

    async def aclose(self) -> None:
        """Close all idle connections, and wait for those that are being closed. Those in use are closed when read."""
        self._closed = True
        while self._idle:
            await self._drop(self._idle.pop())
        if self._closing:
            await asyncio.wait(self._closing)

    def _candidates(self, module: Any, request: httpx.Request) -> Iterator[_Connection]:
        """The idle connections that may do, taken out of the list; the one used last comes first."""
        max_idle = request.extensions.get(MAX_IDLE)
        if max_idle is None:
            max_idle = IDLE_SECONDS if request.method in ("GET", "HEAD", "OPTIONS") else WRITE_IDLE_SECONDS
        since = time.monotonic() - max_idle
        for connection in reversed(self._idle.copy()):
            if connection.idle_since < since:
                return
            if connection.way == (module, request.url.scheme, request.url.host, request.url.port):
                self._idle.remove(connection)
                yield connection

    def _new(self, module: Any, request: httpx.Request) -> _Connection:
        url = request.url
        if isinstance(self._verify, ssl.SSLContext) or not self._verify:
            context: ssl.SSLContext | bool = self._verify
        elif url.scheme == "https" or self._secure_proxy:
            context = default_ssl_context(self._trust_env)
        else:
            context = unused_ssl_context()
        limits = module.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)
        transport = module.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, proxy=self._proxy)
        return _Connection(transport, (module, url.scheme, url.host, url.port))

    async def settle(self, connection: _Connection, *, keep: bool) -> None:
        """An answer has ended: its connection is kept, or thrown away."""
        if not keep or self._closed:
            await self._drop(connection)
            return
        now = connection.idle_since = time.monotonic()
        self._idle.append(connection)
        # The oldest are at the front, and would never be asked for again.
        while now - self._idle[0].idle_since >= IDLE_SECONDS:
            await self._drop(self._idle.pop(0))

    async def _drop(self, connection: _Connection) -> None:
        """Close it, whatever is cancelled meanwhile."""
        if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
            # A task of its own, because no shield holds against a plain Task.cancel().
            task = asyncio.get_running_loop().create_task(connection.aclose(), context=Context())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            if self._closed:
                # Nobody waits for it later.
                await asyncio.wait([task])
        else:
            with anyio.CancelScope(shield=True):
                await connection.aclose()


class _Connection:
    """A transport with one connection at most, and what is known of it."""

    __slots__ = ("idle_since", "network", "opened", "pieces", "transport", "way")

    def __init__(self, transport: Any, way: tuple[Any, str, str, int | None]) -> None:
        self.transport: Any = transport
        self.way: tuple[Any, str, str, int | None] = way
        self.network: Any = None
        self.opened: Any = None
        self.pieces: AsyncIterator[bytes] | None = None
        self.idle_since: float = 0.0

    def watch(self, trace: Trace | None) -> Trace:
        """A trace extension that remembers the open socket, and passes everything on."""

        async def watch(name: str, info: Mapping[str, Any]) -> None:
            if name.endswith("connect_tcp.complete"):
                self.opened = info["return_value"]
            if trace is not None:
                await trace(name, info)

        return watch

    def is_alive(self) -> bool:
        """Whether the idle connection can be used: with nothing to read, which would be its end."""
        try:
            return self.network is None or not self.network.get_extra_info("is_readable")
        except ValueError:
            # It was closed, its end having been seen first; trio's sockets can't be asked any more then.
            return False

    async def aclose(self) -> None:
        """Close it, and let the body under way come to its end."""
        module = self.way[0]
        try:
            await self.transport.aclose()
            if self.opened is not None:
                await self.opened.aclose()
            if self.pieces is not None:
                await end(self.pieces, connected=self.network is not None)
        except faults(module):
            # It is thrown away because it broke, or it breaks because it is thrown away.
            pass


async def end(body: AsyncIterator[bytes], *, connected: bool) -> None:
    """Let a body that was left halfway, and whose connection is closed by now, come to its end.

    It is a generator within generators. Asking for more makes each of them end by itself; left alone, they would wait
    for the garbage collector, and trio would warn of it. Without a connection, as in tests that answer by
    pytest-httpx, nothing says that it would end.
    """
    if connected:
        async for _ in body:
            pass
    elif isinstance(body, AsyncGenerator):
        await body.aclose()


class _Body:
    """An answer's body, which gives its connection back once it was read to its end."""

    def __init__(
        self, owner: CancelSafeTransport, connection: _Connection, request: httpx.Request, response: httpx.Response
    ) -> None:
        self._owner = owner
        self._connection: _Connection | None = connection
        self._request = request
        self._response = response
        stream: Any = response.stream
        self._stream = stream
        self._pieces: AsyncIterator[bytes] = aiter(stream)
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            self._ended = True
            raise

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        keep = False
        try:
            if self._ended:
                # Back to its pool of one.
                await self._stream.aclose()
                keep = self._owes_nothing()
            else:
                connection.pieces = self._pieces
        finally:
            await self._owner.settle(connection, keep=keep)

    def _owes_nothing(self) -> bool:
        """Whether what comes next on the connection can only be the next answer."""
        response = self._response
        return (
            # Without a body, what a wrong server sends as one would be read as the next answer.
            self._request.method != "HEAD"
            and response.status_code not in (204, 304)
            and response.headers.get("connection", "").lower() != "close"
            and response.extensions.get("http_version") != b"HTTP/1.0"
        )


@functools.cache
def _body_class(module: Any) -> Any:
    return type("Body", (_Body, module.AsyncByteStream), {})
