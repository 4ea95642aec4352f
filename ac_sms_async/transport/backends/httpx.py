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
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

import anyio
import h11
import httpx

from ac_sms_async.errors import ConfigurationError, ConnectError, TransportError
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import WireRequest
from ac_sms_async.transport.backends.decompression import ACCEPT_ENCODING
from ac_sms_async.transport.backends.proxies import proxy_for

__all__ = ["HttpxBackend"]

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
    h11.ProtocolError,
)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)
_NO_BODY = httpx.ByteStream(b"")


@functools.cache
def _default_ssl_context(trust_env: bool) -> ssl.SSLContext:
    # Reading the certificates takes 20 to 40 ms, so it happens once in a process.
    return httpx.create_ssl_context(trust_env=trust_env)


@functools.cache
def _unused_ssl_context() -> ssl.SSLContext:
    # httpx wants one for plain http:// too; this one trusts nobody.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Line:
    """A transport with one connection at most, and what is known of it."""

    __slots__ = ("idle_since", "keeps_alive", "network", "transport")

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        self.transport = transport
        self.network: Any = None
        self.keeps_alive = True
        self.idle_since = 0.0

    def note(self, response: httpx.Response) -> None:
        """Learn from an answer's extensions."""
        self.network = response.extensions.get("network_stream")
        self.keeps_alive = response.extensions.get("http_version") != b"HTTP/1.0"

    def is_alive(self, now: float) -> bool:
        """Whether the idle connection can be used: not too old, and with nothing to read, which would be its end."""
        return now - self.idle_since < IDLE_SECONDS and not (
            self.network is not None and self.network.get_extra_info("is_readable")
        )


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
        self._proxy = _parse_proxy(proxy_for(address) if proxy is None and trust_env else proxy)
        self._headers = _fixed_headers(address, token, user_agent)
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
            context = _default_ssl_context(self._trust_env) if secure else _unused_ssl_context()
        transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=_LIMITS, proxy=self._proxy)
        return HttpxExchange(self, _Line(transport), request, fresh=True)

    def build(self, request: WireRequest) -> httpx.Request:
        """The httpx request, from headers that were made once."""
        headers = httpx.Headers(self._headers)
        if request.accept != "application/json":
            headers["Accept"] = request.accept
        stream = _NO_BODY
        if request.body is not None:
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(request.body))
            stream = httpx.ByteStream(request.body)
        elif request.method not in ("GET", "HEAD", "DELETE"):
            headers["Content-Length"] = "0"
        timeout = request.timeout
        seconds = {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.connect}
        return httpx.Request(
            request.method,
            self._address.origin + request.target,
            headers=headers,
            stream=stream,
            extensions={"timeout": seconds},
        )

    def put_back(self, line: _Line) -> None:
        """Keep a connection whose answer was read to the end for the next exchange."""
        if self._closed:
            self.drop(line, None)
        else:
            line.idle_since = time.monotonic()
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
        if body is not None and line.network is not None:
            # A body that was left halfway is a generator within generators. Now that the connection is closed, asking
            # for more makes each of them end by itself; left alone, they would wait for the garbage collector.
            async for _ in body:
                pass
    except FAULTS:
        # It is thrown away because it broke, or it breaks because it is thrown away.
        pass


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
        self._stream: httpx.AsyncByteStream = _NO_BODY
        self._body = aiter(_NO_BODY)
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.complete: bool | None = False
        self.sent = False

    async def start(self, opening: Callable[[], None]) -> None:
        """Send the request and wait for the answer's headers."""
        line = self._line
        request = self._backend.build(self._request)
        self.sent = True
        if self._fresh:
            request.extensions["trace"] = self._watch(opening)
        failure = None
        try:
            response = await line.transport.handle_async_request(request)
        except FAULTS as error:
            failure = self._translate(error)
        else:
            line.note(response)
            self.status = response.status_code
            self.headers = _plain_headers(response.headers)
            self._stream = stream = cast("httpx.AsyncByteStream", response.stream)
            self._body = aiter(stream)
        if failure is not None:
            # Raised here and not above, so that it isn't chained to an error that holds the request and its token.
            raise failure

    def _watch(self, opening: Callable[[], None]) -> Callable[[str, Mapping[str, Any]], Any]:
        """A trace extension that tells when a connection is opened, and when the request is written to it."""

        async def trace(name: str, info: Mapping[str, Any]) -> None:
            if name.endswith("connect_tcp.started"):
                self.sent = False
                opening()
            elif name == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
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
            failure = self._translate(error)
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
            failure = self._translate(error)
        if failure is not None:
            raise failure
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _finish(self) -> None:
        await self._stream.aclose()
        # From here to the end nothing is awaited: the connection is either ours to drop, or back in the list.
        headers = self.headers
        framed = (
            "content-length" in headers
            or "transfer-encoding" in headers
            or self.status in (204, 304)
            or self._request.method == "HEAD"
        )
        self.complete = True if framed else None
        self._held = False
        line = self._line
        if framed and line.keeps_alive and headers.get("connection", "").lower() != "close":
            self._backend.put_back(line)
        else:
            self._backend.drop(line, None)

    async def aclose(self) -> None:
        """Give the connection back if the answer was read to its end, else throw it away."""
        if self._held:
            self._held = False
            self._backend.drop(self._line, self._body)
        await self._backend.close_dropped()

    def _translate(self, error: Exception) -> TransportError:
        """Our error for one of theirs, in words that hold neither the request nor the token."""
        timeout = self._request.timeout
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
                text = str(error).replace(self._backend.token, "***") or type(error).__name__
        if isinstance(error, _NEVER_SENT) or not self.sent:
            return ConnectError(f"could not connect: {text}")
        return TransportError(f"the connection broke: {text}")


def _plain_headers(headers: httpx.Headers) -> dict[str, str]:
    plain: dict[str, str] = {}
    for raw_name, raw_value in headers.raw:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.decode("latin-1")
        plain[name] = f"{plain[name]}, {value}" if name in plain else value
    return plain


def _fixed_headers(address: Address, token: str, user_agent: str) -> httpx.Headers:
    return httpx.Headers(
        {
            "Host": address.netloc,
            "Accept": "application/json",
            "Accept-Encoding": ACCEPT_ENCODING,
            "User-Agent": user_agent,
            "Api-Token": token,
        }
    )


def _parse_proxy(url: str | None) -> httpx.Proxy | None:
    if url is None:
        return None
    try:
        return httpx.Proxy(url)
    except (ValueError, TypeError, httpx.InvalidURL):
        # Not chained, and not repeated: a proxy's URL often holds a password.
        problem = ConfigurationError("proxy must be the URL of an http, https, socks5 or socks5h proxy")
    raise problem
