"""An answer whose body comes in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from copy import copy
from types import TracebackType

import anyio

from ac_sms_async.errors import (
    ConfigurationError,
    DeadlineExceededError,
    InvalidResponseError,
    RequestInfo,
    SMSError,
    TransportError,
)
from ac_sms_async.transport.backends import Exchange
from ac_sms_async.transport.backends.decompression import decompressor
from ac_sms_async.transport.backends.headers import request_id
from ac_sms_async.transport.bodies import ERROR_BODY_LIMIT, is_something_else, not_csv
from ac_sms_async.transport.core import Core

__all__ = ["StreamOpening", "StreamedResponse"]

_REFUSED_BODY_SECONDS = 5.0
"""What an answer that is no CSV says is worth no longer a wait."""


class StreamedResponse:
    """A success whose body is still to come. It holds one of the client's slots until its end, or until it is closed.

    `csv` says that CSV was asked for: an answer that calls itself something else, such as JSON or HTML, is refused.
    """

    def __init__(
        self,
        core: Core,
        exchange: Exchange,
        request: RequestInfo,
        attempts: int,
        total_timeout: float | None,
        *,
        csv: bool = False,
    ) -> None:
        self._core = core
        self._exchange = exchange
        self._request = request
        self._attempts = attempts
        self._total_timeout = total_timeout
        self._ends_at = None if total_timeout is None else core.clock() + total_timeout
        self._unpack = decompressor(exchange.headers.get("content-encoding", ""))
        self._unpacked: Iterator[bytes] = iter(())
        self._turn = anyio.Lock(fast_acquire=True)
        self._refused = csv and is_something_else(exchange.headers)
        self._failure: SMSError | None = None
        self._ended = self._closed = False
        self._holds_slot = True
        self.status: int = exchange.status
        """The HTTP status, 2xx."""
        self.headers: Mapping[str, str] = exchange.headers
        """The answer's headers, names in lower case."""
        self.ends_by_itself: bool = exchange.framed
        """Whether the answer says where its body ends, so that `chunks` notices by itself where it was cut."""
        self.complete: bool | None = False
        """False until the body's end; True then, or None if only the closing of the connection marked it."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, decompressed, in pieces as they come; once. Raises as `receive`."""
        return _Chunks(self)

    async def receive(self) -> bytes:
        """The next piece of the body, decompressed; b"" at its end. Tasks that share an answer take turns.

        Raises `TransportError` where it breaks off, `DeadlineExceededError` once `total_timeout` has passed, and
        `InvalidResponseError` for what isn't CSV where CSV was asked for. What failed once fails again each time.
        """
        async with self._turn:
            if self._failure is not None:
                # A copy, so that its traceback doesn't grow each time.
                raise copy(self._failure)
            try:
                if self._refused:
                    raise await self._refusal()
                return await self._receive()
            except SMSError as error:
                self._failure = self.about(error)
                self.complete = False
                raise

    def about(self, error: SMSError) -> SMSError:
        """`error`, told which request it is about."""
        name = request_id(self.headers, self._core.redact)
        return error.about(self._request, attempts=self._attempts, request_id=name)

    async def _receive(self) -> bytes:
        while True:
            piece = next(self._unpacked, b"")
            if piece or self._ended:
                return piece
            piece = await self._receive_packed()
            unpack = self._unpack
            if unpack is None:
                if not piece:
                    self._finish()
                return piece
            if not piece:
                unpack.finish()
                self._finish()
                return piece
            self._unpacked = unpack.feed(piece)

    def _finish(self) -> None:
        self._ended = True
        self.complete = self._exchange.complete
        self._release_slot()

    def _release_slot(self) -> None:
        if self._holds_slot:
            self._holds_slot = False
            self._core.slots.release()

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

    async def _refusal(self) -> InvalidResponseError:
        """The error for an answer that isn't CSV, with what it says."""
        said = b""
        with anyio.move_on_after(_REFUSED_BODY_SECONDS):
            try:
                while len(said) < ERROR_BODY_LIMIT and (piece := await self._receive()):
                    said += piece
            except TransportError:
                # What has come says most.
                pass
        error = not_csv(self.status, self.headers, said, self._core.redact)
        error.args = (self._core.redact(error.message),)
        error.body = self._core.redact(error.body)
        return error

    async def aclose(self) -> None:
        """Give back the slot, and the connection if the body was read to its end. Closing twice is fine."""
        if not self._closed:
            self._closed = True
            self._release_slot()
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


class StreamOpening:
    """`async with` it once for an answer to read. The block may be left in another task than the one that entered."""

    def __init__(self, open: Callable[[], Awaitable[StreamedResponse]]) -> None:
        self._open = open
        self._entered = False
        self._response: StreamedResponse | None = None

    async def __aenter__(self) -> StreamedResponse:
        if self._entered:
            raise ConfigurationError("this was opened before, and can be read once: ask again")
        self._entered = True
        self._response = response = await self._open()
        return response

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._response is not None:
            await self._response.aclose()
