"""The default backend: httpx, on asyncio and trio. The one file that imports httpx.

httpx's own pool loses connections for good when a request is cancelled early, and slows down with their number. So each
exchange has an `AsyncHTTPTransport` with one connection of its own, from a list of idle ones; it goes back there only
when the answer was read to the end, and is thrown away in all other cases.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, Self, cast

import anyio
import httpx

from ac_sms_async.errors import ConnectError, TransportError
from ac_sms_async.options import Timeout
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Progress, WireRequest
from ac_sms_async.transport.backends.headers import is_framed, plain_headers, request_headers
from ac_sms_async.transport.backends.httpcore import has_more, read_widely, single_connection, take_locks_off

__all__ = [
    "FAULTS",
    "IDLE_SECONDS",
    "NO_BODY",
    "HttpxBackend",
    "OnePiece",
    "default_ssl_context",
    "end",
    "is_http_client",
    "is_request_start",
    "request_extensions",
    "translate",
]

IDLE_SECONDS = 15.0
"""How long an idle connection is kept. Servers close theirs after 60 s or more; some development servers after 5 s."""

# What httpx, and what lies below it, raise when a connection breaks. Not all of it is wrapped by httpx.
FAULTS = (
    httpx.HTTPError,
    httpx.StreamError,
    OSError,
    EOFError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)


class _Body(httpx.AsyncByteStream):
    """A request's body, in one piece. It is asked for once the headers are on their way, which is worth knowing.

    (httpx's own is a generator, which trio warns of when a write breaks off.)
    """

    def __init__(self, content: bytes, progress: Progress | None = None) -> None:
        self._content = content
        self._progress = progress

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._progress is not None:
            self._progress.writing()
        return OnePiece(self._content)


class OnePiece:
    """A body that is there already, to be read once."""

    def __init__(self, content: bytes) -> None:
        self._left = content

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        content, self._left = self._left, b""
        if not content:
            raise StopAsyncIteration
        return content


NO_BODY = _Body(b"")


@functools.cache
def default_ssl_context(trust_env: bool) -> ssl.SSLContext:
    """The process's own one: reading the certificates takes 20 to 40 ms."""
    context = httpx.create_ssl_context(trust_env=trust_env)
    context.set_alpn_protocols(["http/1.1"])
    return context


@functools.cache
def _unused_ssl_context() -> ssl.SSLContext:
    # httpx wants one for plain http:// too; this one trusts nobody.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Line:
    """A transport with one connection at most, and what is known of it."""

    __slots__ = ("connection", "idle_since", "keeps_alive", "network", "socket", "transport")

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        self.transport: httpx.AsyncHTTPTransport = transport
        self.connection: Any = None
        self.network: Any = None
        self.socket: Any = None
        self.keeps_alive: bool = True
        self.idle_since: float = 0.0

    def leave_pool(self, address: Address, context: ssl.SSLContext) -> None:
        """Put the connection itself where the transport has its pool.

        The pool around one connection takes a sixth of a call's time, for what is known here already: that the
        connection is free, and still alive. Only the connections through a proxy are made by their pools.
        """
        self.connection = single_connection(address, context, IDLE_SECONDS)
        setattr(self.transport, "_pool", self.connection)  # noqa: B010 - not ours, and typed as the pool

    def note(self, response: httpx.Response) -> None:
        """Learn from an answer's extensions."""
        if self.network is None:
            read_widely(self.connection)
            take_locks_off(self.connection)
        self.network = response.extensions.get("network_stream")
        self.keeps_alive = response.extensions.get("http_version") != b"HTTP/1.0"

    def is_alive(self, now: float) -> bool:
        """Whether the idle connection can be used: not too old, and with nothing to read, which would be its end."""
        if now - self.idle_since >= IDLE_SECONDS or (self.connection is not None and self.connection.is_closed()):
            return False
        try:
            return self.network is None or not self.network.get_extra_info("is_readable")
        except ValueError:
            # httpx closed it itself, having seen its end first; trio's sockets can't be asked any more then.
            return False


@functools.lru_cache(maxsize=256)
def _url(text: str) -> httpx.URL:
    # Bulk metrics all go to one URL and polls ask for the same one again; parsing it takes 20 us.
    return httpx.URL(text)


class HttpxBackend:
    """Exchanges over httpx transports, one connection each."""

    def __init__(
        self,
        address: Address,
        token: str,
        *,
        user_agent: str,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trust_env: bool = True,
    ) -> None:
        self.token = token
        self._address = address
        self._ssl_context = ssl_context
        self._trust_env = trust_env
        self._proxy = None if proxy is None else httpx.Proxy(proxy)
        self._headers = httpx.Headers(request_headers(address, token, user_agent))
        self._idle: list[_Line] = []
        self._dropped: list[tuple[_Line, AsyncIterator[bytes] | None]] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    def exchange(self, request: WireRequest) -> HttpxExchange:
        """A new exchange on the connection that was used last, or on one that has yet to be opened."""
        now = time.monotonic()
        while self._idle:
            line = self._idle.pop()
            if line.is_alive(now):
                return HttpxExchange(self, line, request, fresh=False)
            self.drop(line, None)
        context = self._ssl_context
        if context is None:
            secure = self._address.scheme == "https" or (self._proxy is not None and self._proxy.url.scheme == "https")
            context = default_ssl_context(self._trust_env) if secure else _unused_ssl_context()
        line = _Line(httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=_LIMITS, proxy=self._proxy))
        if self._proxy is None:
            line.leave_pool(self._address, context)
        return HttpxExchange(self, line, request, fresh=True)

    def build(self, request: WireRequest, progress: Progress) -> httpx.Request:
        """The httpx request, from headers that were made once."""
        headers = httpx.Headers(self._headers)
        if request.accept != "application/json":
            headers["Accept"] = request.accept
        content = request.body or b""
        if request.body is not None:
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(content))
        elif request.method not in ("GET", "HEAD", "DELETE"):
            headers["Content-Length"] = "0"
        return httpx.Request(
            request.method,
            _url(self._address.origin + request.target),
            headers=headers,
            stream=_Body(content, progress),
            extensions=request_extensions(request.timeout),
        )

    def put_back(self, line: _Line) -> None:
        """Keep a connection whose answer was read to the end for the next exchange."""
        if self._closed:
            self.drop(line, None)
        else:
            now = line.idle_since = time.monotonic()
            # The oldest are at the front, and would never be asked for again.
            while self._idle and now - self._idle[0].idle_since >= IDLE_SECONDS:
                self.drop(self._idle.pop(0), None)
            self._idle.append(line)

    def drop(self, line: _Line, body: AsyncIterator[bytes] | None) -> None:
        """Never use this connection again. The next `close_dropped` closes it."""
        self._dropped.append((line, body))

    async def close_dropped(self) -> None:
        """Close what was dropped, whatever is cancelled meanwhile."""
        dropped, self._dropped = self._dropped, []
        if not dropped:
            return
        if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
            # A task of its own, because no shield holds against a plain Task.cancel().
            for line, body in dropped:
                task = asyncio.get_running_loop().create_task(_close(line, body))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
        else:
            with anyio.CancelScope(shield=True):
                for line, body in dropped:
                    await _close(line, body)

    async def aclose(self) -> None:
        """Close all idle connections, and wait for those that are being closed."""
        self._closed = True
        while self._idle:
            self.drop(self._idle.pop(), None)
        await self.close_dropped()
        if self._closing:
            await asyncio.wait(self._closing)


async def _close(line: _Line, body: AsyncIterator[bytes] | None) -> None:
    try:
        await line.transport.aclose()
        if line.socket is not None:
            # When it is cancelled during the TLS handshake, httpcore has forgotten it by now.
            await line.socket.aclose()
        if body is not None:
            await end(body, connected=line.network is not None)
    except FAULTS:
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


class HttpxExchange:
    """One request and its answer over one line."""

    __slots__ = (
        "_backend",
        "_body",
        "_fresh",
        "_held",
        "_line",
        "_request",
        "_stream",
        "complete",
        "headers",
        "sent",
        "status",
    )

    def __init__(self, backend: HttpxBackend, line: _Line, request: WireRequest, *, fresh: bool) -> None:
        self._backend = backend
        self._line = line
        self._held = True
        self._request = request
        self._fresh = fresh
        self._stream: httpx.AsyncByteStream = NO_BODY
        self._body = aiter(NO_BODY)
        self.status: int = 0
        self.headers: Mapping[str, str] = {}
        self.complete: bool | None = False
        self.sent: bool = False

    async def start(self, progress: Progress) -> None:
        """Send the request and wait for the answer's headers."""
        line = self._line
        request = self._backend.build(self._request, progress)
        self.sent = True
        if self._fresh:
            request.extensions["trace"] = self._watch(progress)
        failure = None
        try:
            response = await line.transport.handle_async_request(request)
        except FAULTS as error:
            failure = translate(error, self._request, sent=self.sent, token=self._backend.token)
        else:
            line.note(response)
            self.status = response.status_code
            self.headers = plain_headers(response.headers.raw)
            self._stream = stream = cast("httpx.AsyncByteStream", response.stream)
            self._body = aiter(stream)
        if failure is not None:
            # Raised here and not above, so that it isn't chained to an error that holds the request and its token.
            raise failure

    def _watch(self, progress: Progress) -> Callable[[str, Mapping[str, Any]], Any]:
        """A trace extension that tells when a connection is opened, and when the request is written to it."""

        async def trace(name: str, info: Mapping[str, Any]) -> None:
            if name.endswith("connect_tcp.started"):
                self.sent = False
                progress.opening()
            elif name.endswith("connect_tcp.complete"):
                self._line.socket = info["return_value"]
            elif is_request_start(name, info):
                self.sent = True

        return trace

    async def receive(self) -> bytes:
        """The next piece of the body as it was sent; b"" at its end."""
        failure = None
        try:
            async for piece in self._body:
                if piece:
                    return piece
            if self._held:
                await self._finish()
        except FAULTS as error:
            failure = translate(error, self._request, sent=self.sent, token=self._backend.token)
        if failure is not None:
            raise failure
        return b""

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body as it was sent, or about `limit` bytes of it."""
        pieces: list[bytes] = []
        size = 0
        failure = None
        try:
            async for piece in self._body:
                pieces.append(piece)
                size += len(piece)
                if limit is not None and size >= limit:
                    break
            else:
                await self._finish()
        except FAULTS as error:
            failure = translate(error, self._request, sent=self.sent, token=self._backend.token)
        if failure is not None:
            raise failure
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _finish(self) -> None:
        await self._stream.aclose()
        # From here to the end nothing is awaited: the connection is either ours to drop, or back in the list.
        framed = is_framed(self._request.method, self.status, self.headers)
        self.complete = True if framed else None
        self._held = False
        line = self._line
        kept = framed and line.keeps_alive and self.headers.get("connection", "").lower() != "close"
        if kept and not has_more(line.connection):
            self._backend.put_back(line)
        else:
            self._backend.drop(line, None)

    async def aclose(self) -> None:
        """Give the connection back if the answer was read to its end, else throw it away."""
        if self._held:
            self._held = False
            self._backend.drop(self._line, self._body)
        await self._backend.close_dropped()


def translate(error: Exception, request: WireRequest, *, sent: bool, token: str) -> TransportError:
    """Our error for one of theirs, in words that hold neither the request nor the token."""
    timeout = request.timeout
    match error:
        case httpx.ConnectTimeout():
            text = f"no connection within {timeout.connect:g} s"
        case httpx.ReadTimeout():
            text = f"nothing came from the server for {timeout.read:g} s"
        case httpx.WriteTimeout():
            text = f"the server took nothing for {timeout.write:g} s"
        case httpx.PoolTimeout():
            text = f"http_client had no free connection within {timeout.connect:g} s"
        case _:
            text = str(error).replace(token, "***") or type(error).__name__
    if isinstance(error, _NEVER_SENT) or not sent:
        return ConnectError(f"could not connect: {text}")
    return TransportError(f"the connection broke: {text}")


def request_extensions(timeout: Timeout) -> dict[str, Any]:
    """The extensions of a request: its timeouts as httpx takes them."""
    return {
        "timeout": {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.connect}
    }


def is_request_start(name: str, info: Mapping[str, Any]) -> bool:
    """Whether an event of httpcore's trace means that the request is being written (and not one to the proxy)."""
    return name.endswith("send_request_headers.started") and info["request"].method != b"CONNECT"


def is_http_client(value: object) -> bool:
    """Whether it is an `httpx.AsyncClient`."""
    return isinstance(value, httpx.AsyncClient)
