"""A stand-in for a pooler, on a real socket: session, transaction or statement mode."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal
from urllib.parse import urlencode

from psycopg.conninfo import conninfo_to_dict

Mode = Literal["session", "transaction", "statement"]
_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102


class _Server:
    """A connection to PostgreSQL, and what it said when it was opened."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.greeting = b""

    async def message(self) -> tuple[bytes, bytes]:
        head = await self.reader.readexactly(5)
        return head[:1], head + await self.reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)

    async def greet(self, startup: bytes) -> None:
        self.writer.write(startup)
        kind = b""
        while kind != b"Z":
            kind, whole = await self.message()
            # As every pooler does: the key is its own, for it has to know whose query is to be cancelled.
            self.greeting += b"K" + struct.pack("!I", 12) + os.urandom(8) if kind == b"K" else whole


class Pooler:
    def __init__(self, socket: str, mode: Mode, most: int) -> None:
        self._socket = socket
        self._mode = mode
        self._idle: list[_Server] = []
        self._free = asyncio.Semaphore(most)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server: _Server | None = None
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            startup = await self._startup(reader, writer)
            if startup is None:
                return
            server = await self._take(startup)
            writer.write(server.greeting)
            if self._mode == "session":
                await asyncio.gather(_copy(reader, server.writer), _copy(server.reader, writer))
            else:
                self._give_back(server)
                await self._take_turns(reader, writer, startup)
        if server is not None and self._mode == "session":
            server.writer.close()
            self._free.release()
        writer.close()

    async def _startup(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        while True:
            size = await reader.readexactly(4)
            rest = await reader.readexactly(struct.unpack("!I", size)[0] - 4)
            code = struct.unpack("!I", rest[:4])[0]
            if code == _CANCEL:
                writer.close()
                return None
            if code not in (_SSL, _GSS):
                return size + rest
            writer.write(b"N")

    async def _take(self, startup: bytes) -> _Server:
        await self._free.acquire()
        if self._idle:
            return self._idle.pop()
        server = _Server(*await asyncio.open_unix_connection(self._socket))
        await server.greet(startup)
        return server

    def _give_back(self, server: _Server) -> None:
        self._idle.append(server)
        self._free.release()

    async def _take_turns(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, startup: bytes) -> None:
        while sent := await reader.read(65536):
            if sent[:1] == b"X":
                return
            if self._mode == "statement" and b"BEGIN" in sent:
                told = b"SFATAL\0C08P01\0Mtransaction blocks not allowed in statement pooling mode\0\0"
                writer.write(b"E" + struct.pack("!I", 4 + len(told)) + told)
                return
            server = await self._take(startup)
            server.writer.write(sent)
            kind, state = b"", b""
            while not (kind == b"Z" and state == b"I"):
                kind, whole = await server.message()
                writer.write(whole)
                state = whole[-1:]
                if kind == b"Z" and state != b"I":
                    # In a transaction: the same connection goes on.
                    server.writer.write(await reader.read(65536))
            self._give_back(server)

    def close(self) -> None:
        for server in self._idle:
            server.writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while sent := await source.read(65536):
        target.write(sent)
    target.close()


@asynccontextmanager
async def pooler(dsn: str, mode: Mode, *, most: int = 5) -> AsyncGenerator[str, None]:
    """A pooler before the PostgreSQL at `dsn` (a Unix socket); gives its own DSN."""
    given = conninfo_to_dict(dsn)
    between = Pooler(f"{given['host']}/.s.PGSQL.{given.get('port') or 5432}", mode, most)
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(between.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user = given.get("user", "postgres")
    try:
        yield f"postgresql://{user}@127.0.0.1:{port}/{given['dbname']}?{urlencode({'sslmode': 'disable'})}"
    finally:
        server.close()
        for task in [*tasks]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        between.close()
