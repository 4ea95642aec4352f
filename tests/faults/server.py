"""A TCP fault injector with an upstream server behind it: real sockets, TLS too, one listening port a server.

It runs on an event loop in a thread of its own, so that the client under test has its loop (asyncio or trio) to itself.
It counts what matters: connections that were accepted, and requests that reached the upstream.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from enum import Enum
from typing import Any, TypeVar

from attrs import frozen

from tests.faults.http11 import Answer, Request, read_request

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Answer]]

DRIP_SECONDS = 4.0
"""For all of a drip: far too slow to end before any deadline, one byte at a time far too lively for a read timeout."""
GARBAGE = b"\x00\xff\xfe this is no protocol \x80\x81" * 4


class Phase(Enum):
    """How far the exchange is when the fault strikes."""

    CONNECT = "connect"
    TLS = "TLS"
    IDLE = "kept open, idle"
    SENDING = "request being sent"
    SENT = "request received"
    HEADERS = "in the headers"
    BODY = "in the body"
    ANSWER = "answer"


class Fault(Enum):
    """What goes wrong."""

    REFUSE = "refuse"
    RESET = "reset"
    CUT = "cut"
    STALL = "stall"
    DRIP = "drip"
    GARBAGE = "garbage"
    UNTRUSTED = "untrusted certificate"
    WRONG_HOST = "certificate of another host"
    EXPIRED = "expired certificate"
    MOVED = "302"
    TIMEOUT_408 = "408"
    LIMITED_429 = "429"
    ERROR_500 = "500"
    DOWN_503 = "503 with HTML"


FAULTS: dict[Phase, tuple[Fault, ...]] = {
    Phase.CONNECT: (Fault.REFUSE, Fault.STALL),
    Phase.TLS: (
        Fault.RESET,
        Fault.CUT,
        Fault.STALL,
        Fault.DRIP,
        Fault.GARBAGE,
        Fault.UNTRUSTED,
        Fault.WRONG_HOST,
        Fault.EXPIRED,
    ),
    Phase.IDLE: (Fault.RESET, Fault.CUT),
    Phase.SENDING: (Fault.RESET, Fault.CUT, Fault.STALL),
    Phase.SENT: (Fault.RESET, Fault.CUT, Fault.STALL, Fault.GARBAGE),
    Phase.HEADERS: (Fault.RESET, Fault.CUT, Fault.STALL, Fault.DRIP, Fault.GARBAGE),
    Phase.BODY: (Fault.RESET, Fault.CUT, Fault.STALL, Fault.DRIP, Fault.GARBAGE),
    Phase.ANSWER: (Fault.MOVED, Fault.TIMEOUT_408, Fault.LIMITED_429, Fault.ERROR_500, Fault.DOWN_503),
}
"""Which faults can happen in which phase."""

_STATUS_ANSWERS = {
    Fault.MOVED: Answer(b"", 302, headers={"Location": "http://localhost:9/elsewhere"}),
    Fault.TIMEOUT_408: Answer.of({"message": "too slow"}, 408),
    Fault.LIMITED_429: Answer.of({"message": "slow down"}, 429, Retry_After="0"),
    Fault.ERROR_500: Answer.of({"errors": [{"title": "boom"}]}, 500),
    Fault.DOWN_503: Answer(b"<html>We are currently having some issues.</html>", 503, "text/html"),
}


@frozen
class Certificates:
    """Server sides of TLS: one good, three bad, each with a name of `Fault`."""

    good: ssl.SSLContext
    bad: dict[Fault, ssl.SSLContext]


class _FaultStruck(Exception):
    """The connection was dealt with; serve it no more."""


class FaultServer:
    """One listening port. Calls from other threads only set attributes, or go through `ServerThread`."""

    def __init__(self, handler: Handler, certificates: Certificates | None = None) -> None:
        self.handler = handler
        self.certificates = certificates
        self.connections = 0
        self.open = 0
        """Connections that are open now."""
        self.seen: list[Request] = []
        """The requests that reached the upstream."""
        self.jitter: Callable[[], float] | None = None
        """Seconds by which the network delays the next request."""
        self._fault: tuple[Phase, Fault] | None = None
        self._skip = 0
        self._left = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._fillers: list[socket.socket] = []
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        # The certificates are for "localhost"; without TLS the address itself spares a look-up.
        return f"https://localhost:{self.port}" if self.certificates else f"http://127.0.0.1:{self.port}"

    def inject(self, phase: Phase, fault: Fault, *, times: int | None = None, skip: int = 0) -> None:
        """Let `fault` strike in `phase`, `times` times (always, if None), after `skip` passes without it."""
        self._left = -1 if times is None else times
        self._skip = skip
        self._fault = (phase, fault)

    def heal(self) -> None:
        self._fault = None

    def _strikes(self, phase: Phase) -> Fault | None:
        if self._fault is None or self._fault[0] is not phase or self._left == 0:
            return None
        if self._skip > 0:
            self._skip -= 1
            return None
        self._left -= 1
        return self._fault[1]

    # --- the listening port -----------------------------------------------------------------------------------------

    async def listen(self) -> None:
        self._fillers_close()
        self._server = await asyncio.start_server(self._connected, sock=self._socket, backlog=512)

    def blackhole(self) -> None:
        """Let connections to the port neither succeed nor fail, until `listen` is called."""
        self._socket.listen(0)
        # The kernel drops what arrives once the queue of unaccepted connections is full.
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    def _fillers_close(self) -> None:
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()

    async def aclose(self) -> None:
        self._fillers_close()
        if self._server is not None:
            self._server.close()
        self._socket.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- one connection ---------------------------------------------------------------------------------------------

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        try:
            with contextlib.suppress(_FaultStruck, OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.certificates is not None:
            fault = self._strikes(Phase.TLS)
            context = self.certificates.good if fault is None else self.certificates.bad.get(fault)
            if context is None:
                await reader.read(1)
                assert fault is not None
                await self._strike(fault, reader, writer, dripped=b"\x16\x03\x03\x40\x00" + bytes(16384))
            else:
                await writer.start_tls(context)
        while True:
            # One byte tells that a request has begun.
            begun = await reader.read(1)
            if not begun:
                return
            if (fault := self._strikes(Phase.SENDING)) is not None:
                await self._strike(fault, reader, writer)
            request = await read_request(reader, begun)
            if request is None:
                return
            if self.jitter is not None:
                await asyncio.sleep(self.jitter())
            self.seen.append(request)
            await self._answer(await self.handler(request), reader, writer)
            if (fault := self._strikes(Phase.IDLE)) is not None:
                await self._strike(fault, reader, writer)

    async def _answer(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (fault := self._strikes(Phase.SENT)) is not None:
            await self._strike(fault, reader, writer)
        if (fault := self._strikes(Phase.ANSWER)) is not None:
            answer = _STATUS_ANSWERS[fault]
        head, payload = answer.head(), answer.payload()
        if (fault := self._strikes(Phase.HEADERS)) is not None:
            middle = head.index(b"\r\n") + 8
            writer.write(head[:middle])
            await self._strike(fault, reader, writer, dripped=b"X-Drip: " + b"x" * 4000)
        if (fault := self._strikes(Phase.BODY)) is not None:
            middle = len(payload) // 2
            if fault is Fault.GARBAGE:
                # The framing holds, so only what is in it can tell that it is no answer.
                garbage = (GARBAGE * (1 + len(answer.body)))[: len(answer.body)]
                writer.write(head + Answer(garbage, chunked=answer.chunked).payload())
                await writer.drain()
                return
            writer.write(head + payload[:middle])
            # The head shall be read before that, also where all cores are busy: without one it would be tried again.
            await asyncio.sleep(0.05)
            await self._strike(fault, reader, writer, dripped=_drip_of(answer, middle))
        writer.write(head + payload)
        await writer.drain()

    async def _strike(
        self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dripped: bytes = b""
    ) -> None:
        """Do the worst to a connection, and be done with it."""
        if fault is Fault.GARBAGE:
            writer.write(GARBAGE)
        if writer.transport.get_write_buffer_size():
            await writer.drain()
        if fault is Fault.RESET:
            # What was written shall arrive before the reset overtakes it.
            await asyncio.sleep(0.005)
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif fault is Fault.STALL:
            # Nothing, until the client hangs up.
            while await reader.read(65536):
                pass
        elif fault is Fault.DRIP:
            for byte in dripped:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(max(0.01, DRIP_SECONDS / len(dripped)))
        else:
            # Half closed first: a close with unread bytes would be a reset.
            if writer.can_write_eof():
                writer.write_eof()
                await asyncio.sleep(0.02)
            writer.close()
        raise _FaultStruck


def _drip_of(answer: Answer, middle: int) -> bytes:
    """Bytes that could go on for long: in a chunked body a chunk that does not end, else what is left, slowly."""
    if answer.chunked:
        return answer.payload()[middle:-5] + b"1000\r\n" + b"x" * 4096
    return answer.payload()[middle:]


class ServerThread:
    """A thread with an event loop for any number of servers."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-server", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def later(self, seconds: float, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Do `work` that many seconds from now."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            await work()

        asyncio.run_coroutine_threadsafe(wait(), self._loop)

    @contextlib.contextmanager
    def beside(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Generator[None]:
        """Let `work` run in the servers' loop meanwhile."""
        running = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            yield
        finally:
            running.cancel()

    @contextlib.contextmanager
    def serve(
        self, handler: Handler, *, certificates: Certificates | None = None, listening: bool = True
    ) -> Generator[FaultServer]:
        server = FaultServer(handler, certificates)
        if listening:
            self.run(server.listen())
        try:
            yield server
        finally:
            self.run(server.aclose())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
