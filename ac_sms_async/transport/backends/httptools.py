"""The fast backend: httptools' parser (that of Node.js) on a plain `asyncio.Protocol`, as in uvicorn on the other side.

asyncio (uvloop, too) and direct connections only. What comes is parsed the moment it comes, so a connection that ended
while it was idle, or on which the server said something that nobody asked for, is known without asking the socket.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Mapping
from contextvars import Context
from typing import Any, cast

import anyio

from ac_sms_async.errors import ConfigurationError, ConnectError, TransportError
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Progress, WireRequest
from ac_sms_async.transport.backends.cancel_safe import IDLE_SECONDS, WRITE_IDLE_SECONDS
from ac_sms_async.transport.backends.dialing import dial
from ac_sms_async.transport.backends.headers import request_headers
from ac_sms_async.transport.backends.httpx import client_closed
from ac_sms_async.transport.backends.parser import AnswerParser, BadAnswerError
from ac_sms_async.transport.backends.tls import default_ssl_context

__all__ = ["ALLOW_VARIABLE", "HttptoolsBackend"]

ALLOW_VARIABLE = "AC_SMS_ALLOW_NETWORK"
"""Set to 1, tests may reach other machines over this backend."""

_MOST_UNREAD = 512 * 1024
"""Bytes of a body that wait for whoever reads it. Beyond, the server has to wait."""

_READ_BY_ALL = 64 * 1024
"""Bytes of a request that a server, or the buffers on the way to it, have taken in before it answers."""


class _Connection(asyncio.Protocol):
    """An open connection. Whoever waits for something to happen on it is woken when it does."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.parser: AnswerParser = AnswerParser()
        self.error: str | None = None
        self.ended: bool = False
        self.blocked: bool = False
        self.idle_since: float = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._unread = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        # What a write has handed to the kernel is gone from the buffer; the rest is "blocked".
        self.transport.set_write_buffer_limits(high=1)

    def data_received(self, data: bytes) -> None:
        self._feed(data)
        self._unread += len(data)
        if self.parser.unasked:
            # It would be taken for the answer to the next request.
            self.transport.abort()
        elif self._unread > _MOST_UNREAD and not self._paused and not self.parser.answer.done:
            self._paused = True
            self.transport.pause_reading()

    def eof_received(self) -> None:
        self._feed(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and not self.parser.answer.done:
            self.error = self.error or str(exc) or type(exc).__name__
        self._feed(b"")

    def _feed(self, data: bytes) -> None:
        self.ended = self.ended or not data
        try:
            self.parser.feed(data)
        except BadAnswerError as error:
            self.error = self.error or str(error)
        self._wake()

    def pause_writing(self) -> None:
        self.blocked = True

    def resume_writing(self) -> None:
        self.blocked = False
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float, problem: str) -> None:
        """Until something has happened; if nothing does for so long, that is the connection's error."""
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        # A context of its own: a cancelled timer stays in the loop, and would keep that of the request alive.
        unwritten = self.transport.get_write_buffer_size()
        timer = loop.call_later(seconds, self._late, unwritten, problem, context=Context())
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _late(self, unwritten: int, problem: str) -> None:
        if not (self.blocked and self.transport.get_write_buffer_size() < unwritten):
            # Else the server is slow to take the request, but takes it.
            self.error = self.error or problem
        self._wake()

    def taken(self) -> None:
        """What had come has been read."""
        self._unread = 0
        if self._paused:
            self._paused = False
            # The loop keeps the context that this is called in.
            Context().run(self.transport.resume_reading)

    def is_free(self) -> bool:
        """Whether another request may be written to it."""
        return not (self.ended or self.blocked or self.error or self.parser.unasked or self.transport.is_closing())


class HttptoolsBackend:
    """Exchanges over connections of its own."""

    def __init__(
        self,
        address: Address,
        token: str,
        *,
        user_agent: str,
        ssl_context: ssl.SSLContext | None = None,
        trust_env: bool = True,
    ) -> None:
        if anyio.get_cancelled_exc_class() is not asyncio.CancelledError:
            raise ConfigurationError("backend='httptools' runs on asyncio only; on trio use backend='httpx'")
        self.closed: bool = False
        self._is_loopback = address.is_loopback
        self._host = address.host.strip("[]")
        self._port = address.port or (443 if address.scheme == "https" else 80)
        self._options: dict[str, Any] = {}
        if address.scheme == "https":
            self._options = {"ssl": ssl_context or default_ssl_context(trust_env), "server_hostname": self._host}
        headers = request_headers(address, token, user_agent)
        del headers["Accept"]
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._idle: list[_Connection] = []

    def exchange(self, request: WireRequest) -> HttptoolsExchange:
        """A new exchange; nothing is sent yet."""
        if self.closed:
            raise client_closed()
        if not self._is_loopback and "PYTEST_CURRENT_TEST" in os.environ and os.environ.get(ALLOW_VARIABLE) != "1":
            raise ConfigurationError(
                "backend='httptools' is seen by no mock, and this is a test: it reaches only this machine. Mock the "
                f"default backend instead, or set {ALLOW_VARIABLE}=1 if the test is meant to reach {self._host}"
            )
        return HttptoolsExchange(self, request)

    def kept(self, max_idle: float) -> _Connection | None:
        """The idle connection that was used last, if it was used within so many seconds."""
        since = time.monotonic() - max_idle
        while self._idle and self._idle[-1].idle_since >= since:
            connection = self._idle.pop()
            if connection.is_free():
                return connection
            connection.transport.abort()
        return None

    async def connect(self, seconds: float) -> _Connection:
        """A new connection, TLS included."""
        # In a task with an empty context, which the loop keeps for as long as the connection is open.
        opening = asyncio.get_running_loop().create_task(self._open(), context=Context())
        try:
            async with asyncio.timeout(seconds):
                return await opening
        except BaseException:
            if opening.done() and not opening.cancelled() and opening.exception() is None:
                # It was just opened when its caller was cancelled.
                opening.result().transport.abort()
            raise

    async def _open(self) -> _Connection:
        connected = await dial(self._host, self._port)
        # From here on the loop closes it if this is cancelled.
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, sock=connected, **self._options)
        return connection

    def head(self, request: WireRequest) -> bytes:
        """The request as it is sent, up to its body."""
        lines = [f"{request.method} {request.target} HTTP/1.1\r\n{self._headers}Accept: {request.accept}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in request.headers]
        if request.body is not None:
            lines.append(f"Content-Type: application/json\r\nContent-Length: {len(request.body)}\r\n")
        elif request.method not in ("GET", "HEAD", "DELETE"):
            lines.append("Content-Length: 0\r\n")
        lines.append("\r\n")
        return "".join(lines).encode("ascii")

    def keep(self, connection: _Connection) -> None:
        """Its answer was read to the end: keep it for the next request."""
        now = connection.idle_since = time.monotonic()
        self._idle.append(connection)
        # The oldest are at the front, and would never be asked for again.
        while now - self._idle[0].idle_since >= IDLE_SECONDS:
            self._idle.pop(0).transport.abort()

    async def aclose(self) -> None:
        """Close all idle connections. Those in use are closed by their exchanges."""
        self.closed = True
        while self._idle:
            self._idle.pop().transport.abort()
        # asyncio closes an aborted socket in its next turn.
        await asyncio.sleep(0)


class HttptoolsExchange:
    """One request and its answer over a connection."""

    __slots__ = ("_answer", "_backend", "_connection", "_request", "complete", "framed", "headers", "sent", "status")

    def __init__(self, backend: HttptoolsBackend, request: WireRequest) -> None:
        self._backend = backend
        self._request = request
        self._connection: _Connection | None = None
        self.status: int = 0
        self.headers: Mapping[str, str] = {}
        self.framed: bool = False
        self.complete: bool | None = False
        self.sent: bool = False

    async def start(self, progress: Progress) -> None:
        """Send the request and wait for the answer's headers."""
        request = self._request
        backend = self._backend
        connection = backend.kept(IDLE_SECONDS if request.retry_safe else WRITE_IDLE_SECONDS)
        if connection is None:
            progress.opening()
            connection = await self._connect()
        self._connection = connection
        if backend.closed:
            # Between the two the client was closed, and then nothing is sent.
            raise client_closed()
        answer = self._answer = connection.parser.expect(request.method)
        self.sent = True
        progress.writing()
        connection.transport.write(backend.head(request) + (request.body or b""))
        write = request.timeout.write
        while connection.blocked and not answer.status and connection.error is None:
            await connection.wait(write, f"the server took nothing for {write:g} s")
        progress.written()
        while not answer.status:
            await self._more()
        self.status = answer.status
        self.headers = answer.headers
        self.framed = answer.framed

    async def _connect(self) -> _Connection:
        seconds = self._request.timeout.connect
        try:
            return await self._backend.connect(seconds)
        except TimeoutError as error:
            # The system has a time-out, too.
            text = str(error) or f"no connection within {seconds:g} s"
        except OSError as error:
            text = str(error) or type(error).__name__
        raise ConnectError(f"could not connect: {text}")

    async def _more(self) -> None:
        """Wait until more of the answer has come."""
        connection = self._connection
        if connection is None:
            raise TransportError("this answer was cut, and its rest is lost")
        answer = self._answer
        if connection.error is None:
            connection.taken()
            read = self._request.timeout.read
            await connection.wait(read, f"nothing came from the server for {read:g} s")
        if connection.error is not None and not answer.pieces and not answer.done:
            self._connection = None
            connection.transport.abort()
            raise TransportError(f"the connection broke: {connection.error}")

    async def receive(self) -> bytes:
        """The next piece of the body as it was sent; b"" at its end."""
        answer = self._answer
        while not answer.pieces and not answer.done:
            await self._more()
        pieces, answer.pieces = answer.pieces, []
        if not pieces:
            self._finish()
            return b""
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body as it was sent, or about `limit` bytes of it."""
        pieces: list[bytes] = []
        size = 0
        while limit is None or size < limit:
            piece = await self.receive()
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _finish(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self.complete = True if self.framed else None
        # A request that was refused perhaps before all of it was read: then nobody reads the rest.
        refused = self.status >= 300 and len(self._request.body or b"") > _READ_BY_ALL
        if self._answer.keeps_alive and connection.is_free() and not (refused or self._backend.closed):
            connection.taken()
            self._backend.keep(connection)
        else:
            connection.transport.abort()

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end, when it was kept for the next one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.transport.abort()
