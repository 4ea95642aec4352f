"""The fast backend: aiohttp, on asyncio only, for bulk work. The one file that imports aiohttp.

aiohttp does what is hard here: its connector opens, keeps and closes connections, through proxies and TLS too, and its
parser reads the answers. Requests are written by us and not by a `ClientSession`, which would take a quarter of the
time of a call, send a PUT again when a kept connection turns out to be closed, and hold the token in its objects.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import anyio
from aiohttp.connector import Connection
from aiohttp.hdrs import HOST, PROXY_AUTHORIZATION
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from ac_sms_async.errors import ConfigurationError, ConnectError, TransportError
from ac_sms_async.options import Timeout
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Progress, WireRequest
from ac_sms_async.transport.backends.headers import is_framed, plain_headers, request_headers
from ac_sms_async.transport.backends.httpx import IDLE_SECONDS, default_ssl_context

__all__ = ["AiohttpBackend"]

T = TypeVar("T")

_FAULTS = (aiohttp.ClientError, HttpProcessingError, OSError, EOFError, TimeoutError)

_READ_BY_ALL = 64 * 1024
"""Bytes of a request that a server, or the buffers on the way to it, have taken in before it answers."""

_current: ContextVar[AiohttpExchange] = ContextVar("ac_sms_async.exchange")


def _open_socket(address: Any) -> socket.socket:
    """What aiohttp calls to open a connection, in the task of the exchange that needs it or in a child of it."""
    _current.get().connecting()
    family, kind, protocol, *_ = address
    return socket.socket(family, kind, protocol)


@functools.lru_cache(maxsize=16)
def _client_timeout(timeout: Timeout) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=timeout.connect)


def _proxy_authorization(proxy: URL | None) -> str | None:
    """The header with the user and password of the proxy's URL. The URL itself stands in errors, so it goes without."""
    if proxy is None or proxy.user is None:
        return None
    return "Basic " + b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()


def _abort(connection: Connection) -> None:
    """Close it at once: else it would wait until all is written, and under TLS for the peer."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


class AiohttpBackend:
    """Exchanges over the connections of one `aiohttp.TCPConnector`."""

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
        if anyio.get_cancelled_exc_class() is not asyncio.CancelledError:
            raise ConfigurationError("backend='aiohttp' runs on asyncio only; on trio use backend='httpx'")
        self.token = token
        context = ssl_context
        if context is None and (address.scheme == "https" or (proxy or "").startswith("https:")):
            context = default_ssl_context(trust_env)
        self._in_use = 0
        self._closed = False
        # A proxy of plain http:// wants to read where the request is for.
        self._before_target = "" if proxy is None or address.scheme == "https" else address.origin
        headers = request_headers(address, token, user_agent)
        del headers["Accept"]
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._connector = aiohttp.TCPConnector(
            # How many run at once is counted before.
            limit=0,
            ssl=True if context is None else context,
            keepalive_timeout=IDLE_SECONDS,
            socket_factory=_open_socket,
        )
        # What the connector asks of a request: where it goes. It never sees the token, or anything else of it.
        way = None if proxy is None else URL(proxy)
        self._proxy_authorization = _proxy_authorization(way)
        proxy_headers = CIMultiDict[str]()
        if self._proxy_authorization is not None:
            proxy_headers[PROXY_AUTHORIZATION] = self._proxy_authorization
        self._way = aiohttp.ClientRequest(
            "GET",
            URL(address.origin),
            loop=asyncio.get_running_loop(),
            proxy=None if way is None else way.with_user(None),
            proxy_headers=proxy_headers,
        )
        # aiohttp adds it for the first connection, which then would count as another way than the next ones.
        proxy_headers[HOST] = self._way.headers[HOST]

    def exchange(self, request: WireRequest) -> AiohttpExchange:
        """A new exchange; nothing is sent yet."""
        self._in_use += 1
        return AiohttpExchange(self, request)

    async def connect(self, timeout: Timeout) -> Connection:
        """A connection that was kept, or a new one."""
        while True:
            connection = await self._connector.connect(self._way, traces=[], timeout=_client_timeout(timeout))
            protocol = connection.protocol
            if protocol is not None and not protocol.should_close:
                return connection
            # Since its last answer the server has sent another, which would be taken for that to the next request.
            _abort(connection)

    def head(self, request: WireRequest) -> bytes:
        """The request as it is sent, up to its body."""
        lines = [
            f"{request.method} {self._before_target}{request.target} HTTP/1.1\r\n{self._headers}",
            f"Accept: {request.accept}\r\n",
        ]
        if request.body is not None:
            lines.append(f"Content-Type: application/json\r\nContent-Length: {len(request.body)}\r\n")
        elif request.method not in ("GET", "HEAD", "DELETE"):
            lines.append("Content-Length: 0\r\n")
        if self._before_target and self._proxy_authorization is not None:
            lines.append(f"{PROXY_AUTHORIZATION}: {self._proxy_authorization}\r\n")
        lines.append("\r\n")
        return "".join(lines).encode("ascii")

    async def release(self) -> None:
        """An exchange has ended."""
        self._in_use -= 1
        await self._close_unused()

    async def aclose(self) -> None:
        """Close the connections, or let the last exchange under way do it."""
        self._closed = True
        await self._close_unused()

    async def _close_unused(self) -> None:
        if self._closed and not self._in_use:
            await self._connector.close()


class AiohttpExchange:
    """One request and its answer over a connection."""

    __slots__ = (
        "_backend",
        "_connection",
        "_content",
        "_progress",
        "_request",
        "complete",
        "headers",
        "sent",
        "status",
    )

    _progress: Progress

    def __init__(self, backend: AiohttpBackend, request: WireRequest) -> None:
        self._backend = backend
        self._request = request
        self._connection: Connection | None = None
        self._content: aiohttp.StreamReader = aiohttp.EMPTY_PAYLOAD
        self.status: int = 0
        self.headers: Mapping[str, str] = {}
        self.complete: bool | None = False
        self.sent: bool = False

    async def start(self, progress: Progress) -> None:
        """Send the request and wait for the answer's headers."""
        self._progress = progress
        token = _current.set(self)
        try:
            await self._translating(self._start())
        finally:
            _current.reset(token)

    async def _start(self) -> None:
        request = self._request
        backend = self._backend
        self._connection = connection = await backend.connect(request.timeout)
        protocol = connection.protocol
        transport = connection.transport
        if TYPE_CHECKING:
            # As long as the connection is ours, it has both.
            assert protocol is not None
            assert transport is not None
        protocol.set_response_params(
            skip_payload=request.method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=request.timeout.read,
        )
        self.sent = True
        self._progress.writing()
        head = backend.head(request)
        transport.write(head if request.body is None else head + request.body)
        protocol.start_timeout()
        message, content = await protocol.read()
        while 100 <= message.code < 200 and message.code != 101:
            protocol.start_timeout()
            message, content = await protocol.read()
        self._content = content
        self.status = message.code
        self.headers = plain_headers(message.raw_headers)

    def connecting(self) -> None:
        """A connection is being opened for this exchange."""
        self._progress.opening()

    async def receive(self) -> bytes:
        """The next piece of the body as it was sent; b"" at its end."""
        piece = await self._translating(self._content.readany())
        if not piece:
            self._finish()
        return piece

    async def _translating(self, step: Awaitable[T]) -> T:
        try:
            return await step
        except _FAULTS as error:
            failure = self._translate(error)
        # Raised here and not above, so that it isn't chained to an error that may hold the token.
        raise failure

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body as it was sent, or about `limit` bytes of it."""
        if limit is None:
            content = self._content
            # Small answers are there already.
            body = content.read_nowait() if content.is_eof() else await self._translating(content.read())
            self._finish()
            return body
        pieces: list[bytes] = []
        size = 0
        while size < limit:
            piece = await self.receive()
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)

    def _finish(self) -> None:
        self.complete = True if is_framed(self._request.method, self.status, self.headers) else None
        connection, self._connection = self._connection, None
        if connection is not None:
            if self.status >= 300 and len(self._request.body or b"") > _READ_BY_ALL:
                # Refused perhaps before all of it was read, and then nobody reads the rest.
                _abort(connection)
            else:
                connection.release()

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end, when it was kept for the next one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _abort(connection)
        await self._backend.release()

    def _translate(self, error: Exception) -> TransportError:
        """Our error for one of theirs, in words that hold neither the request nor the token."""
        timeout = self._request.timeout
        if not isinstance(error, TimeoutError) or error.errno is not None:
            text = str(error).replace(self._backend.token, "***") or type(error).__name__
        elif self.sent:
            text = f"nothing came from the server for {timeout.read:g} s"
        else:
            text = f"no connection within {timeout.connect:g} s"
        if not self.sent:
            return ConnectError(f"could not connect: {text}")
        return TransportError(f"the connection broke: {text}")
