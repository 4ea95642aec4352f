"""The default store: one SQLite file, written by one thread at a time."""

from __future__ import annotations

import os
import sqlite3
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Self, TypeVar

import anyio
import anyio.to_thread

from ac_sms_async.collect.migrate import CREATE_VERSION_TABLE, Dialect, migrations, outstanding
from ac_sms_async.collect.store import Row, Statement, StoreBusyError, StoreError

__all__ = ["SQLiteStore"]

T = TypeVar("T")

_DIALECT = Dialect(utc_month="substr({0}, 1, 7)")
_BUSY_SECONDS = 30.0


class SQLiteStore:
    """A `Store` in a SQLite file (WAL, so that others can read while it is written). Make one with `open`.

    Works on asyncio and trio. The file is made readable for its owner alone: it may hold phone numbers.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = connection
        # SQLite allows one writer: with one thread at a time, nobody here ever waits on the file's own lock.
        self._thread = anyio.CapacityLimiter(1)

    @classmethod
    async def open(cls, path: str | PathLike[str]) -> Self:
        """Open the file at `path`, made where there is none, and bring its schema up to date. Raises `StoreError`."""
        place = Path(path)
        connection = await anyio.to_thread.run_sync(_open, place)
        return cls(place, connection)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    async def write(self, *statements: Statement) -> None:
        """Run all statements in one transaction."""

        def run(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                for statement in statements:
                    connection.executemany(statement.sql, statement.rows)

        await self._call(run)

    async def read(self, sql: str, values: Row = ()) -> list[Row]:
        """All rows of a query."""
        return await self._call(lambda connection: connection.execute(sql, values).fetchall())

    @asynccontextmanager
    async def stream(
        self, sql: str, values: Row = (), *, size: int = 1000
    ) -> AsyncGenerator[AsyncIterator[list[Row]], None]:
        """The rows of a query, `size` at a time, through a connection of its own."""
        connection = await anyio.to_thread.run_sync(_connect, self._path)
        try:
            cursor = await anyio.to_thread.run_sync(_guarded(lambda: connection.execute(sql, values)))

            async def chunks() -> AsyncGenerator[list[Row], None]:
                while rows := await anyio.to_thread.run_sync(_guarded(lambda: cursor.fetchmany(size))):
                    yield rows

            async with aclosing(chunks()) as found:
                yield found
        finally:
            connection.close()

    @asynccontextmanager
    async def exclusive(self, account: str) -> AsyncGenerator[None, None]:
        """Hold the account by a lock that the system frees when the process ends, even by `kill -9`."""
        # A second, empty SQLite file serves as the lock, for SQLite's own file locks work on every system.
        path = self._path.with_name(f"{self._path.name}-lock-{zlib.crc32(account.encode()):08x}")
        lock = await anyio.to_thread.run_sync(_lock, path, account)
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

    async def _call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection
        if connection is None:
            raise StoreError(f"the store {self._path} is closed")
        # A thread can't be cancelled: a transaction that began is finished, and cancellation is seen afterwards.
        return await anyio.to_thread.run_sync(_guarded(lambda: work(connection)), limiter=self._thread)


def _guarded(work: Callable[[], T]) -> Callable[[], T]:
    def run() -> T:
        try:
            return work()
        except sqlite3.Error as error:
            raise StoreError(f"SQLite: {error}") from error

    return run


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None, None, None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    # Threads take turns on a connection, so its own check of the thread is in the way.
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(connection)
        # In WAL mode this loses nothing when a process dies; after a power cut the last commits are fetched again.
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        else:
            return
        # A change of mode doesn't wait for others who open the file at the same time. A transaction does.
        with _transaction(connection):
            pass


def _lock(path: Path, account: str) -> sqlite3.Connection:
    try:
        lock = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise StoreError(f"cannot open the lock {path}: {error}") from error
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        lock.close()
        raise StoreBusyError(
            f"another process is collecting the account {account!r} into this store; wait for it, or stop it"
        ) from None
    return lock


def _open(path: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot open the store {path}: {error}") from error
    try:
        with _transaction(connection):
            _migrate(connection)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"cannot bring the store {path} up to date: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute(CREATE_VERSION_TABLE)
    version: Any = connection.execute("SELECT MAX(version) FROM schema_version").fetchone()[0]
    for migration in outstanding(version, migrations()):
        for statement in migration.statements(_DIALECT):
            connection.execute(statement)
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        connection.execute("INSERT INTO schema_version VALUES (?, ?)", (migration.version, now))
