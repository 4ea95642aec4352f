"""A copy of a store while it is in use, and files that must not be written over."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from os import PathLike
from pathlib import Path

import anyio.to_thread

from ac_sms_async.collect.store import sqlite_file
from ac_sms_async.collect.store.protocol import Store, StoreError
from ac_sms_async.collect.store.sqlite import SQLiteStore

__all__ = ["back_up", "refuse_store_file"]


async def back_up(store: Store, path: str | PathLike[str]) -> int:
    """Copy a SQLite store to a file, as it is at one moment, while others go on with it; returns its size in bytes.

    The file appears whole or not at all, checked, readable for its owner alone, in the place of one that is there.
    Raises `StoreError`, also for a PostgreSQL, which has `pg_dump` for this.
    """
    target = Path(path)
    if not isinstance(store, SQLiteStore):
        raise StoreError("a PostgreSQL is backed up by its own means: pg_dump --schema=ac_sms")
    refuse_store_file(store, target)
    return await anyio.to_thread.run_sync(_copy, store.path, target)


def refuse_store_file(store: Store, path: str | PathLike[str]) -> None:
    """Raise `StoreError` where `path` is the store's own file, under whatever name, or one of those beside it."""
    if not isinstance(store, SQLiteStore):
        return
    real, target = store.path.resolve(), Path(path).resolve()
    beside = target.parent == real.parent and target.name.startswith(f"{real.name}-")
    if target == real or beside or (target.exists() and target.samefile(real)):
        raise StoreError(f"{path} is the store itself, or belongs to it: choose another file")


def _copy(source: Path, target: Path) -> int:
    draft = target.with_name(f".{target.name[:100]}.{os.getpid()}.draft")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            with (
                closing(sqlite_file.connect_to_read(source)) as original,
                closing(sqlite3.connect(draft, isolation_level=None)) as copy,
            ):
                original.backup(copy)
                # On its own it needs no files beside it.
                copy.execute("PRAGMA journal_mode = DELETE")
                [(said,)] = copy.execute("PRAGMA quick_check(1)").fetchall()
            if said != "ok":
                raise StoreError(f"the store {source} is damaged: {' '.join(said.split())}; see `ac-sms store check`")
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            size = draft.stat().st_size
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error}") from error
    except sqlite3.Error as error:
        raise sqlite_file.failure(error, f"cannot back up {source}") from error
    return size
