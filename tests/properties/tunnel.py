"""A proxy that tunnels: it answers CONNECT, and passes on what follows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator

from tests.faults.server import ServerThread

__all__ = ["tunnel"]


@contextlib.contextmanager
def tunnel(thread: ServerThread, port: int) -> Generator[int]:
    """The port of a proxy that knows one way only, to `port` of this machine, wherever it is asked to go."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        task.add_done_callback(running.discard)
        far_writer = None
        try:
            await reader.readuntil(b"\r\n\r\n")
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Clients that go are what this is for.
            pass
        finally:
            writer.transport.abort()
            if far_writer is not None:
                far_writer.transport.abort()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0)

    async def stop() -> None:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running)

    server = thread.run(start())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        thread.run(stop())


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError
