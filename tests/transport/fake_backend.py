"""A backend in memory, for tests on virtual time: what it answers is scripted, what it was asked is noted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from typing import Any

import anyio
from attrs import define, field, frozen

from ac_sms_async.errors import ConnectError, TransportError
from ac_sms_async.transport.backends import Progress, WireRequest


@frozen
class Step:
    """How one request goes: it may open a connection first, for `connect` seconds; it is written, then answered."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(factory=dict[str, str])
    connect: float | None = None
    write_lag: float = 0.0
    write: float = 0.0
    latency: float = 0.1
    error: Exception | None = None
    pieces: tuple[bytes, ...] | None = None
    piece_latency: float = 0.0
    complete: bool | None = True
    framed: bool = True

    @classmethod
    def json(cls, value: Any, status: int = 200, **more: Any) -> Step:
        """An answer with this JSON."""
        return cls(status=status, body=json.dumps(value).encode(), **more)


@define
class FakeBackend:
    """Plays its steps, one for each request, and the last one for ever."""

    steps: Iterable[Step] | Callable[[WireRequest], Step] = ()
    requests: list[WireRequest] = field(factory=list[WireRequest])
    times: list[float] = field(factory=list[float])
    open: int = 0
    closed: bool = False
    _script: Iterator[Step] | None = None
    _last: Step = field(factory=Step)

    def exchange(self, request: WireRequest) -> FakeExchange:
        if callable(self.steps):
            step = self.steps(request)
        else:
            if self._script is None:
                self._script = iter(self.steps)
            step = self._last = next(self._script, self._last)
        self.open += 1
        return FakeExchange(self, request, step)

    async def aclose(self) -> None:
        self.closed = True


class FakeExchange:
    """One request in memory."""

    def __init__(self, backend: FakeBackend, request: WireRequest, step: Step) -> None:
        self._backend = backend
        self._request = request
        self._step = step
        self._left = list(step.pieces if step.pieces is not None else (step.body,))
        self._open = True
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.framed = step.framed
        self.complete: bool | None = False
        self.sent = False

    async def start(self, progress: Progress) -> None:
        step = self._step
        if step.connect is not None:
            progress.opening()
            await anyio.sleep(step.connect)
        # A new one each time: an error that was raised belongs to its call.
        error = None if step.error is None else copy(step.error)
        if isinstance(error, ConnectError):
            raise error
        if step.write_lag:
            await anyio.sleep(step.write_lag)
        self.sent = True
        self._backend.requests.append(self._request)
        self._backend.times.append(anyio.current_time())
        progress.writing()
        await anyio.sleep(step.write)
        progress.written()
        await anyio.sleep(step.latency)
        if error is not None:
            raise error
        self.status = step.status
        self.headers = step.headers

    async def receive(self) -> bytes:
        await anyio.sleep(self._step.piece_latency)
        if not self._left:
            self.complete = self._step.complete
            return b""
        piece = self._left.pop(0)
        if piece == b"cut":
            raise TransportError("the connection broke")
        return piece

    async def read(self, limit: int | None = None) -> bytes:
        pieces: list[bytes] = []
        while piece := await self.receive():
            pieces.append(piece)
        return b"".join(pieces)

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._backend.open -= 1
