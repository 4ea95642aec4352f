"""A backend without a wire: it answers at once from memory, so that only our own code is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import define, field

from ac_sms_async import SMSClient
from ac_sms_async.transport.backends import Exchange, Progress, WireRequest

PIECE = 64 * 1024
"""Bytes that arrive at once; what a socket gives at best."""

Answer = Callable[[bytes | None], bytes]


@define
class StubExchange:
    """An answer that is there already."""

    body: bytes
    headers: Mapping[str, str]
    status: int = 200
    complete: bool | None = False
    sent: bool = False
    framed: bool = True
    _read: int = field(default=0, init=False)

    async def start(self, progress: Progress) -> None:
        self.sent = True

    async def receive(self) -> bytes:
        piece = self.body[self._read : self._read + PIECE]
        self._read += len(piece)
        if not piece:
            self.complete = True
        return piece

    async def read(self, limit: int | None = None) -> bytes:
        self.complete = True
        return self.body

    async def aclose(self) -> None:
        pass


@define
class StubBackend:
    """Answers every request with the bytes that `answer` makes of its body."""

    answer: Answer
    content_type: str

    def exchange(self, request: WireRequest) -> Exchange:
        body = self.answer(request.body)
        return StubExchange(body, {"content-type": self.content_type, "content-length": str(len(body))})

    async def aclose(self) -> None:
        pass


def stubbed(answer: Answer, content_type: str = "application/json") -> SMSClient:
    """Our client, unpaced, on a stub backend."""
    sms = SMSClient("https://stub.example", "benchmark-token", rate_limit=None)
    sms.transport._core._make_backend = lambda: StubBackend(answer, content_type)  # pyright: ignore[reportPrivateUsage]
    return sms
