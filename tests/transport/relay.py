"""A way to a server on which nothing moves until it is let go: a TLS handshake that takes its time."""

from __future__ import annotations

import asyncio
import contextlib

from tests.in_thread import InThread


class Relay(InThread):
    """`with Relay(port) as slow`: `slow.port` leads to that port; `slow.let_go()` lets go what was said so far."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._target = port
        self.led = 0

    def let_go(self) -> None:
        self._loop.call_soon_threadsafe(self._go.set)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._go = asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await self._go.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            self.led += 1
            with contextlib.closing(back):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(pass_on(reader, back))
                    tasks.create_task(pass_on(there, writer))


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
