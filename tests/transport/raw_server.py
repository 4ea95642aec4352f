"""A server on a real socket, in a thread of its own, that answers byte by byte as a test says."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

import anyio
from attrs import define, frozen

from tests.in_thread import InThread


@frozen
class Seen:
    """A request as it came over the wire."""

    connection: int
    head: bytes
    body: bytes
    at: float

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode()

    def header(self, name: str) -> str | None:
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.decode().lower() == name:
                return value.strip().decode()
        return None


@define
class Say:
    """What the server says to one request, and what it does then.

    `data` is sent as it is, in pieces `pause` seconds apart, after `delay` seconds. `then`: "keep" the connection,
    "close" it, "reset" it, or "hang" with it open until the client goes.
    """

    data: bytes | list[bytes] = b""
    then: str = "keep"
    delay: float = 0.0
    pause: float = 0.0


def ok(body: bytes = b'{"ok":1}', *headers: bytes, then: str = "keep", status: bytes = b"200 OK") -> Say:
    """An ordinary answer."""
    head = b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers])
    return Say(head + b"\r\n\r\n" + body, then=then)


Script: TypeAlias = Callable[[Seen], Say]


async def turns(count: int) -> None:
    """Let the loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


class RawServer(InThread):
    """`with RawServer(script) as server`: `server.url`, and `server.seen` for what came."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        silent: bool = False,
        reads_bodies: bool = True,
    ) -> None:
        super().__init__()
        self.script: Script = script or (lambda seen: ok())
        self.seen: list[Seen] = []
        self.connections = 0
        self.pieces = 0
        self.open = 0
        self._tls = tls
        self._silent = silent
        self._reads_bodies = reads_bodies

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def settles(self, connections: int) -> bool:
        """Whether within a second so many connections are open."""
        with anyio.move_on_after(1):
            while self.open != connections:  # noqa: ASYNC110  # another thread counts
                await anyio.sleep(0.005)
        return self.open == connections

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        # A silent one accepts, and says nothing, not even to a TLS handshake.
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, backlog=500)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        # What was accepted just now begins within a few turns of the loop; a server closed before that leaves it open.
        self._loop.remove_reader(server.sockets[0].fileno())
        await turns(5)
        server.close()
        # Nothing stays open, be it in a TLS handshake, or in a shutdown that the client never answers. Only the loop
        # knows of all of those.
        transports: Mapping[int, asyncio.Transport] = vars(self._loop)["_transports"]
        for transport in list(transports.values()):
            transport.abort()
        await turns(5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        # Clients that go away are what these tests are about.
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, OSError, ssl.SSLError):
            try:
                await self._talk(self.connections, reader, writer)
            finally:
                self.open -= 1
                writer.close()

    async def _talk(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._silent:
            await reader.read()
            return
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            seen = Seen(number, head, b"", time.monotonic())
            length = int(seen.header("content-length") or 0) if self._reads_bodies else 0
            seen = Seen(number, head, await reader.readexactly(length), seen.at)
            self.seen.append(seen)
            say = self.script(seen)
            await asyncio.sleep(say.delay)
            for piece in say.data if isinstance(say.data, list) else [say.data]:
                writer.write(piece)
                await writer.drain()
                self.pieces += 1
                await asyncio.sleep(say.pause)
            if say.then == "reset":
                writer.transport.abort()
            if say.then == "hang":
                await reader.read()
            if say.then != "keep":
                return
