"""The default backend: an `AsyncClient` of httpx or httpx2, on asyncio and trio. Our own one, or the caller's.

What is mocked, recorded or traced in such a client is so here, too. Ours has a `CancelSafeTransport`; the caller's may
have one of the pools that lose a connection when a request is cancelled early. That can't be asked, but answers tell;
until one has, and for good where it is such a pool, each step runs in a task of its own. A cancelled call leaves that
behind with a fence before the request: what had not begun to be sent by then is not sent any more.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http.cookiejar import CookieJar
from typing import Any, TypeVar

import anyio
import httpx

from ac_sms_async.errors import ConfigurationError, ConnectError, TransportError
from ac_sms_async.options import Timeout
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Progress, WireRequest
from ac_sms_async.transport.backends.cancel_safe import (
    CANCEL_SAFE,
    IDLE_SECONDS,
    MAX_IDLE,
    WRITE_IDLE_SECONDS,
    CancelSafeTransport,
    Trace,
    end,
    faults,
    module_of,
)
from ac_sms_async.transport.backends.guard import Guard
from ac_sms_async.transport.backends.headers import is_framed, plain_headers, request_headers
from ac_sms_async.transport.backends.ready_bodies import Once, Unread, request_body

__all__ = ["HttpxBackend", "own_client"]

T = TypeVar("T")


class _NoCookies(CookieJar):
    """Keeps nothing, so that nothing is ever sent back."""

    def extract_cookies(self, response: Any, request: Any) -> None: ...


def own_client(proxy: str | None, ssl_context: ssl.SSLContext | None, *, trust_env: bool) -> httpx.AsyncClient:
    """The client that is used where the caller brings none: it knows no cookies, no netrc, and no redirects."""
    transport = CancelSafeTransport(verify=ssl_context or True, proxy=proxy, trust_env=trust_env)
    return httpx.AsyncClient(transport=transport, trust_env=False, cookies=_NoCookies())


class HttpxBackend:
    """Exchanges over an `AsyncClient`: somebody else's `client`, or one of our own, which `make_client` makes."""

    def __init__(
        self,
        address: Address,
        token: str,
        *,
        user_agent: str,
        client: Any = None,
        make_client: Callable[[], httpx.AsyncClient] | None = None,
    ) -> None:
        self.is_ours: bool = make_client is not None
        self.client: Any = client if make_client is None else make_client()
        self.module: Any = module_of(self.client, "AsyncClient")
        self.token = token
        self.cancel_safe: bool = self.is_ours
        self.is_traced: bool = False
        self.guard: Guard = Guard()
        self.closed: bool = False
        self._origin = address.origin
        self._headers = self.module.Headers(request_headers(address, token, user_agent))

    def exchange(self, request: WireRequest) -> HttpxExchange:
        """A new exchange; nothing is sent yet."""
        if self.closed:
            raise client_closed()
        if self.client.is_closed:
            raise ConfigurationError("http_client is closed; keep it open as long as this client is used")
        return HttpxExchange(self, request)

    def build(self, request: WireRequest, trace: Trace) -> Any:
        """The request as httpx takes it. The caller's own client adds its headers, cookies and parameters."""
        headers = self.module.Headers(self._headers)
        headers["Accept"] = request.accept
        headers.update(request.headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        url = self._origin + request.target
        built = (self.module.Request if self.is_ours else self.client.build_request)(
            request.method,
            _url(url) if self.is_ours else url,
            headers=headers,
            content=request.body,
            extensions={
                "timeout": self.timeouts(request.timeout),
                "trace": trace,
                MAX_IDLE: IDLE_SECONDS if request.retry_safe else WRITE_IDLE_SECONDS,
            },
        )
        if request.body:
            # httpx's own is a generator, which trio warns of when a write breaks off.
            built.stream = request_body(self.module)(request.body)
        return built

    def timeouts(self, timeout: Timeout) -> dict[str, float]:
        """In seconds, by httpx's names. Where the caller's own client is stricter, that holds."""
        ours = {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.connect}
        if self.is_ours:
            return ours
        theirs: dict[str, float | None] = self.client.timeout.as_dict()
        return {name: min(seconds, theirs[name] or seconds) for name, seconds in ours.items()}

    async def aclose(self) -> None:
        """Close our own client; of the caller's, wait for what cancelled calls have left behind."""
        self.closed = True
        if self.is_ours:
            await self.client.aclose()
        await self.guard.aclose()


def client_closed() -> ConfigurationError:
    """The error of a call that wants to begin, or to write its request, when its client is closed."""
    return ConfigurationError("this client is closed; make another one")


@functools.lru_cache(maxsize=256)
def _url(text: str) -> httpx.URL:
    # Bulk metrics all go to one URL and polls ask for the same one again; parsing it takes 20 us.
    return httpx.URL(text)


class HttpxExchange:
    """One request and its answer."""

    __slots__ = (
        "_backend",
        "_ended",
        "_interrupted",
        "_opening",
        "_pieces",
        "_progress",
        "_request",
        "_response",
        "_running",
        "_writes_alone",
        "complete",
        "framed",
        "headers",
        "sent",
        "status",
    )

    _progress: Progress

    def __init__(self, backend: HttpxBackend, request: WireRequest) -> None:
        self._backend = backend
        self._request = request
        self._response: Any = None
        self._pieces: AsyncIterator[bytes] | None = None
        self._interrupted = False
        self._ended = False
        self._opening = False
        self._running = False
        self._writes_alone = False
        self.status: int = 0
        self.headers: Mapping[str, str] = {}
        self.framed: bool = False
        self.complete: bool | None = False
        self.sent: bool = False

    async def start(self, progress: Progress) -> None:
        """Send the request and wait for the answer's headers."""
        self._progress = progress
        await self._step(self._start)

    async def receive(self) -> bytes:
        """The next piece of the body as it was sent; b"" at its end."""
        return await self._step(self._receive)

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body as it was sent, or about `limit` bytes of it."""
        return await self._step(functools.partial(self._read, limit))

    async def aclose(self) -> None:
        """End the exchange. Nothing of it is sent any more."""
        self._ended = True
        if self._running or self._response is None:
            # A step that was left behind closes it when it ends.
            return
        if self._backend.cancel_safe:
            await self._close()
        else:
            await self._backend.guard.run(self._close, _leave_alone)

    async def _step(self, work: Callable[[], Awaitable[T]]) -> T:
        if self._interrupted:
            raise TransportError("reading this answer was interrupted before, and its rest is lost")
        # Whatever ends this early, be it a cancellation, has lost what came meanwhile.
        self._interrupted = True
        try:
            if self._backend.cancel_safe:
                result = await work()
            else:
                self._running = True
                result = await self._backend.guard.run(functools.partial(self._guarded, work), self._leave)
        except faults(self._backend.module) as error:
            failure = self._translate(error)
        else:
            self._interrupted = False
            return result
        # Raised here and not above, so that it isn't chained to an error that holds the request and its token.
        raise failure

    async def _guarded(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await work()
        finally:
            self._running = False
            if self._ended and self._response is not None:
                with anyio.CancelScope(shield=True):
                    await self._close()

    def _leave(self, scope: anyio.CancelScope) -> None:
        """The call was cancelled: from its first byte on the pool bears that the step is, too; before, it doesn't."""
        self._ended = True
        if self._writes_alone:
            scope.cancel()

    def _watch(self) -> Trace:
        """A trace extension that tells when a connection is opened, and when the request is written to it."""
        backend = self._backend

        async def trace(name: str, info: Mapping[str, Any]) -> None:
            _, _, step = name.rpartition(".")[0].rpartition(".")
            if name.endswith("send_request_body.complete") and not self._opening:
                self._progress.written()
            if not name.endswith(".started"):
                return
            if step in ("connect_tcp", "connect_unix_socket"):
                backend.is_traced = self._opening = True
                self.sent = False
                self._progress.opening()
            elif step.startswith("send_request") and info["request"].method != b"CONNECT":
                if self._ended or (backend.closed and step == "send_request_headers"):
                    raise client_closed()
                if backend.closed and self._request.body:
                    # (One without a body is written with its headers.)
                    raise TransportError("the client was closed before all of the request was written")
                if step == "send_request_headers":
                    backend.is_traced = self.sent = True
                    self._opening = False
                    # Of HTTP/2 others have a part in the connection, and half a frame would end it for them.
                    self._writes_alone = name.startswith("http11.")
                    self._progress.writing()

        return trace

    async def _start(self) -> None:
        backend = self._backend
        if self._ended:
            # Its task is begun after its call was cancelled; a client that tells nothing would send it all the same.
            raise client_closed()
        # One of the caller's that has told nothing yet (a mock, or one of their own making) may send it at any moment.
        self.sent = not (backend.is_ours or backend.is_traced)
        request = backend.build(self._request, self._watch())
        try:
            response = await backend.client.send(request, stream=True, follow_redirects=False)
        except backend.module.HTTPStatusError as error:
            # One of the caller's hooks raises it for an answer that is no success; that is for us to say.
            response = error.response
        self._response = response
        self.status = response.status_code
        self.headers = plain_headers(response.headers.raw)
        # An answer in HTTP/2 marks its end itself.
        self.framed = response.extensions.get("http_version") == b"HTTP/2" or is_framed(
            self._request.method, self.status, self.headers
        )
        backend.cancel_safe = backend.is_ours or CANCEL_SAFE in response.extensions
        if response.is_stream_consumed:
            # One of their hooks has read it, and what it read is unpacked.
            self.headers = {name: value for name, value in self.headers.items() if name != "content-encoding"}
            self._pieces = Once(response.content)
        elif response.is_closed:
            self._response = None
            self._pieces = Unread()
        else:
            self._pieces = aiter(response.stream)

    async def _receive(self) -> bytes:
        pieces = self._pieces
        if pieces is not None:
            async for piece in pieces:
                if piece:
                    return piece
            await self._finish()
        return b""

    async def _read(self, limit: int | None) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while limit is None or size < limit:
            piece = await self._receive()
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _finish(self) -> None:
        self._pieces = None
        await self._response.aclose()
        self._response = None
        self.complete = True if self.framed else None

    async def _close(self) -> None:
        response, self._response = self._response, None
        pieces, self._pieces = self._pieces, None
        try:
            await response.aclose()
            if pieces is not None:
                await end(pieces, connected=not self._backend.cancel_safe and "network_stream" in response.extensions)
        except faults(self._backend.module):
            # It is thrown away because it broke, or it breaks because it is thrown away.
            pass

    def _translate(self, error: Exception) -> TransportError:
        """Our error for one of theirs, in words that hold neither the request nor the token."""
        module = self._backend.module
        timeouts = self._backend.timeouts(self._request.timeout)
        match error:
            case module.ConnectTimeout():
                text = f"no connection within {timeouts['connect']:g} s"
            case module.ReadTimeout():
                text = f"nothing came from the server for {timeouts['read']:g} s"
            case module.WriteTimeout():
                text = f"the server took nothing for {timeouts['write']:g} s"
            case module.PoolTimeout():
                text = f"http_client had no free connection within {timeouts['pool']:g} s"
            case _:
                text = str(error).replace(self._backend.token, "***") or type(error).__name__
        never_sent = (module.ConnectError, module.ConnectTimeout, module.PoolTimeout, module.ProxyError)
        self.sent = not (isinstance(error, never_sent) or self._opening)
        if not self.sent:
            return ConnectError(f"could not connect: {text}")
        return TransportError(f"the connection broke: {text}")


def _leave_alone(scope: anyio.CancelScope) -> None:
    """Closing goes on whoever is cancelled."""
