"""One life on two databases: PostgreSQL under virtual time, and a twin in memory that must always answer the same."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

from ac_sms_async.collect import Statement
from ac_sms_async.collect.store.postgres import PostgresStore
from ac_sms_async.collect.store.protocol import Row
from ac_sms_async.collect.store.schema import TABLES
from tests.collect.fakes import Mortal

T = TypeVar("T")


class Elsewhere:
    """A PostgreSQL store on a loop of its own, in real time. Who asks it waits without turning its own loop.

    So a virtual clock stands still while the database is at work, and no time-out of psycopg sees it jump.
    """

    def __init__(self, dsn: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.store = self.do(PostgresStore.open(dsn))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have it done there, and wait for it here."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def empty(self) -> None:
        """As new."""
        names = [table.name for table in TABLES]
        self.do(self.store.write(*(Statement(f"DELETE FROM {name}") for name in names)))

    def close(self) -> None:
        """Close the store, and the loop behind it."""
        self.do(self.store.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Twins(Mortal):
    """Writes go to both databases, and what is read from them must be the same."""

    def __init__(self, elsewhere: Elsewhere) -> None:
        super().__init__()
        self._elsewhere = elsewhere

    async def write(self, *statements: Statement, durable: bool = False) -> None:
        await super().write(*statements, durable=durable)
        self._elsewhere.do(self._elsewhere.store.write(*statements, durable=durable))

    async def read(self, sql: str, values: Row = ()) -> list[Row]:
        rows = await super().read(sql, values)
        others = self._elsewhere.do(self._elsewhere.store.read(sql, values))
        same = rows == others if "ORDER BY" in sql else Counter(rows) == Counter(others)
        assert same, f"{sql} {values}: SQLite has {rows}, PostgreSQL {others}"
        return others
