"""A SQLite file: opening it to write or to read alone, its locks, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ac_sms_async.collect.store.migrate import CREATE_VERSION_TABLE, SQLITE, check_version, migrations, outstanding
from ac_sms_async.collect.store.protocol import StoreBusyError, StoreError
from ac_sms_async.collect.store.storable import moment, text

__all__ = ["connect", "connect_to_read", "failure", "lock", "open_to_read", "open_to_write", "transaction"]

_BUSY_SECONDS = 30.0
_BUSY_STEP = 0.1
"""Seconds that SQLite itself waits for a lock: whoever is stopped meanwhile is heard after this time."""

Stopped = Callable[[], bool]


def _never() -> bool:
    return False


_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full: make room, then run the same again",
    sqlite3.SQLITE_IOERR: "the disk fails, or is full or over a limit: see to it, then run the same again",
    sqlite3.SQLITE_READONLY: "the file, its folder or the disk takes no writes: mend that, or choose another place",
    sqlite3.SQLITE_CANTOPEN: "see that the folder exists and may be written to",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: see `ac-sms store check`, and restore a backup",
    sqlite3.SQLITE_NOTADB: "this is no store",
    sqlite3.SQLITE_BUSY: "another process has been writing to it for long: wait for it, or stop it",
    sqlite3.SQLITE_INTERRUPT: "stopped",
}


def failure(error: sqlite3.Error, doing: str = "SQLite") -> StoreError:
    """The error in words that say what to do; what was committed before is safe."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    advice = None if code is None else _ADVICE.get(code & 0xFF)
    return StoreError(f"{doing}: {error}" + (f" ({advice})" if advice else ""))


@contextmanager
def transaction(connection: sqlite3.Connection, stopped: Stopped = _never) -> Generator[None, None, None]:
    """A transaction that writes; waits for others that do, until `stopped`."""
    _begin(connection, stopped)
    try:
        yield
    except BaseException:
        # A full disk has rolled it back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _begin(connection: sqlite3.Connection, stopped: Stopped) -> None:
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until or stopped():
                raise
        else:
            return


def connect(path: Path, stopped: Stopped = _never) -> sqlite3.Connection:
    """A connection that writes, to a file that may be new."""
    # Threads take turns on a connection, so its own check of the thread is in the way.
    connection = sqlite3.connect(path, timeout=_BUSY_STEP, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(connection, stopped)
        # In WAL mode this loses nothing when a process dies; after a power cut the last commits are fetched again.
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, stopped: Stopped) -> None:
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
        with transaction(connection, stopped):
            pass


def open_to_write(path: Path, stopped: Stopped = _never) -> sqlite3.Connection:
    """The store at `path`, made where there is none, its schema up to date. Raises `StoreError`."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = connect(path, stopped)
    except OSError as error:
        raise StoreError(f"cannot open the store {path}: {error}") from error
    except sqlite3.Error as error:
        raise failure(error, f"cannot open the store {path}") from error
    try:
        with transaction(connection, stopped):
            _migrate(connection)
    except sqlite3.Error as error:
        connection.close()
        raise failure(error, f"cannot bring the store {path} up to date") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute(CREATE_VERSION_TABLE)
    version: Any = connection.execute("SELECT MAX(version) FROM schema_version").fetchone()[0]
    for migration in outstanding(version, migrations()):
        for statement in migration.statements(SQLITE):
            connection.execute(statement)
        values = (migration.version, moment(datetime.now(UTC)))
        connection.execute("INSERT INTO schema_version VALUES (?, ?)", values)


def open_to_read(path: Path, stopped: Stopped = _never) -> sqlite3.Connection:
    """The store at `path`, never changed. Raises `StoreError`, also for a schema of another release."""
    connection: sqlite3.Connection | None = None
    try:
        connection = connect_to_read(path)
        check_version(_version(connection, path), migrations(), str(path))
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise failure(error, f"cannot read the store {path}") from error
    except StoreError:
        if connection is not None:
            connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int | None:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").fetchone()
    if found is None:
        raise StoreError(f"{path} is no store: it has no schema_version")
    version: int | None = connection.execute("SELECT MAX(version) FROM schema_version").fetchone()[0]
    return version


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that reads alone. Raises `StoreError` where that needs more than there is."""
    connection = _connect_as(path, "mode=ro")
    try:
        # The first read finds out whether SQLite may have the files beside the store that it needs.
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        return _connect_unchanging(path, error)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_unchanging(path: Path, error: sqlite3.OperationalError) -> sqlite3.Connection:
    """Without the files beside the store: where nothing can change, and nothing waits in a -wal to be added."""
    wal = path.resolve().with_name(f"{path.resolve().name}-wal")
    if not _is_read_only(path):
        raise StoreError(
            f"cannot read the store {path}: {error}. SQLite keeps two files beside it while anybody reads: be "
            "allowed to write in its folder, or read a copy that `ac-sms store backup` made"
        ) from error
    if wal.exists() and wal.stat().st_size:
        raise StoreError(
            f"cannot read the store {path} where nothing can be written: its last rows still wait in {wal.name}. "
            "Open it once where it can be written, with `ac-sms store migrate`"
        ) from error
    return _connect_as(path, "immutable=1")


def _connect_as(path: Path, how: str) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?{how}"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _is_read_only(path: Path) -> bool:
    """Whether the file system takes no writes, from anybody."""
    return sys.platform != "win32" and bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def lock(path: Path, account: str, *, shared: bool) -> sqlite3.Connection:
    """Hold `account` in the store at `path`, until the connection is closed or the process ends, however it does."""
    # A second, empty SQLite file serves as the lock, for SQLite's own file locks work on every system. It lies beside
    # the file itself, not beside a link to it: whoever writes to the same file meets at the same lock.
    real = path.resolve()
    place = real.with_name(f"{real.name}-lock-{zlib.crc32(text(account).encode()):08x}")
    held: sqlite3.Connection | None = None
    try:
        held = sqlite3.connect(place, timeout=0, isolation_level=None, check_same_thread=False)
        held.execute("BEGIN" if shared else "BEGIN EXCLUSIVE")
        if shared:
            held.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        if held is not None:
            held.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise StoreBusyError(
                f"another process is collecting the account {account!r} into this store; wait for it, or stop it"
            ) from None
        raise failure(error, f"cannot use the lock {place}") from error
    return held
