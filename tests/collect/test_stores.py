"""Both stores: transactions, values, streams, locks, migrations, and what they say when something is wrong."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import zlib
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from ac_sms_async.collect import Row, Statement, Store, StoreBusyError, StoreError, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.store.migrate import POSTGRESQL, SQLITE, Migration, migrations, outstanding
from ac_sms_async.collect.store.postgres import PostgresStore
from ac_sms_async.collect.store.schema import TABLES, VIEWS
from ac_sms_async.collect.store.sqlite import SQLiteStore
from ac_sms_async.collect.window import Window
from tests.collect.conftest import any_store
from tests.collect.fakes import EVERYTHING, FakeSource, MemoryStore, contents

pytestmark = pytest.mark.anyio

INSERT = "INSERT INTO accounts (account, url, first_seen_at) VALUES (?, ?, ?)"
AT = "2026-03-01T12:00:00Z"


async def accounts(store: Store) -> list[Row]:
    return await store.read("SELECT account, url FROM accounts ORDER BY account")


async def drain(store: Store, query: str) -> int:
    async with store.stream(query) as chunks:
        return sum([len(chunk) async for chunk in chunks])


@any_store
async def test_writes_all_or_nothing(target: str) -> None:
    async with await open_store(target) as store:
        await store.write(Statement(INSERT, [("a", None, AT)]), Statement(INSERT, [("b", "50% ?", AT)]))
        with pytest.raises(StoreError):
            await store.write(Statement(INSERT, [("c", "u", AT)]), Statement(INSERT, [("a", "twice", AT)]))
        assert await accounts(store) == [("a", None), ("b", "50% ?")]
        # More than is sent at once, so that the database has begun with it long before it meets what is wrong.
        long = [(f"c{number}", "u" * 10_000, AT) for number in range(300)]
        with pytest.raises(StoreError):
            await store.write(Statement(INSERT, long), Statement(INSERT, [("a", "twice", AT)]), Statement(INSERT, long))
        assert await accounts(store) == [("a", None), ("b", "50% ?")]
        with pytest.raises(StoreError):
            await store.read("SELECT nonsense FROM accounts")
        assert await store.read("SELECT account FROM accounts WHERE url LIKE '50%' AND account = ?", ("b",)) == [("b",)]


@any_store
async def test_keeps_values_as_they_are(target: str) -> None:
    columns = "account, broadcast_id, name, shorten_track_links_enabled, list_ids, extra, sent_date"
    row: Row = ("a", 2**62, "Zoë 🎉 'x' ; --", True, "[1,2]", '{"a":null,"b":[1.5,"ü"]}', "2026-01-31T23:30:00Z")
    async with await open_store(target) as store:
        insert = f"INSERT INTO broadcasts ({columns}, first_collected_at, collected_at, run_id) VALUES "
        await store.write(Statement(f"{insert} (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [(*row, AT, AT, "r")]))
        await store.write(
            Statement("INSERT INTO metrics VALUES ('a', ?, 4, 2, 2, 1, 0, NULL, ?, ?, 'r')", [(2**62, AT, AT)])
        )
        assert await store.read(f"SELECT {columns} FROM broadcasts") == [row]
        assert await store.read("SELECT month, sends, delivery_rate, click_rate, opt_out_rate FROM monthly_rates") == [
            ("2026-01", 4, 0.5, 0.5, None)
        ]
        [(total, rate)] = await store.read("SELECT sends, failure_rate FROM account_rates")
        assert (type(total), type(rate)) == (int, float)
        await store.write(
            Statement(
                "INSERT INTO snapshots (account, run_id, window_start, collected_at) VALUES ('a', 'r', ?, ?)",
                [("2026-01-01", AT)],
            )
        )
        assert await store.read("SELECT window_start, collected_at FROM snapshots") == [("2026-01-01", AT)]


@any_store
async def test_streams_in_pieces(target: str) -> None:
    async with await open_store(target) as store:
        await store.write(Statement(INSERT, [(f"a{i:03}", None, AT) for i in range(250)]))
        pieces: list[list[Row]] = []
        query = "SELECT account FROM accounts WHERE account >= ? ORDER BY account"
        async with store.stream(query, ("a010",), size=100) as chunks:
            async for chunk in chunks:
                # What is written meanwhile does not show.
                await store.write(Statement(INSERT, [(f"b{len(pieces)}", None, AT)]))
                pieces.append(chunk)
        assert [len(piece) for piece in pieces] == [100, 100, 40]
        assert pieces[0][0] == ("a010",)
        async with store.stream("SELECT account FROM accounts", size=1) as chunks:
            async for _ in chunks:
                break
        with pytest.raises(StoreError):
            await drain(store, "SELECT nonsense FROM accounts")
        assert len(await accounts(store)) == 253


@any_store
async def test_an_account_is_held_by_one(target: str) -> None:
    async with await open_store(target) as one, await open_store(target) as other:
        async with one.exclusive("acme"):
            with pytest.raises(StoreBusyError, match="another process is collecting the account 'acme'"):
                async with other.exclusive("acme"):
                    pass
            async with other.exclusive("globex"):
                pass
        async with other.exclusive("acme"):
            pass


@any_store
async def test_opens_again_and_from_several_places_at_once(target: str) -> None:
    stores: list[Store] = []

    async def open_one() -> None:
        stores.append(await open_store(target))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(open_one)
    await stores[0].write(Statement(INSERT, [("a", None, AT)]))
    assert await accounts(stores[2]) == [("a", None)]
    for store in stores:
        await store.aclose()
        await store.aclose()
        with pytest.raises(StoreError):
            await accounts(store)
    async with await open_store(target) as store:
        assert await accounts(store) == [("a", None)]
        versions = [(migration.version,) for migration in migrations()]
        assert await store.read("SELECT version FROM schema_version ORDER BY version") == versions


@pytest.mark.parametrize("ends", [True, False])
async def test_sqlite_is_opened_while_somebody_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    place = tmp_path / "metrics.sqlite"
    with contextlib.closing(sqlite3.connect(place, isolation_level=None, check_same_thread=False)) as reader:
        reader.execute("CREATE TABLE notes (a)")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchall()
        moments = chain([0.0, 1.0], repeat(0.0))

        def monotonic() -> float:
            moment = next(moments)
            if ends and moment:
                reader.execute("COMMIT")
                return 0.0
            return moment

        monkeypatch.setattr("ac_sms_async.collect.store.sqlite_file.time", SimpleNamespace(monotonic=monotonic))
        monkeypatch.setattr("ac_sms_async.collect.store.sqlite_file._BUSY_SECONDS", 0.0)
        if ends:
            async with await open_store(place) as store:
                assert await accounts(store) == []
        else:
            with pytest.raises(StoreError, match="database is locked"):
                await open_store(place)


@any_store
async def test_has_the_tables_and_views_that_are_documented(target: str) -> None:
    async with await open_store(target) as store:
        for entry in (*TABLES, *VIEWS):
            await store.read(f"SELECT {', '.join(entry.names)} FROM {entry.name}")
            expected = len(migrations()) if entry.name == "schema_version" else 0
            assert await drain(store, f"SELECT * FROM {entry.name}") == expected


@any_store
async def test_refuses_a_store_of_a_newer_release(target: str) -> None:
    async with await open_store(target) as store:
        await store.write(Statement("INSERT INTO schema_version VALUES (?, ?)", [(99, AT)]))
    with pytest.raises(StoreError, match="schema version 99"):
        await open_store(target)


@any_store
async def test_a_migration_that_fails_leaves_nothing_behind(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await open_store(target):
        pass
    newer = Migration(99, "CREATE TABLE added (a BIGINT); CREATE TABLE added (a BIGINT)")
    for module in ("sqlite_file", "postgres"):
        monkeypatch.setattr(f"ac_sms_async.collect.store.{module}.migrations", lambda: [*migrations(), newer])
    with pytest.raises(StoreError, match="cannot bring the store"):
        await open_store(target)
    monkeypatch.undo()
    async with await open_store(target) as store:
        with pytest.raises(StoreError):
            await store.read("SELECT * FROM added")


@any_store
async def test_collects_the_same_rows(target: str) -> None:
    async with await open_store(target) as store, MemoryStore() as memory:
        for one in (store, memory):
            source = FakeSource(latency=0.0, pace=0.0)
            result = await collect_source(source, one, Window(), EVERYTHING)
            assert result.status == "complete"
        assert await contents(store) == await contents(memory)
        since = Window.since_last()
        again = await collect_source(FakeSource(latency=0.0, pace=0.0), store, since, EVERYTHING)
        assert again.status == "complete"
        assert await store.read("SELECT COUNT(*) FROM checkpoints") == [(0,)]


def test_outstanding_migrations() -> None:
    known = [Migration(1, "a"), Migration(2, "b")]
    assert outstanding(None, known) == known
    assert outstanding(1, known) == known[1:]
    assert outstanding(2, known) == []
    step = Migration(
        1, "-- why\nSELECT UTC_MONTH(x);\n\n ON SQLITE SELECT 2;\nON POSTGRESQL SELECT 3; REPLACE VIEW v AS SELECT 4"
    )
    assert step.statements(SQLITE) == [
        "SELECT substr(x, 1, 7)",
        "SELECT 2",
        "DROP VIEW IF EXISTS v",
        "CREATE VIEW v AS SELECT 4",
    ]
    assert step.statements(POSTGRESQL) == [
        "SELECT to_char(x AT TIME ZONE 'UTC', 'YYYY-MM')",
        "SELECT 3",
        "CREATE OR REPLACE VIEW v AS SELECT 4",
    ]


async def test_sqlite_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with await SQLiteStore.open(tmp_path / "metrics.sqlite") as store:
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
        # Readers don't wait for writers.
        with sqlite3.connect(store.path) as reader:
            assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        reader.close()


async def test_sqlite_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store at"):
        await open_store(tmp_path / "none.sqlite", create=False)
    assert not (tmp_path / "none.sqlite").exists()
    with pytest.raises(StoreError, match="cannot open the store"):
        await open_store(tmp_path / "no" / "folder.sqlite")
    text = tmp_path / "text.sqlite"
    text.write_text("this is no database, but long enough to look at" * 100)
    with pytest.raises(StoreError, match="not a database"):
        await open_store(text)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE runs (a)")
    connection.close()
    with pytest.raises(StoreError, match="cannot bring the store"):
        await open_store(other, create=False)


async def test_sqlite_lock_needs_a_place(tmp_path: Path) -> None:
    async with await SQLiteStore.open(tmp_path / "metrics.sqlite") as store:
        (tmp_path / f"metrics.sqlite-lock-{zlib.crc32(b'acme'):08x}").mkdir()
        with pytest.raises(StoreError, match="cannot use the lock"):
            async with store.exclusive("acme"):
                pass


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_postgres_keeps_passwords_to_itself(anyio_backend: Any) -> None:
    with pytest.raises(StoreError, match=r"cannot connect to PostgreSQL: .*Connection refused") as caught:
        await open_store("postgresql://me:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_postgres_is_for_asyncio(anyio_backend: Any) -> None:
    with pytest.raises(StoreError, match="asyncio only"):
        await open_store("postgresql://127.0.0.1:1/none")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_postgres_in_a_schema_of_its_own(anyio_backend: Any, new_database: Callable[[], str]) -> None:
    dsn = new_database()
    async with await PostgresStore.open(dsn, schema="one") as one, await PostgresStore.open(dsn, schema="two") as two:
        await one.write(Statement(INSERT, [("a", None, AT)]))
        assert await accounts(two) == []
        async with one.exclusive("acme"), two.exclusive("acme"):
            pass


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_postgres_that_goes_away(anyio_backend: Any, new_database: Callable[[], str]) -> None:
    async with await open_store(new_database()) as store:
        with pytest.raises(StoreError, match="PostgreSQL"):
            async with store.exclusive("acme"):
                await store.read("SELECT pg_terminate_backend(pg_backend_pid())")
        # Nobody is held any more, so another connection will do.
        await store.write(Statement(INSERT, [("a", None, AT)]))
        async with store.exclusive("acme"):
            assert await store.read("SELECT COUNT(*) FROM accounts") == [(1,)]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_postgres_needs_its_extra(anyio_backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ac_sms_async.collect.store.postgres", None)
    with pytest.raises(StoreError, match=r"ac-sms-async\[postgres\]"):
        await open_store("postgresql://127.0.0.1/none")
