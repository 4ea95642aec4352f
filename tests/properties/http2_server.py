"""A server that speaks HTTP/2 without TLS, and says one body to each request: whole, cut, or reset."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator
from typing import Literal

import h2.config
import h2.connection
import h2.errors
import h2.events
from attrs import define

from tests.faults.server import ServerThread

__all__ = ["Http2Say", "http2_server"]


@define
class Http2Say:
    """What is said: the headers, the pieces of the body, and how it ends."""

    headers: list[tuple[str, str]]
    pieces: list[bytes]
    then: Literal["end", "close", "reset"]
    """END_STREAM, or the connection is closed without it, or the stream is reset."""


@define
class Http2Server:
    """Where it listens, and what it says next."""

    port: int
    say: Http2Say

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def http2_server(thread: ServerThread) -> Generator[Http2Server]:
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        task.add_done_callback(running.discard)
        # Clients that go are part of it.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await _talk(reader, writer, found)
        writer.transport.abort()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0)

    async def stop() -> None:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running)

    server = thread.run(start())
    found = Http2Server(server.sockets[0].getsockname()[1], Http2Say([], [], "end"))
    try:
        yield found
    finally:
        thread.run(stop())


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: Http2Server) -> None:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    while True:
        writer.write(connection.data_to_send())
        data = await reader.read(65536)
        if not data:
            return
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                assert event.stream_id is not None
                if not await _answer(connection, reader, writer, event.stream_id, server.say):
                    return


async def _answer(
    connection: h2.connection.H2Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    stream: int,
    say: Http2Say,
) -> bool:
    """Answer; False once the connection is over."""
    connection.send_headers(stream, [(":status", "200"), *say.headers])
    left = list(say.pieces)
    while left:
        allowed = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
        if allowed == 0:
            writer.write(connection.data_to_send())
            data = await reader.read(65536)
            if not data:
                return False
            connection.receive_data(data)
            continue
        piece = left.pop(0)
        connection.send_data(stream, piece[:allowed])
        if piece[allowed:]:
            left.insert(0, piece[allowed:])
        writer.write(connection.data_to_send())
        await writer.drain()
    if say.then == "end":
        connection.end_stream(stream)
    elif say.then == "reset":
        connection.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
    writer.write(connection.data_to_send())
    await writer.drain()
    if say.then == "close":
        writer.close()
    return say.then != "close"
