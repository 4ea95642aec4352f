"""The caller's own `httpx.AsyncClient` as a backend: its proxies, TLS, hooks and mocks work on, its lifetime is theirs.

The pool inside such a client loses a connection for good when a request is cancelled at the wrong moment. So each step
runs in a task of its own, which a cancelled call leaves behind: it ends when the server answers, or by the timeouts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ac_sms_async.errors import ConfigurationError, TransportError
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Progress, WireRequest
from ac_sms_async.transport.backends.detached import run_detached
from ac_sms_async.transport.backends.headers import is_framed, plain_headers, request_headers
from ac_sms_async.transport.backends.httpx import (
    FAULTS,
    NO_BODY,
    OnePiece,
    end,
    is_request_start,
    request_extensions,
    translate,
)

if TYPE_CHECKING:
    import httpx

__all__ = ["OwnClientBackend"]

T = TypeVar("T")


class OwnClientBackend:
    """Exchanges over an `httpx.AsyncClient` that somebody else opened and will close."""

    def __init__(self, client: httpx.AsyncClient, address: Address, token: str, *, user_agent: str) -> None:
        self._client = client
        self._origin = address.origin
        self._headers = request_headers(address, token, user_agent)
        self.token = token

    def exchange(self, request: WireRequest) -> OwnClientExchange:
        """A new exchange; nothing is sent yet."""
        if self._client.is_closed:
            raise ConfigurationError("http_client is closed; keep it open as long as this client is used")
        return OwnClientExchange(self, request)

    async def send(self, request: WireRequest, trace: Callable[..., Awaitable[None]]) -> httpx.Response:
        """Send it, with the client's own headers, hooks and authentication added."""
        headers = {**self._headers, "Accept": request.accept}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        built = self._client.build_request(
            request.method,
            self._origin + request.target,
            headers=headers,
            content=request.body,
            extensions={**request_extensions(request.timeout), "trace": trace},
        )
        return await self._client.send(built, stream=True, follow_redirects=False)

    async def aclose(self) -> None:
        """Close nothing: the client is not ours."""


class OwnClientExchange:
    """One request and its answer through the caller's client."""

    def __init__(self, backend: OwnClientBackend, request: WireRequest) -> None:
        self._backend = backend
        self._request = request
        self._response: httpx.Response | None = None
        self._body: AsyncIterator[bytes] = aiter(NO_BODY)
        self._busy = False
        self._finished = False
        self._ended = False
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.complete: bool | None = False
        self.sent: bool = False

    async def start(self, progress: Progress) -> None:
        """Send the request and wait for the answer's headers."""
        self.sent = True

        async def trace(name: str, info: Mapping[str, Any]) -> None:
            if name.endswith("connect_tcp.started"):
                self.sent = False
                progress.opening()
            elif is_request_start(name, info):
                self.sent = True
                progress.writing()

        async def send() -> None:
            self._response = response = await self._backend.send(self._request, trace)
            self.status = response.status_code
            self.headers = plain_headers(response.headers.raw)
            if response.is_stream_consumed:
                # One of their hooks has read it, and what it read is unpacked.
                self.headers = {name: value for name, value in self.headers.items() if name != "content-encoding"}
                self._body = OnePiece(response.content)
            else:
                self._body = aiter(cast("httpx.AsyncByteStream", response.stream))

        await self._step(send)

    async def receive(self) -> bytes:
        """The next piece of the body as it was sent; b"" at its end."""

        async def receive() -> bytes:
            async for piece in self._body:
                if piece or self._ended:
                    return piece
            await self._finish()
            return b""

        return await self._step(receive)

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body as it was sent, or about `limit` bytes of it."""

        async def read() -> bytes:
            pieces: list[bytes] = []
            size = 0
            async for piece in self._body:
                pieces.append(piece)
                size += len(piece)
                if self._ended or (limit is not None and size >= limit):
                    break
            else:
                await self._finish()
            return b"".join(pieces)

        return await self._step(read)

    async def _finish(self) -> None:
        if self._response is not None and not self._finished:
            await self._response.aclose()
            self._finished = True
            self.complete = True if is_framed(self._request.method, self.status, self.headers) else None

    async def _step(self, work: Callable[[], Awaitable[T]]) -> T:
        async def step() -> T | TransportError:
            try:
                return await work()
            except FAULTS as error:
                return translate(error, self._request, sent=self.sent, token=self._backend.token)
            finally:
                self._busy = False
                if self._ended:
                    # The call was cancelled meanwhile, and nobody will come back for the answer.
                    await self._close()

        self._busy = True
        result = await run_detached(step)
        if isinstance(result, TransportError):
            raise result
        return result

    async def aclose(self) -> None:
        """End the exchange, after the step under way if there is one."""
        self._ended = True
        if not self._busy and not self._finished:
            await run_detached(self._close)

    async def _close(self) -> None:
        response = self._response
        if response is not None and not self._finished:
            self._finished = True
            try:
                await response.aclose()
                await end(self._body, connected="network_stream" in response.extensions)
            except FAULTS:
                # It is thrown away because it broke, or it breaks because it is thrown away.
                pass
