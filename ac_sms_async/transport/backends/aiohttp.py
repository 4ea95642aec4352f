"""The fast backend: aiohttp, on asyncio only, for bulk work. The one file that imports aiohttp.

Its connector keeps the connections; cancellation is safe there. Two habits of aiohttp are undone here: it would send a
PUT or DELETE again by itself when a kept connection turns out to be closed, and it would follow redirects.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from typing import Any

import aiohttp
import anyio
from yarl import URL

from ac_sms_async.errors import ConfigurationError, ConnectError, TransportError
from ac_sms_async.options import Timeout
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Progress, WireRequest
from ac_sms_async.transport.backends.headers import is_framed, plain_headers, request_headers
from ac_sms_async.transport.backends.httpx import IDLE_SECONDS, default_ssl_context

__all__ = ["AiohttpBackend"]

_FAULTS = (aiohttp.ClientError, OSError, EOFError, TimeoutError)
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)

_current: ContextVar[AiohttpExchange] = ContextVar("ac_sms_async.exchange")


class _Request(aiohttp.ClientRequest):
    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """As aiohttp's, and tells the exchange that from now on something may reach the server."""
        _current.get().writing()
        return await super().send(conn)


def _open_socket(address: Any) -> socket.socket:
    """What aiohttp calls to open a connection, in the task of the exchange that needs it or in a child of it."""
    _current.get().connecting()
    family, kind, protocol, *_ = address
    return socket.socket(family, kind, protocol)


async def _send_once(request: aiohttp.ClientRequest, handler: Any) -> aiohttp.ClientResponse:
    """A middleware that keeps aiohttp from repeating a request by itself: it repeats on errors of its own only."""
    try:
        response: aiohttp.ClientResponse = await handler(request)
    except _FAULTS as error:
        failure = _current.get().translate(error)
    else:
        return response
    # Raised here and not above, so that it isn't chained to an error that holds the request and its token.
    raise failure


@functools.lru_cache(maxsize=16)
def _client_timeout(timeout: Timeout) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=timeout.connect, sock_read=timeout.read)


class AiohttpBackend:
    """Exchanges over one `aiohttp.ClientSession`."""

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
        self.origin: str = address.origin
        self.proxy = proxy
        context = ssl_context
        if context is None and (address.scheme == "https" or (proxy or "").startswith("https:")):
            context = default_ssl_context(trust_env)
        self._in_use = 0
        self._closed = False
        fixed = request_headers(address, token, user_agent)
        # In the session they cost least for each request. But aiohttp sends those of the session to the proxy, too,
        # when it asks for a tunnel, and the token is not for proxies.
        self._headers = {} if proxy is None else fixed
        self.session: aiohttp.ClientSession = aiohttp.ClientSession(
            headers=fixed if proxy is None else None,
            # How many run at once is counted before.
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=True if context is None else context,
                keepalive_timeout=IDLE_SECONDS,
                socket_factory=_open_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Request,
            middlewares=(_send_once,),
            auto_decompress=False,
        )

    def exchange(self, request: WireRequest) -> AiohttpExchange:
        """A new exchange; nothing is sent yet."""
        self._in_use += 1
        return AiohttpExchange(self, request)

    def headers(self, request: WireRequest) -> dict[str, str]:
        """The headers of a request, without those that the session adds."""
        headers = dict(self._headers)
        if request.accept != "application/json":
            headers["Accept"] = request.accept
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return headers

    async def release(self) -> None:
        """An exchange has ended."""
        self._in_use -= 1
        await self._close_unused()

    async def aclose(self) -> None:
        """Close the session and its connections, or let the last exchange under way do it."""
        self._closed = True
        await self._close_unused()

    async def _close_unused(self) -> None:
        if self._closed and not self._in_use:
            await self.session.close()


class AiohttpExchange:
    """One request and its answer through the session."""

    __slots__ = (
        "_backend",
        "_content",
        "_progress",
        "_request",
        "_response",
        "complete",
        "headers",
        "sent",
        "status",
    )

    _progress: Progress

    def __init__(self, backend: AiohttpBackend, request: WireRequest) -> None:
        self._backend = backend
        self._request = request
        self._response: aiohttp.ClientResponse | None = None
        self._content = aiohttp.EMPTY_PAYLOAD
        self.status: int = 0
        self.headers: Mapping[str, str] = {}
        self.complete: bool | None = False
        self.sent: bool = False

    async def start(self, progress: Progress) -> None:
        """Send the request and wait for the answer's headers."""
        request = self._request
        backend = self._backend
        self._progress = progress
        self.sent = True
        token = _current.set(self)
        failure = None
        try:
            response = await backend.session.request(
                request.method,
                URL(backend.origin + request.target, encoded=True),
                data=request.body,
                headers=backend.headers(request),
                allow_redirects=False,
                proxy=backend.proxy,
                timeout=_client_timeout(request.timeout),
                # For a POST without a body; slow, so not for the others.
                skip_auto_headers=None if request.method == "GET" else ("Content-Type",),
            )
        except (TransportError, *_FAULTS) as error:
            # One of ours comes from `_send_once`; its traceback leads through frames of aiohttp that hold the token.
            failure = error.with_traceback(None) if isinstance(error, TransportError) else self.translate(error)
        else:
            self._response = response
            self._content = response.content
            self.status = response.status
            self.headers = plain_headers(response.raw_headers)
        finally:
            _current.reset(token)
        if failure is not None:
            raise failure

    def connecting(self) -> None:
        """A connection is being opened for this exchange."""
        self.sent = False
        self._progress.opening()

    def writing(self) -> None:
        """The request is being written."""
        self.sent = True
        self._progress.writing()

    async def receive(self) -> bytes:
        """The next piece of the body as it was sent; b"" at its end."""
        piece = await self._translating(self._content.readany())
        if not piece:
            self._finish()
        return piece

    async def _translating(self, reading: Awaitable[bytes]) -> bytes:
        try:
            return await reading
        except _FAULTS as error:
            failure = self.translate(error)
        # Raised here and not above, so that it isn't chained to an error that holds the request and its token.
        raise failure

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body as it was sent, or about `limit` bytes of it."""
        if limit is None:
            body = await self._translating(self._content.read())
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

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end, when aiohttp has kept it already."""
        if self._response is not None:
            self._response.close()
        await self._backend.release()

    def translate(self, error: Exception) -> TransportError:
        """Our error for one of theirs, in words that hold neither the request nor the token."""
        timeout = self._request.timeout
        match error:
            case aiohttp.ConnectionTimeoutError():
                text = f"no connection within {timeout.connect:g} s"
            case aiohttp.ServerTimeoutError():
                text = f"nothing came from the server for {timeout.read:g} s"
            case _:
                text = str(error).replace(self._backend.token, "***") or type(error).__name__
        if isinstance(error, _NEVER_SENT) or not self.sent:
            return ConnectError(f"could not connect: {text}")
        return TransportError(f"the connection broke: {text}")
