"""Where collected rows are kept: the small protocol that SQLite and PostgreSQL share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self

from attrs import field, frozen

__all__ = ["Row", "Statement", "Store", "StoreBusyError", "StoreError", "Value"]

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

    async def write(self, *statements: Statement, durable: bool = False) -> None:
        """Run all statements in one transaction: all of them hold, or none, whenever the process dies.

        With `durable` it returns when they, and all that was written before, are on disk: what a crash of the machine
        or of the database takes back otherwise is the last moments, in order.
        """
        ...

    async def read(self, sql: str, values: Row = ()) -> list[Row]:
        """All rows of a query. For large ones use `stream`."""
        ...

    def stream(
        self, sql: str, values: Row = (), *, size: int = 1000
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Row]]]:
        """The rows of a query, `size` at a time, as one consistent view; memory does not grow with the result."""
        ...

    def exclusive(self, account: str, *, shared: bool = False) -> AbstractAsyncContextManager[None]:
        """Hold the account, so that no other process collects it into this store. Raises `StoreBusyError` at once.

        With `shared`, others that hold it so may hold it, too: for those who have agreed otherwise who collects it.
        """
        ...

    async def aclose(self) -> None:
        """Close the store. Closing twice is fine."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...
