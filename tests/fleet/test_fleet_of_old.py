"""A fleet that exists goes on: its tables, as the first schema made them, are brought up to date and worked with."""

from __future__ import annotations

from importlib import import_module

import psycopg
import pytest

from ac_sms_async.fleet import enqueue, install, open_database
from ac_sms_async.fleet.accounts import find_accounts
from ac_sms_async.fleet.status import fleet_status
from tests.collect.test_stores_of_old import kept

pytestmark = pytest.mark.anyio


async def test_an_old_fleet_goes_on(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(kept("fleet.sql"))
    async with open_database(dsn) as database:
        steps = await install(database)
        assert "fleet/0001_first.sql" not in steps
        assert await install(database) == []
        assert [account.name for account in await find_accounts(database)] == ["acme", "globex"]
        # The jobs that waited wait still.
        assert (await enqueue(database)).under_way == ["acme", "globex"]
        assert (await database.rows("SELECT requests FROM sittings")) == [{"requests": 42}]
        assert await fleet_status(database) is not None


async def test_a_step_that_was_interrupted_leaves_nothing_behind(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(kept("fleet.sql"))
    async with open_database(dsn) as database:
        before = await database.rows("SELECT name FROM steps ORDER BY name")

        module = import_module("ac_sms_async.fleet.install")
        known = module._steps(new=False)

        def steps(*, new: bool) -> list[tuple[str, str]]:
            return [*known, ("fleet/9999_bad.sql", bad)]

        bad = "CREATE TABLE added (a BIGINT); SELECT pg_terminate_backend(pg_backend_pid())"
        monkeypatch.setattr(module, "_steps", steps)
        with pytest.raises(Exception, match="PostgreSQL"):
            await install(database)
    async with open_database(dsn) as database:
        assert await database.rows("SELECT name FROM steps ORDER BY name") == before
        assert await database.rows("SELECT 1 FROM pg_tables WHERE tablename = 'added'") == []
