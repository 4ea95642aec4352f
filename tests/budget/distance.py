"""A way to a server that takes its time in each direction, and that can be frozen."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from tests.in_thread import InThread


class Distance(InThread):
    """`with Distance(path, seconds) as far`: 127.0.0.1 at `far.port` leads to that socket, so many seconds away."""

    def __init__(self, path: str, seconds: float = 0.0) -> None:
        super().__init__()
        self._path = path
        self._seconds = seconds
        self._runs = threading.Event()
        self.is_frozen = False
        """While it is, nothing comes through, and what was sent comes later."""
        self._silent: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()

    def silence(self) -> None:
        """Of the connections that are open now nothing is heard any more."""
        self._silent |= self._open

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._path)
        self._open |= {writer, back}
        # Whatever still runs when the loop ends ends with it.
        with contextlib.closing(writer), contextlib.closing(back), contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                self._loop.call_later(self._seconds, self._write, target, data)
        await asyncio.sleep(self._seconds)
        target.close()

    def _write(self, target: asyncio.StreamWriter, data: bytes) -> None:
        if self.is_frozen:
            self._loop.call_later(0.01, self._write, target, data)
        elif target not in self._silent:
            target.write(data)
