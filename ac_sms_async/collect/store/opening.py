"""Opening a store: which kind it is, and whether it has to be there."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, cast

import anyio

from ac_sms_async.collect.store.protocol import Store, StoreError
from ac_sms_async.collect.store.sqlite import SQLiteStore
from ac_sms_async.collect.store.target import Target

__all__ = ["open_store"]


class StoreOpening:
    """A store that is about to be opened: `async with` it, which closes it at the end, or await it and close it."""

    def __init__(self, open: Callable[[], Coroutine[Any, Any, Store]]) -> None:
        self._open = open
        self._opened: list[Store] = []

    def __await__(self) -> Generator[Any, None, Store]:
        return self._open().__await__()

    async def __aenter__(self) -> Store:
        store = await self
        self._opened.append(store)
        return store

    async def __aexit__(self, *exc: object) -> None:
        await self._opened.pop().aclose()


def open_store(target: str | PathLike[str], *, create: bool = True, read_only: bool = False) -> StoreOpening:
    """Open the store at `target`, a path for SQLite or a `postgresql://` DSN, and bring its schema up to date.

    `async with open_store(target) as store:` closes it at the end; after `store = await open_store(target)` you do.
    With `create=False` it has to be there already. With `read_only` it has to be there, too, and nothing is written:
    needs no rights but to read, and refuses a store whose schema is older (`ac-sms store migrate` mends that). Raises
    `StoreError`, for example when the store was written by a newer version of this library, or when psycopg (the
    `[postgres]` extra) is not installed.
    """
    return StoreOpening(partial(_open, target, create=create, read_only=read_only))


async def _open(target: str | PathLike[str], *, create: bool, read_only: bool) -> Store:
    found = Target.parse(target)
    if found.dsn is not None:
        try:
            from ac_sms_async.collect.store.postgres import PostgresStore
        except ImportError:
            raise StoreError("PostgreSQL needs psycopg: pip install 'ac-sms-async[postgres]'") from None
        return await PostgresStore.open(found.dsn, create=create, read_only=read_only)
    path = cast("Path", found.path)
    if (read_only or not create) and not await anyio.Path(path).is_file():
        raise StoreError(f"there is no store at {path}: `ac-sms collect --db {path}` makes one")
    return await SQLiteStore.open(path, read_only=read_only)
