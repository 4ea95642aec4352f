"""The stores that a worker's jobs write to: a few connections, shared, and renewed when they break."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from itertools import cycle
from typing import Self

import anyio

from ac_sms_async.collect.store.postgres import PostgresStore
from ac_sms_async.collect.store.protocol import Row, Statement, Store
from ac_sms_async.fleet.lease import Lease

__all__ = ["LeasedStore", "Stores"]


class Stores:
    """Up to `size` connections to the store at `dsn`, opened when first needed, handed out in turns."""

    def __init__(self, dsn: str, *, size: int = 4) -> None:
        self._dsn = dsn
        self._stores: list[PostgresStore | None] = [None] * size
        self._turns = cycle(range(size))
        self._opening = anyio.Lock()

    async def get(self) -> PostgresStore:
        """One that works. Raises `StoreError` where none can be opened."""
        place = next(self._turns)
        async with self._opening:
            return await self._opened(place)

    async def _opened(self, place: int) -> PostgresStore:
        store = self._stores[place]
        if store is None or store.closed:
            # Nobody waits for the disk: commits stay whole and in order, and what a crash of the database takes back is
            # fetched again. That a run ended is written with waiting, and with it all that came before.
            store = self._stores[place] = await PostgresStore.open(self._dsn, wait_for_disk=False)
        return store

    def abort(self) -> None:
        """Break all connections off; what waits for the database fails at once."""
        for store in self._stores:
            if store is not None:
                store.abort()

    async def aclose(self) -> None:
        """Close all connections."""
        for store in self._stores:
            if store is not None:
                await store.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


class LeasedStore:
    """A store that is written to only while the lease holds. Raises `LeaseLostError` afterwards."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease

    async def write(self, *statements: Statement, durable: bool = False) -> None:
        """As the store's, within the lease."""
        self._lease.check()
        await self._store.write(*statements, durable=durable)

    async def read(self, sql: str, values: Row = ()) -> list[Row]:
        """As the store's."""
        return await self._store.read(sql, values)

    def stream(
        self, sql: str, values: Row = (), *, size: int = 1000
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Row]]]:
        """As the store's."""
        return self._store.stream(sql, values, size=size)

    def exclusive(self, account: str, *, shared: bool = False) -> AbstractAsyncContextManager[None]:
        """As the store's."""
        return self._store.exclusive(account, shared=shared)

    async def aclose(self) -> None:
        """Does nothing: the store is shared."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
