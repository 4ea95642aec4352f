"""Looking after a store: checking it, reading it without writing, copying it, putting two names of one URL together."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from ac_sms_async import ServerError
from ac_sms_async.collect import Statement, Store, StoreError, Window, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.store import sqlite_file
from ac_sms_async.collect.store.backup import back_up, refuse_store_file
from ac_sms_async.collect.store.check import check
from ac_sms_async.collect.store.names import rename
from ac_sms_async.collect.store.schema import TABLES, table
from ac_sms_async.errors import ConfigurationError
from tests.collect.conftest import any_store
from tests.collect.fakes import EVERYTHING, FakeSource, MemoryStore
from tests.collect.test_stores_of_old import lay_down

pytestmark = pytest.mark.anyio

FIRST = datetime(2026, 3, 1, 6, tzinfo=UTC)
URL = "https://acme.api-us1.com"


async def collected(store: Store, account: str, *, when: datetime = FIRST, url: str = URL, **given: Any) -> FakeSource:
    source = FakeSource(account=account, url=url, latency=0.0, pace=0.0, **given)
    await collect_source(source, store, Window(), EVERYTHING, now=lambda: when)
    return source


async def under_two_names(store: Store, old: str, new: str) -> None:
    """As it was before one URL had one name: `old` is behind, but has what `new` hasn't."""
    later = FIRST + timedelta(days=1)
    await collected(store, old, url="https://old.example", ids=list(range(1, 9)))
    await collected(store, new, when=later, ids=list(range(5, 13)), clicks=dict.fromkeys(range(1, 13), 7))
    await store.write(Statement("UPDATE accounts SET url = ?", [(URL,)]))


@any_store
async def test_one_url_has_one_name(target: str) -> None:
    async with await open_store(target) as store:
        await collected(store, "acme")
        with pytest.raises(ConfigurationError, match=r"under the name 'acme'.*ac-sms store rename acme other"):
            await collected(store, "other", url=f"{URL.upper()}/")
        with pytest.raises(ConfigurationError, match=rf"'acme' is {URL}.*--url https://moved.example"):
            await collected(store, "acme", url="https://moved.example")
        assert await store.read("SELECT account, url FROM accounts") == [("acme", URL)]
        # Who sees to it elsewhere, as a fleet does, may know better where an account is.
        source = FakeSource(account="acme", url="https://moved.example", latency=0.0, pace=0.0)
        result = await collect_source(source, store, Window(), frozenset(), exclusive=False)
        assert result.status == "complete"
        assert await store.read("SELECT account, url FROM accounts") == [("acme", "https://moved.example")]


@any_store
async def test_two_names_are_put_together(target: str) -> None:
    async with await open_store(target) as store:
        await under_two_names(store, "old", "acme")
        assert [finding.kind for finding in await check(store)] == ["names"]
        counts = {name: (await store.read(f"SELECT COUNT(*) FROM {name}"))[0][0] for name in ("runs", "credits")}
        assert await rename(store, "old", "acme") is True
        assert await check(store) == []
        assert await store.read("SELECT account, url, first_seen_at FROM accounts") == [
            ("acme", URL, "2026-03-02T06:00:00Z")
        ]
        # What both had is as the later one saw it; what one alone had is there.
        assert await store.read("SELECT broadcast_id, clicks FROM metrics ORDER BY broadcast_id") == [
            (number, 1 if number < 5 else 7) for number in range(1, 13)
        ]
        for name, count in counts.items():
            assert await store.read(f"SELECT COUNT(*) FROM {name} WHERE account = 'acme'") == [(count,)]
        # As if they had been collected under one name from the beginning.
        whole = FakeSource(ids=list(range(1, 13)))
        people = sum(whole.size(number) for number in whole.ids)
        assert await store.read("SELECT COUNT(*) FROM recipients") == [(people,)]
        replies = sum(whole.size(number) // 2 + whole.size(number) % 2 for number in whole.ids)
        assert await store.read("SELECT COUNT(*) FROM replies") == [(replies,)]
        assert await store.read("SELECT COUNT(DISTINCT broadcast_id) FROM failure_groups") == [(7,)]
        await collected(store, "acme", when=FIRST + timedelta(days=2), ids=list(range(1, 13)))
        assert await store.read("SELECT COUNT(*) FROM metrics WHERE clicks <> 1") == [(0,)]


@any_store
async def test_the_older_name_may_be_the_one_that_stays(target: str) -> None:
    async with await open_store(target) as store:
        await under_two_names(store, "old", "acme")
        assert await rename(store, "acme", "old") is True
        assert await store.read("SELECT broadcast_id, clicks FROM metrics ORDER BY broadcast_id") == [
            (number, 1 if number < 5 else 7) for number in range(1, 13)
        ]
        assert await store.read("SELECT DISTINCT account FROM replies") == [("old",)]


@any_store
async def test_a_new_name_and_a_new_url(target: str) -> None:
    async with await open_store(target) as store:
        await collected(store, "acme")
        assert await rename(store, "acme", "Acme Inc.") is False
        await collected(store, "Acme Inc.", when=FIRST + timedelta(days=1))
        assert await rename(store, "Acme Inc.", "Acme Inc.", url="https://moved.example") is False
        await collected(store, "Acme Inc.", when=FIRST + timedelta(days=2), url="https://moved.example")
        await collected(store, "globex", url="https://globex.example")
        with pytest.raises(StoreError, match=r"no account 'acme'; it has Acme Inc., globex"):
            await rename(store, "acme", "b")
        with pytest.raises(StoreError, match=r"'globex' is another account, https://globex.example"):
            await rename(store, "Acme Inc.", "globex")
        with pytest.raises(StoreError, match="under the name 'globex'"):
            await rename(store, "Acme Inc.", "Acme Inc.", url="https://globex.example")


async def test_no_table_is_forgotten_when_a_name_changes() -> None:
    touched = ""

    class Recorder(MemoryStore):
        async def write(self, *statements: Statement, durable: bool = False) -> None:
            nonlocal touched
            touched = " ".join(statement.sql for statement in statements)
            await super().write(*statements)

    async with Recorder() as store:
        insert = "INSERT INTO accounts (account, url, first_seen_at) VALUES (?, ?, '2026-03-01T06:00:00Z')"
        await store.write(Statement(insert, [("a", URL), ("b", URL)]))
        await rename(store, "a", "b")
    named = {entry.name for entry in TABLES if "account" in entry.names}
    for name in named - {"accounts"}:
        assert f"UPDATE {name} SET account = ?" in touched, name
    # Where two rows could have one key, the older one goes first.
    for name in named - {"accounts"}:
        key = table(name).key
        assert "run_id" in key or f"DELETE FROM {name} WHERE" in touched, name


@any_store
async def test_check_tells_what_is_wrong(target: str) -> None:
    async with await open_store(target) as store:
        assert await check(store) == []
        source = FakeSource(latency=0.0, pace=0.0)
        source.errors["failures", 4] = ServerError("no", status=500)
        await collect_source(source, store, Window(), EVERYTHING, now=lambda: FIRST)
        await collected(store, "ahead", url="https://ahead.example", when=datetime(2036, 1, 1, tzinfo=UTC), ids=[1, 2])
        await store.write(Statement("UPDATE runs SET status = 'running' WHERE account = 'ahead'"))
        found = await check(store)
        kinds = {finding.kind for finding in found}
        assert kinds == {"future", "owed", "unfinished"}
        assert {finding.account for finding in found if finding.kind == "future"} == {"ahead"}
        [owed] = [finding.message for finding in found if finding.kind == "owed"]
        assert owed.startswith("1 times failures is owed, since 2026-03-01T06:00:00Z")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_check_of_a_file(anyio_backend: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    async with await open_store(path) as store:
        await collected(store, "acme")
        await store.write(Statement("UPDATE broadcasts SET sent_date = '33-04-03T15:00:00Z' WHERE broadcast_id = 1"))
        [finding] = await check(store)
        assert finding.kind == "unreadable"
        await store.write(Statement("UPDATE broadcasts SET sent_date = NULL"))
    whole = bytearray(path.read_bytes())
    # An index that doesn't say what its table says.
    with closing(sqlite3.connect(path)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'recipients_by_phone'").fetchone()[0]
    for place in range(4096 * (page - 1) + 3000, 4096 * page):
        whole[place] = whole[place] ^ 1
    path.write_bytes(bytes(whole))
    async with await open_store(path, read_only=True) as store:
        assert {finding.kind for finding in await check(store)} == {"damaged"}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_check_of_a_file_of_which_tables_are_lost(anyio_backend: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    async with await open_store(path) as store:
        await collected(store, "acme")
        await store.write(Statement("UPDATE broadcasts SET sent_date = '33-04-03T15:00:00Z' WHERE broadcast_id = 1"))
    whole = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        pages = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name IN ('replies', 'failed_ids')"
        ).fetchall()
    for (page,) in pages:
        whole[4096 * (page - 1) : 4096 * page] = bytes(4096)
    path.write_bytes(bytes(whole))
    async with await open_store(path, read_only=True) as store:
        found = await check(store)
    said = [finding.message for finding in found if finding.kind == "damaged"]
    assert said.count("the file is damaged: database disk image is malformed. Restore a backup") == 1
    # What isn't damaged is told as well.
    assert [finding.kind for finding in found if finding.kind != "damaged"] == ["unreadable"]


async def test_check_of_what_cannot_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await open_store(tmp_path / "m.sqlite") as store:

        async def read(*_: Any) -> NoReturn:
            raise StoreError("gone")

        monkeypatch.setattr(store, "read", read)
        with pytest.raises(StoreError, match="gone"):
            await check(store)


@any_store
async def test_reading_changes_nothing(target: str) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        await open_store(target, read_only=True)
    with pytest.raises(StoreError, match="there is no store"):
        await open_store(target, create=False)
    lay_down(target)
    with pytest.raises(StoreError, match=r"schema version 1, .* ac-sms store migrate --db"):
        await open_store(target, read_only=True)
    async with await open_store(target, create=False):
        pass
    async with await open_store(target, read_only=True) as store:
        async with store.stream("SELECT * FROM broadcast_rates") as chunks:
            assert sum([len(chunk) async for chunk in chunks]) == 36
        with pytest.raises(StoreError, match=r"read.?only"):
            await store.write(Statement("UPDATE accounts SET url = NULL"))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_copy(anyio_backend: Any, tmp_path: Path) -> None:
    async with await open_store(tmp_path / "m.sqlite") as store:
        await collected(store, "acme")
        # Not in the file itself yet.
        assert (tmp_path / "m.sqlite-wal").stat().st_size
        size = await back_up(store, tmp_path / "copy.sqlite")
        await back_up(store, tmp_path / "copy.sqlite")
        assert sorted(path.name for path in tmp_path.glob("*copy*")) == ["copy.sqlite"]
        assert (tmp_path / "copy.sqlite").stat().st_size == size
        assert stat.S_IMODE((tmp_path / "copy.sqlite").stat().st_mode) == 0o600
        (tmp_path / "link.sqlite").symlink_to(tmp_path / "m.sqlite")
        (tmp_path / "hard.sqlite").hardlink_to(tmp_path / "m.sqlite")
        for name in (
            "m.sqlite",
            "link.sqlite",
            "hard.sqlite",
            "m.sqlite-wal",
            "m.sqlite-shm",
            "m.sqlite-lock-00000000",
        ):
            with pytest.raises(StoreError, match="is the store itself, or belongs to it"):
                await back_up(store, tmp_path / name)
        refuse_store_file(store, tmp_path / "m.sqlite.csv")
        with pytest.raises(StoreError, match="cannot write"):
            await back_up(store, tmp_path / "no" / "folder.sqlite")
        everything = await store.read("SELECT * FROM recipients ORDER BY 1, 2, 3")
    async with await open_store(tmp_path / "copy.sqlite", read_only=True) as copy:
        assert await copy.read("SELECT * FROM recipients ORDER BY 1, 2, 3") == everything


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("first", "said"), [(4096, "is damaged: .*ac-sms store check"), (0, "cannot back up .*no store")]
)
async def test_no_copy_is_made_of_what_is_damaged(anyio_backend: Any, tmp_path: Path, first: int, said: str) -> None:
    path = tmp_path / "m.sqlite"
    async with open_store(path) as store:
        await collected(store, "acme")
    whole = path.read_bytes()
    async with open_store(path, read_only=True) as store:
        path.write_bytes(whole[:first] + bytes(range(256)) * 16 + whole[first + 4096 :])
        with pytest.raises(StoreError, match=said):
            await back_up(store, tmp_path / "copy.sqlite")
    assert list(tmp_path.glob("*copy*")) == []


def test_a_store_that_somebody_has_for_himself_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_BUSY_SECONDS", 0.1)
    path = tmp_path / "m.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE notes (a)")
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite_file.connect_to_read(path)
    with closing(sqlite_file.connect(path)):
        pass
    # SQLite follows no link there.
    (tmp_path / "m.sqlite-shm").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="SQLite keeps two files beside it"):
        sqlite_file.connect_to_read(path)


def test_a_transaction_that_sqlite_itself_has_taken_back(tmp_path: Path) -> None:
    with closing(sqlite_file.connect(tmp_path / "m.sqlite")) as connection:
        connection.execute("CREATE TABLE notes (a UNIQUE)")
        connection.execute("INSERT INTO notes VALUES (1)")
        with pytest.raises(sqlite3.IntegrityError), sqlite_file.transaction(connection):
            # As it does for itself where the disk is full.
            connection.execute("INSERT OR ROLLBACK INTO notes VALUES (1)")
        assert not connection.in_transaction


def test_a_transaction_waits_for_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        closing(sqlite_file.connect(tmp_path / "m.sqlite")) as first,
        closing(sqlite_file.connect(tmp_path / "m.sqlite")) as second,
    ):
        first.execute("BEGIN IMMEDIATE")
        looks = iter([0.0, 0.0, 1e9])
        monkeypatch.setattr(sqlite_file, "time", SimpleNamespace(monotonic=lambda: next(looks)))
        with pytest.raises(sqlite3.OperationalError, match="locked"), sqlite_file.transaction(second):
            pass


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_files_that_are_no_store_are_not_read(anyio_backend: Any, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no database, but long enough to look at" * 100)
    with pytest.raises(StoreError, match=r"cannot read the store .*this is no store|not a database"):
        await open_store(tmp_path / "text", read_only=True)
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE notes (a)")
        connection.commit()
    with pytest.raises(StoreError, match="it has no schema_version"):
        await open_store(tmp_path / "other", read_only=True)
    with closing(sqlite3.connect(tmp_path / "odd")) as connection:
        connection.execute("CREATE TABLE schema_version (wrong)")
        connection.commit()
    with pytest.raises(StoreError, match="cannot read the store"):
        await open_store(tmp_path / "odd", read_only=True)


async def test_only_a_file_can_be_copied_or_written_over(tmp_path: Path) -> None:
    async with MemoryStore() as store:
        refuse_store_file(store, tmp_path / "anything")
        with pytest.raises(StoreError, match="pg_dump"):
            await back_up(store, tmp_path / "copy.sqlite")


async def test_an_account_whose_url_nobody_noted(tmp_path: Path) -> None:
    async with await open_store(tmp_path / "m.sqlite") as store:
        insert = "INSERT INTO accounts (account, url, first_seen_at) VALUES ('old', NULL, '2026-03-01T06:00:00Z')"
        await store.write(Statement(insert))
        await collected(store, "acme")
        assert await store.read("SELECT account, url FROM accounts ORDER BY account") == [("acme", URL), ("old", None)]
