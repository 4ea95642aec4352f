"""An answer whose body comes in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping

import anyio

from ac_sms_async.errors import ConfigurationError, DeadlineExceededError, RequestInfo, SMSError
from ac_sms_async.transport.backends import Exchange
from ac_sms_async.transport.backends.decompression import decompressor
from ac_sms_async.transport.backends.headers import is_framed
from ac_sms_async.transport.core import Core

__all__ = ["StreamedResponse"]


class StreamedResponse:
    """A success whose body is still to come. It holds one of the client's slots until it is closed."""

    def __init__(
        self, core: Core, exchange: Exchange, request: RequestInfo, attempts: int, total_timeout: float | None
    ) -> None:
        self._core = core
        self._exchange = exchange
        self._request = request
        self._attempts = attempts
        self._total_timeout = total_timeout
        self._ends_at = None if total_timeout is None else core.clock() + total_timeout
        self._unpack = decompressor(exchange.headers.get("content-encoding", ""))
        self._unpacked: Iterator[bytes] = iter(())
        self._closed = False
        self.status: int = exchange.status
        """The HTTP status, 2xx."""
        self.headers: Mapping[str, str] = exchange.headers
        """The answer's headers, names in lower case."""
        self.ends_by_itself: bool = is_framed(request.method, exchange.status, exchange.headers)
        """Whether the answer says where its body ends, so that `chunks` notices by itself where it was cut."""
        self.complete: bool | None = False
        """False until the body's end; True then, or None if only the closing of the connection marked it."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, decompressed, in pieces as they come; once.

        Raises `TransportError` where it breaks off, and `DeadlineExceededError` once `total_timeout` has passed.
        """
        return _Chunks(self)

    async def receive(self) -> bytes:
        """The next piece of the body, decompressed; b"" at its end."""
        try:
            return await self._receive()
        except SMSError as error:
            self.about(error)
            raise

    def about(self, error: SMSError) -> SMSError:
        """`error`, told which request it is about."""
        error.request = self._request
        error.attempts = self._attempts
        return error

    async def _receive(self) -> bytes:
        while True:
            piece = next(self._unpacked, b"")
            if piece:
                return piece
            piece = await self._receive_packed()
            unpack = self._unpack
            if unpack is None:
                if not piece:
                    self.complete = self._exchange.complete
                return piece
            if not piece:
                unpack.finish()
                self.complete = self._exchange.complete
                return piece
            self._unpacked = unpack.feed(piece)

    async def _receive_packed(self) -> bytes:
        if self._closed:
            raise ConfigurationError("this answer is closed; read it inside its `async with`")
        if self._ends_at is None:
            return await self._exchange.receive()
        # Pieces that come in time, one after the other, never reach the scope's deadline.
        if self._core.clock() < self._ends_at:
            with anyio.CancelScope(deadline=self._ends_at):
                return await self._exchange.receive()
        raise DeadlineExceededError(f"the total_timeout of {self._total_timeout:g} s passed")

    async def aclose(self) -> None:
        """Give back the slot, and the connection if the body was read to its end. Closing twice is fine."""
        if not self._closed:
            self._closed = True
            self._core.slots.release()
            await self._exchange.aclose()


class _Chunks:
    # Not a generator: one that is left halfway would wait for the garbage collector.
    def __init__(self, response: StreamedResponse) -> None:
        self._response = response

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._response.receive()
        if not piece:
            raise StopAsyncIteration
        return piece
