"""Where collected rows are kept: the small protocol that SQLite and PostgreSQL share, and how to open one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from os import PathLike
from pathlib import Path
from typing import Protocol, Self

import anyio
from attrs import field, frozen

__all__ = ["Row", "Statement", "Store", "StoreBusyError", "StoreError", "Value", "open_store"]

Value = str | int | float | bool | None
"""What a store holds: times are ISO text in UTC, dates ISO text, JSON is text; booleans are read as 0 and 1."""

Row = tuple[Value, ...]


@frozen
class Statement:
    """One SQL statement with `?` for values, run once for each row."""

    sql: str
    rows: Sequence[Row] = field(default=((),))


class StoreError(Exception):
    """The store could not be opened, read or written. What was committed before is safe."""


class StoreBusyError(StoreError):
    """Another process is collecting the same account into the same store."""


class Store(Protocol):
    """A place for rows. SQL is written once, in what SQLite and PostgreSQL both understand, with `?` for values.

    Every method raises `StoreError` when the database fails.
    """

    async def write(self, *statements: Statement) -> None:
        """Run all statements in one transaction: all of them hold, durably, or none."""
        ...

    async def read(self, sql: str, values: Row = ()) -> list[Row]:
        """All rows of a query. For large ones use `stream`."""
        ...

    def stream(
        self, sql: str, values: Row = (), *, size: int = 1000
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Row]]]:
        """The rows of a query, `size` at a time, as one consistent view; memory does not grow with the result."""
        ...

    def exclusive(self, account: str) -> AbstractAsyncContextManager[None]:
        """Hold the account, so that no other process collects it into this store. Raises `StoreBusyError` at once."""
        ...

    async def aclose(self) -> None:
        """Close the store. Closing twice is fine."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...


async def open_store(target: str | PathLike[str], *, create: bool = True) -> Store:
    """Open (and bring up to date) the store at `target`: a path for SQLite, or a `postgresql://` DSN.

    With `create=False` a SQLite file has to be there already. Raises `StoreError`, for example when the store was
    written by a newer version of this library, or when psycopg (the `[postgres]` extra) is not installed.
    """
    text = str(target)
    if text.startswith(("postgresql://", "postgres://")):
        try:
            from ac_sms_async.collect.postgres import PostgresStore
        except ImportError:
            raise StoreError("PostgreSQL needs psycopg: pip install 'ac-sms-async[postgres]'") from None
        return await PostgresStore.open(text)
    from ac_sms_async.collect.sqlite import SQLiteStore

    path = Path(target)
    if not create and not await anyio.Path(path).is_file():
        raise StoreError(f"there is no store at {path}: `ac-sms collect --db {path}` makes one")
    return await SQLiteStore.open(path)
