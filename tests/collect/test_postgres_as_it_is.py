"""A PostgreSQL as people have it: settings of roles and databases, few rights, poolers, time-outs, sudden ends."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ac_sms_async.collect import Statement, Store, StoreError, Window, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.patience import TO_FINISH
from ac_sms_async.collect.store.migrate import Migration, migrations
from ac_sms_async.collect.store.postgres import PostgresStore
from ac_sms_async.collect.store.postgres_words import query
from tests.collect.fakes import EVERYTHING, FakeSource, MemoryStore, contents
from tests.collect.pooler import pooler

pytestmark = pytest.mark.anyio

AT = "2026-03-01T12:00:00Z"
INSERT = "INSERT INTO accounts (account, url, first_seen_at) VALUES (?, ?, ?)"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def dsn(new_database: Callable[[], str]) -> str:
    return new_database()


def execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def end_connections(dsn: str) -> None:
    """As a restart does, and a fail-over."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}".encode())


async def drain(store: Store, text: str) -> None:
    async with store.stream(text) as chunks:
        async for _ in chunks:
            pass


def name_of(dsn: str) -> str:
    return str(conninfo_to_dict(dsn)["dbname"])


async def collected(store: Store) -> dict[str, Any]:
    source = FakeSource(ids=list(range(1, 9)), latency=0.0, pace=0.0)
    source.statuses[8] = "größer 🎉"
    result = await collect_source(source, store, Window(), EVERYTHING)
    assert result.status == "complete"
    return await contents(store)


@pytest.mark.parametrize(
    "setting",
    [
        "DateStyle TO 'SQL, DMY'",
        "DateStyle TO 'German'",
        "DateStyle TO 'Postgres, MDY'",
        "TimeZone TO 'Asia/Kathmandu'",
        "TimeZone TO 'America/Chicago'",
        "client_encoding TO 'LATIN1'",
        "client_encoding TO 'SQL_ASCII'",
        "default_transaction_isolation TO 'serializable'",
        "extra_float_digits TO -10",
        "search_path TO nowhere",
        "standard_conforming_strings TO off",
        "IntervalStyle TO 'sql_standard'",
        "bytea_output TO 'escape'",
    ],
)
async def test_settings_of_the_database_change_nothing(dsn: str, setting: str) -> None:
    execute(dsn, f'ALTER DATABASE "{name_of(dsn)}" SET {setting}')
    async with await open_store(dsn) as store, MemoryStore() as memory:
        assert await collected(store) == await collected(memory)
        [(rate,)] = await store.read("SELECT delivery_rate FROM broadcast_rates WHERE broadcast_id = 1")
        assert [(rate,)] == await memory.read("SELECT delivery_rate FROM broadcast_rates WHERE broadcast_id = 1")
        edges = [("0001-01-01T00:00:00Z",), ("9999-12-31T23:59:59Z",)]
        await store.write(Statement("UPDATE accounts SET first_seen_at = ?", edges[:1]))
        assert await store.read("SELECT first_seen_at FROM accounts") == edges[:1]
        await store.write(Statement("UPDATE accounts SET first_seen_at = ?", edges[1:]))
        async with store.stream("SELECT first_seen_at FROM accounts") as chunks:
            assert [row async for chunk in chunks for row in chunk] == edges[1:]


async def test_an_encoding_of_the_environment_changes_nothing(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PGCLIENTENCODING", "LATIN1"), ("PGDATESTYLE", "German"), ("PGTZ", "Asia/Tokyo")):
        monkeypatch.setenv(name, value)
    async with await open_store(dsn) as store, MemoryStore() as memory:
        assert await collected(store) == await collected(memory)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_database_in_which_text_gets_lost_is_refused(dsn: str, encoding: str) -> None:
    name = f"{name_of(dsn)}_{encoding.lower()}"
    execute(dsn, f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        for read_only in (False, True):
            with pytest.raises(StoreError, match=f"encoding is {encoding}.*ENCODING 'UTF8'"):
                await open_store(other_dsn(dsn, name), read_only=read_only)
    finally:
        execute(dsn, f"DROP DATABASE {name} WITH (FORCE)")


def other_dsn(dsn: str, name: str, user: str | None = None) -> str:
    found = dsn.replace(f"/{name_of(dsn)}?", f"/{name}?")
    return found if user is None else found.replace("//postgres@", f"//{user}@")


@asynccontextmanager
async def role(dsn: str, *grants: str) -> AsyncGenerator[str, None]:
    """A role with no rights but these; gives its DSN."""
    name = f"{name_of(dsn)}_role"
    execute(dsn, f"CREATE ROLE {name} LOGIN", *(grant.format(role=name) for grant in grants))
    try:
        yield other_dsn(dsn, name_of(dsn), name)
    finally:
        execute(dsn, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


WRITER = (
    "GRANT USAGE ON SCHEMA ac_sms TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ac_sms TO {role}",
)
READER = ("GRANT USAGE ON SCHEMA ac_sms TO {role}", "GRANT SELECT ON ALL TABLES IN SCHEMA ac_sms TO {role}")


async def test_the_rights_that_are_documented_are_enough(dsn: str) -> None:
    page = Path(__file__).parents[2].joinpath("docs/how-to/operate.md").read_text("utf-8")
    for grant in (*WRITER, *READER):
        assert grant.replace("{role}", "sms_collector") in page or grant.replace("{role}", "sms_reader") in page
    execute(
        dsn,
        f'REVOKE ALL ON DATABASE "{name_of(dsn)}" FROM PUBLIC',
        f'GRANT CONNECT ON DATABASE "{name_of(dsn)}" TO PUBLIC',
    )
    async with await open_store(dsn):
        pass
    async with role(dsn, *WRITER) as writer, await open_store(writer) as store:
        everything = await collected(store)
    async with role(dsn, *READER) as reader:
        async with await open_store(reader, read_only=True) as store:
            assert await contents(store) == everything
        async with await open_store(reader) as store:
            with pytest.raises(StoreError, match=r"permission denied .*grant it what"):
                await store.write(Statement(INSERT, [("b", None, AT)]))
    async with role(dsn) as nobody:
        with pytest.raises(StoreError, match="permission denied"):
            await open_store(nobody, read_only=True)


async def test_opened_for_the_first_time_by_many_at_once(dsn: str) -> None:
    execute(dsn, f'ALTER DATABASE "{name_of(dsn)}" SET default_transaction_isolation TO serializable')
    stores: list[Store] = []

    async def opened() -> None:
        stores.append(await open_store(dsn))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(opened)
    for store in stores:
        await store.aclose()
    assert len(stores) == 10


async def test_an_idle_store_outlives_what_an_admin_set_for_idle_people(dsn: str) -> None:
    execute(
        dsn,
        f"ALTER DATABASE \"{name_of(dsn)}\" SET idle_session_timeout TO '200ms'",
        f"ALTER DATABASE \"{name_of(dsn)}\" SET idle_in_transaction_session_timeout TO '200ms'",
    )
    async with await open_store(dsn) as store:
        await store.write(Statement(INSERT, [(f"a{number}", None, AT) for number in range(3)]))
        async with store.stream("SELECT account FROM accounts", size=1) as chunks:
            seen = 0
            async for _ in chunks:
                seen += 1
                # The server's own clock runs here.
                await anyio.sleep(0.4)
        assert seen == 3
        assert await store.read("SELECT COUNT(*) FROM accounts") == [(3,)]


async def test_a_statement_that_may_not_take_so_long(dsn: str) -> None:
    async with await open_store(dsn) as store:
        await store.read("SELECT set_config('statement_timeout', '50ms', false)")
        with pytest.raises(StoreError, match=r"statement timeout .*statement_timeout of this role"):
            await store.read("SELECT 1 FROM pg_sleep(5)")
        assert await store.read("SELECT 1") == [(1,)]


async def test_a_standby_takes_no_writes(dsn: str) -> None:
    async with await open_store(dsn):
        pass
    execute(dsn, f'ALTER DATABASE "{name_of(dsn)}" SET default_transaction_read_only TO on')
    async with await open_store(dsn) as store:
        with pytest.raises(StoreError, match="is it a standby"):
            await store.write(Statement(INSERT, [("a", None, AT)]))


async def test_a_pooler_in_session_mode(dsn: str) -> None:
    async with pooler(dsn, "session") as between, await open_store(between) as store, MemoryStore() as memory:
        assert await collected(store) == await collected(memory)


async def test_a_pooler_in_transaction_mode_is_refused(dsn: str) -> None:
    async with pooler(dsn, "transaction") as between:
        for read_only in (False, True):
            with pytest.raises(StoreError, match="a pooler in transaction mode"):
                await open_store(between, read_only=read_only)
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT COUNT(*) FROM pg_tables WHERE tablename = 'runs'").fetchone()
        assert found == (0,)


async def test_a_pooler_without_a_connection_to_spare(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ac_sms_async.collect.store.postgres_connection._PROBE_SECONDS", 0.5)
    async with pooler(dsn, "session", most=1) as between:
        with pytest.raises(StoreError, match="no second connection to spare"):
            await open_store(between)


async def test_a_pooler_in_statement_mode_is_refused(dsn: str) -> None:
    async with pooler(dsn, "statement") as between:
        with pytest.raises(StoreError, match=r"allows no transactions.*not allowed in statement pooling mode"):
            await open_store(between)


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed")
@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
async def test_the_real_pgbouncer(dsn: str, mode: str, free_tcp_port: int) -> None:
    given = conninfo_to_dict(dsn)
    folder = str(given["host"])
    lines = (
        f"[databases]\n* = host={folder} port={given.get('port', 5432)} user=postgres",
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {free_tcp_port}\nauth_type = any",
        f"pool_mode = {mode}\nunix_socket_dir =\n",
    )
    with tempfile.NamedTemporaryFile("w", suffix=".ini", prefix="pgbouncer-") as config:
        config.write("\n".join(lines))
        config.flush()
        Path(config.name).chmod(0o644)
        # It won't run as root, and has to reach PostgreSQL's socket.
        owner = Path(folder).stat().st_uid
        other = ["setpriv", f"--reuid={owner}", "--clear-groups"] if os.getuid() != owner else []
        async with await anyio.open_process([*other, "pgbouncer", "-q", config.name], stderr=None) as process:
            try:
                await reached(free_tcp_port)
                await through(mode, f"postgresql://postgres@127.0.0.1:{free_tcp_port}/{given['dbname']}")
            finally:
                process.terminate()


async def reached(port: int) -> None:
    with anyio.fail_after(20):
        while True:
            with suppress(OSError):
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
                return
            await anyio.sleep(0.1)


async def through(mode: str, between: str) -> None:
    if mode == "session":
        async with await open_store(between) as store, MemoryStore() as memory:
            assert await collected(store) == await collected(memory)
        return
    said = "a pooler in transaction mode" if mode == "transaction" else "a pooler that allows no transactions"
    with pytest.raises(StoreError, match=said):
        await open_store(between)


async def test_a_store_that_does_not_answer_can_be_left(dsn: str) -> None:
    """The server's process is stopped: nothing that is asked of it is ever answered."""
    async with await open_store(dsn) as store:
        [(pid,)] = await store.read("SELECT pg_backend_pid()")
        os.kill(int(str(pid)), signal.SIGSTOP)
        try:
            began = time.monotonic()
            with anyio.move_on_after(0.2) as scope:
                await store.write(Statement(INSERT, [("a", None, AT)]))
            assert scope.cancelled_caught
            assert time.monotonic() - began < TO_FINISH + 2
            # By another connection, since no account was held by that one.
            assert await store.read("SELECT 1") == [(1,)]
        finally:
            os.kill(int(str(pid)), signal.SIGCONT)


async def test_a_run_into_a_store_that_does_not_answer_can_be_cancelled(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with await open_store(dsn) as store:
        [(pid,)] = await store.read("SELECT pg_backend_pid()")

        async def stop() -> None:
            os.kill(int(str(pid)), signal.SIGSTOP)
            scope.cancel()

        source = FakeSource(latency=0.0, pace=0.0, before={("metrics", *range(1, 24)): stop})
        try:
            with anyio.CancelScope() as scope:
                await collect_source(source, store, Window(), EVERYTHING)
            assert scope.cancelled_caught
        finally:
            os.kill(int(str(pid)), signal.SIGCONT)
        assert "could not note that the run of acme was interrupted" in caplog.text
        # The same command, into the same store.
        assert (await collect_source(source, store, Window(), EVERYTHING)).status == "complete"


async def test_a_database_that_restarts_between_two_runs(dsn: str) -> None:
    async with await open_store(dsn) as store, MemoryStore() as memory:
        for _ in range(2):
            # A run begins with a question, and that may be asked again.
            assert await collected(store) == await collected(memory)
            end_connections(dsn)
        async with anyio.create_task_group() as group:
            # Of several who notice, one connects.
            for _ in range(3):
                group.start_soon(store.read, "SELECT 1")
        async with await open_store(dsn, read_only=True) as reader:
            end_connections(dsn)
            assert await reader.read("SELECT COUNT(*) FROM runs") == [(2,)]
            with pytest.raises(StoreError, match="read-only"):
                await reader.write(Statement(INSERT, [("b", None, AT)]))


async def test_a_database_that_ends_in_the_middle_of_a_migration(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Migration(99, "SELECT pg_terminate_backend(pg_backend_pid())")
    monkeypatch.setattr("ac_sms_async.collect.store.postgres.migrations", lambda: [*migrations(), ends])
    with pytest.raises(StoreError, match=r"cannot bring the store up to date.*within reach"):
        await open_store(dsn)
    monkeypatch.undo()
    async with open_store(dsn) as store, MemoryStore() as memory:
        assert await collected(store) == await collected(memory)


async def test_a_setting_that_the_database_refuses_is_told(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"TimeZone": "Middle-earth"}
    monkeypatch.setattr("ac_sms_async.collect.store.postgres_connection._SETTINGS", settings)
    with pytest.raises(StoreError, match="cannot open the store in PostgreSQL: invalid value"):
        await open_store(dsn)


async def test_a_dsn_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(StoreError, match="this can't be read") as caught:
        await PostgresStore.open("postgresql://reports:s3cret@[db/sms")
    assert "s3cret" not in str(caught.value)


async def test_a_database_that_restarts_while_an_account_is_held(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    async with await open_store(dsn) as store:
        async with store.exclusive("acme"):
            # As by the end of a run, which has said all it had to say.
            end_connections(dsn)
        assert "could not unlock acme" in caplog.text
        async with await open_store(dsn) as other, other.exclusive("acme"):
            with pytest.raises(StoreError, match="another process is collecting"):
                async with store.exclusive("acme"):
                    pass
        async with store.exclusive("acme"):
            end_connections(dsn)
            for _ in range(2):
                with pytest.raises(StoreError, match="run the same again"):
                    await store.read("SELECT 1")


async def test_a_backend_that_dies_leaves_no_line_on_stderr(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    async with await open_store(dsn) as store:
        with pytest.raises(StoreError, match="run the same again"):
            await store.write(
                Statement(INSERT, [("a", None, AT)]),
                Statement("UPDATE accounts SET url = pg_terminate_backend(pg_backend_pid())::text"),
                Statement(INSERT, [("b", None, AT)]),
            )
    async with await open_store(dsn) as store:
        with pytest.raises(StoreError, match="run the same again"):
            await drain(store, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert await store.read("SELECT COUNT(*) FROM accounts") == [(0,)]
    assert caplog.records == []


def test_names_get_their_schema() -> None:
    def written(text: str) -> str:
        return query(text, 'a"b').decode()

    quoted = "SELECT '?', \"runs\", replies FROM "
    assert written(f"{quoted}runs r JOIN replies ON r.x IS DISTINCT FROM replies WHERE a = ?") == (
        f'{quoted}"a""b".runs r JOIN "a""b".replies ON r.x IS DISTINCT FROM replies WHERE a = %s'
    )
    assert written("INSERT INTO runs VALUES (?) ON CONFLICT (x) DO UPDATE SET a = runs.a WHERE b LIKE '50%'") == (
        'INSERT INTO "a""b".runs VALUES (%s) ON CONFLICT (x) DO UPDATE SET a = runs.a WHERE b LIKE \'50%%\''
    )
    assert written("SELECT * FROM ac_sms.runs, other.runs") == "SELECT * FROM ac_sms.runs, other.runs"
    assert written("CREATE INDEX i ON runs (a)") == 'CREATE INDEX i ON "a""b".runs (a)'
    assert written("ALTER TABLE runs ADD COLUMN a BIGINT") == 'ALTER TABLE "a""b".runs ADD COLUMN a BIGINT'
    assert written("DROP TABLE IF EXISTS runs") == 'DROP TABLE IF EXISTS "a""b".runs'
    assert written("SELECT 1 FROM runs_of_mine") == "SELECT 1 FROM runs_of_mine"


async def test_every_statement_names_its_schema(dsn: str) -> None:
    """With another schema first in the way, and tables of the same names in it."""
    async with await open_store(dsn) as store:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'ac_sms'").fetchall():
                connection.execute(sql.SQL("CREATE TABLE {} (wrong TEXT)").format(sql.Identifier("public", name)))
        await store.read("SELECT set_config('search_path', 'public', false)")
        await collected(store)
