"""Stores that exist go on: real ones, made when the schema was at its first version, are brought up to date."""

from __future__ import annotations

import gzip
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ac_sms_async.collect import Statement, Store, Window, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.store.migrate import migrations
from ac_sms_async.collect.store.schema import TABLES, VIEWS
from tests.collect.conftest import any_store
from tests.collect.fakes import EVERYTHING, FakeSource, MemoryStore

pytestmark = pytest.mark.anyio

OLD = Path(__file__).parent / "stores_of_old"

KEPT = ("broadcasts", "metrics", "metrics_history", "failure_groups", "recipients", "replies", "credits", "snapshots")


def kept(name: str) -> bytes:
    return gzip.decompress((OLD / f"{name}.gz").read_bytes())


def lay_down(target: str) -> None:
    """Put the store of old where `target` says."""
    if "://" not in target:
        Path(target).write_bytes(kept("first.sqlite"))
        return
    import psycopg

    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(kept("first.sql"))


def version_of(target: str) -> Any:
    if "://" not in target:
        with closing(sqlite3.connect(target)) as connection:
            return connection.execute("SELECT MAX(version) FROM schema_version").fetchone()[0]
    import psycopg

    with psycopg.connect(target) as connection:
        row = connection.execute("SELECT MAX(version) FROM ac_sms.schema_version").fetchone()
        return row and row[0]


async def rows(store: Store) -> dict[str, int]:
    return {name: int((await store.read(f"SELECT COUNT(*) FROM {name}"))[0][0] or 0) for name in KEPT}


async def counted_anew(store: Store, account: str = "acme") -> None:
    """A run over all of an account finds new counts, and the store has them."""
    ids = list(range(1, 13))
    url = f"https://{account}.api-us1.com"
    source = FakeSource(ids=ids, account=account, url=url, latency=0.0, pace=0.0, clicks=dict.fromkeys(ids, 9))
    result = await collect_source(source, store, Window(), EVERYTHING, fresh=True)
    assert result.status == "complete"
    found = await store.read("SELECT broadcast_id, clicks FROM metrics WHERE account = ?", (account,))
    assert sorted(found) == [(broadcast_id, 9) for broadcast_id in ids]


@any_store
async def test_an_old_store_goes_on(target: str) -> None:
    lay_down(target)
    assert version_of(target) == 1
    async with await open_store(target) as store:
        assert version_of(target) == migrations()[-1].version
        assert await rows(store) == {
            "broadcasts": 36,
            "metrics": 36,
            "metrics_history": 60,
            "failure_groups": 21,
            "recipients": 222,
            "replies": 120,
            "credits": 5,
            "snapshots": 5,
        }
        for entry in (*TABLES, *VIEWS):
            await store.read(f"SELECT {', '.join(entry.names)} FROM {entry.name}")
        await counted_anew(store)


@any_store
async def test_rows_of_a_clock_that_was_ahead_are_no_longer_frozen(target: str) -> None:
    lay_down(target)
    before = datetime.now(UTC)
    async with await open_store(target) as store:
        for name in KEPT:
            if name != "replies":
                [(latest,)] = await store.read(f"SELECT MAX(collected_at) FROM {name}")
                assert datetime.fromisoformat(str(latest)) <= max(before, datetime.now(UTC)), name
        [(started,)] = await store.read("SELECT MAX(started_at) FROM runs")
        assert datetime.fromisoformat(str(started)) <= datetime.now(UTC)
        await counted_anew(store)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_years_without_their_zeros_can_be_read_again(anyio_backend: Any, tmp_path: Path) -> None:
    lay_down(str(tmp_path / "old.sqlite"))
    async with await open_store(tmp_path / "old.sqlite") as store:
        assert await store.read("SELECT sent_date FROM broadcasts WHERE account = 'acme' AND broadcast_id = 3") == [
            ("0003-04-03T15:00:00Z",)
        ]


@any_store
@pytest.mark.parametrize("until", [1, 20, 40])
async def test_an_older_collector_may_run_beside(target: str, until: int) -> None:
    """Its statements, as it sent them: the first ones before the store is migrated under it, the others afterwards."""
    batches: list[list[tuple[str, list[Any]]]] = json.loads(kept("collector.json"))
    assert len(batches) > until
    lay_down(target)
    async with MemoryStore() as alone:
        older = Older(target)
        try:
            for number, batch in enumerate(batches):
                if number == until:
                    async with await open_store(target):
                        pass
                older.write(batch)
                await alone.write(*(Statement(sql, [tuple(row) for row in values]) for sql, values in batch))
        finally:
            older.close()
        async with await open_store(target) as store:
            for name in ("broadcasts", "metrics", "failure_groups", "recipients", "replies"):
                query = f"SELECT COUNT(*) FROM {name} WHERE account = 'initech'"
                assert await store.read(query) == await alone.read(query) != [(0,)]
            query = "SELECT status FROM runs WHERE account = 'initech'"
            assert await store.read(query) == [("complete",)]
            await counted_anew(store, "initech")


class Older:
    """A collector that opened the store before anybody migrated it: it has its connection, and sends what it knows."""

    def __init__(self, target: str) -> None:
        self._connection: Any
        if "://" in target:
            import psycopg

            self._connection = psycopg.connect(target, autocommit=True, prepare_threshold=0)
            self._connection.execute("SET search_path TO ac_sms")
        else:
            self._connection = sqlite3.connect(target, isolation_level=None)
        self._mark = "%s" if "://" in target else "?"

    def write(self, batch: list[tuple[str, list[Any]]]) -> None:
        self._connection.execute("BEGIN")
        for sql, values in batch:
            for row in values:
                self._connection.execute(sql.replace("?", self._mark), row)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


KILLED = """
import asyncio, os, signal, sys
from ac_sms_async.collect import open_store
from ac_sms_async.collect.store.migrate import Dialect
target, left = sys.argv[1], int(sys.argv[2])
whole = Dialect.statements

def statements(self, sql):
    global left
    for statement in whole(self, sql):
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        yield statement

async def bring_up_to_date():
    await open_store(target)

Dialect.statements = statements
asyncio.run(bring_up_to_date())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing there can be killed like this")
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_killed_in_the_middle_of_a_step(
    anyio_backend: Any, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        target = str(tmp_path / "old.sqlite")
    else:
        make: Callable[[], str] = request.getfixturevalue("new_database")
        target = make()
    lay_down(target)
    for place in (0, 3, 16, 19):
        command = [sys.executable, "-c", KILLED, target, str(place)]
        done = subprocess.run(command, check=False, timeout=60)  # noqa: ASYNC221 - nothing else runs meanwhile
        assert done.returncode == -signal.SIGKILL, place
        assert version_of(target) == 1
    async with await open_store(target) as store:
        assert version_of(target) == migrations()[-1].version
        assert (await rows(store))["recipients"] == 222
        await counted_anew(store)
