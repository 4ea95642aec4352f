"""The default store: one SQLite file, written by one thread at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager
from os import PathLike
from pathlib import Path
from threading import Event
from typing import Self, TypeVar

import anyio
import anyio.to_thread

from ac_sms_async.collect.patience import finished
from ac_sms_async.collect.store import sqlite_file
from ac_sms_async.collect.store.protocol import Row, Statement, StoreError
from ac_sms_async.collect.store.storable import storable_row

__all__ = ["SQLiteStore"]

T = TypeVar("T")

Stopped = Callable[[], bool]
Work = Callable[[Stopped], T]


class SQLiteStore:
    """A `Store` in a SQLite file (WAL, so that others can read while it is written). Make one with `open`.

    Works on asyncio and trio. The file is made readable for its owner alone: it may hold phone numbers.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = connection
        # SQLite allows one writer: with one thread at a time, nobody here ever waits on the file's own lock.
        self._thread = anyio.CapacityLimiter(1)

    @classmethod
    async def open(cls, path: str | PathLike[str], *, read_only: bool = False) -> Self:
        """Open the file at `path`, made where there is none, and bring its schema up to date; or only read it.

        Raises `StoreError`.
        """
        place = Path(path)
        opened = sqlite_file.open_to_read if read_only else sqlite_file.open_to_write
        connection = await _in_thread(lambda stopped: opened(place, stopped), lambda: None)
        return cls(place, connection, read_only=read_only)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    async def write(self, *statements: Statement, durable: bool = False) -> None:
        """Run all statements in one transaction."""

        def run(connection: sqlite3.Connection, stopped: Stopped) -> None:
            with _flushed(connection, durable), sqlite_file.transaction(connection, stopped):
                for statement in statements:
                    connection.executemany(statement.sql, map(storable_row, statement.rows))

        await self._call(run)

    async def read(self, sql: str, values: Row = ()) -> list[Row]:
        """All rows of a query."""
        return await self._call(lambda connection, _: connection.execute(sql, storable_row(values)).fetchall())

    @asynccontextmanager
    async def stream(
        self, sql: str, values: Row = (), *, size: int = 1000
    ) -> AsyncGenerator[AsyncIterator[list[Row]], None]:
        """The rows of a query, `size` at a time, through a connection of its own."""
        again = sqlite_file.connect_to_read if self._read_only else sqlite_file.connect
        connection = await _in_thread(lambda _: again(self._path), lambda: None)
        try:
            bound = storable_row(values)
            cursor = await self._run(connection, lambda _: connection.execute(sql, bound))

            async def chunks() -> AsyncGenerator[list[Row], None]:
                while rows := await self._run(connection, lambda _: cursor.fetchmany(size)):
                    yield rows

            async with aclosing(chunks()) as found:
                yield found
        finally:
            connection.close()

    @asynccontextmanager
    async def exclusive(self, account: str, *, shared: bool = False) -> AsyncGenerator[None, None]:
        """Hold the account by a lock that the system frees when the process ends, even by `kill -9`."""
        lock = await anyio.to_thread.run_sync(lambda: sqlite_file.lock(self._path, account, shared=shared))
        try:
            yield
        finally:
            lock.close()

    async def aclose(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(connection.close, limiter=self._thread)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def _call(self, work: Callable[[sqlite3.Connection, Stopped], T]) -> T:
        connection = self._connection
        if connection is None:
            raise StoreError(f"the store {self._path} is closed")
        return await self._run(connection, lambda stopped: work(connection, stopped), self._thread)

    async def _run(
        self, connection: sqlite3.Connection, work: Work[T], limiter: anyio.CapacityLimiter | None = None
    ) -> T:
        return await _in_thread(work, connection.interrupt, limiter)


async def _in_thread(work: Work[T], interrupt: Callable[[], object], limiter: anyio.CapacityLimiter | None = None) -> T:
    """Run `work` in a thread. A thread can't be cancelled: it is told to stop, where it goes on for too long then."""
    stopped = Event()

    def run() -> T:
        try:
            return work(stopped.is_set)
        except sqlite3.Error as error:
            raise sqlite_file.failure(error) from error

    def stop() -> None:
        stopped.set()
        interrupt()

    return await finished(lambda: anyio.to_thread.run_sync(run, limiter=limiter), stop)


@contextmanager
def _flushed(connection: sqlite3.Connection, durable: bool) -> Generator[None, None, None]:
    """Wait for the disk at the end of the transaction, or leave that to SQLite's next checkpoint."""
    if durable:
        connection.execute("PRAGMA synchronous = FULL")
    try:
        yield
    finally:
        if durable:
            connection.execute("PRAGMA synchronous = NORMAL")
