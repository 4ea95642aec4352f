"""Accounts in the fleet's database, and the database itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from procrastinate.schema import SchemaManager

from ac_sms_async import ConfigurationError
from ac_sms_async.collect import Window
from ac_sms_async.fleet import (
    Database,
    FleetError,
    Plan,
    Vault,
    add_account,
    find_accounts,
    install,
    open_database,
    remove_account,
)
from ac_sms_async.fleet.accounts import next_time
from ac_sms_async.fleet.vault import KEY
from tests.collect.pooler import pooler

pytestmark = pytest.mark.anyio

URL = "https://acme.api-us1.com"


async def test_a_pooler_in_transaction_mode_is_refused(fleet_dsn: str) -> None:
    """Locks would guard nothing there."""
    async with pooler(fleet_dsn, "transaction") as between:
        with pytest.raises(FleetError, match="a pooler in transaction mode"):
            async with open_database(between):
                pass


async def test_an_account_is_kept_with_its_token_encrypted(database: Database, vault: Vault) -> None:
    plan = Plan(Window(), frozenset({"failures"}))
    added = await add_account(
        database,
        "acme",
        f"{URL}/api/3/",
        token=" s3cret\n",
        vault=vault,
        timezone="Europe/Berlin",
        plan=plan,
        priority=3,
        schedule="0 3 * * *",
    )
    assert await find_accounts(database) == [added]
    assert added.url == URL
    assert added.token(vault) == "s3cret"
    assert b"s3cret" not in (added.sealed or b"")
    assert "sealed" not in repr(added)
    [row] = await database.rows("SELECT next_at, accounts::text AS everything FROM accounts")
    assert row["next_at"].hour == 3
    assert "s3cret" not in row["everything"]


async def test_adding_it_again_changes_it(database: Database, vault: Vault, key: str) -> None:
    await add_account(database, "acme", URL, token="old", vault=vault)
    changed = await add_account(database, "acme", URL, token_env="ACME_TOKEN")
    assert await find_accounts(database, ["acme"]) == [changed]
    assert changed.token(None, {"ACME_TOKEN": "new"}) == "new"
    with pytest.raises(FleetError, match="ACME_TOKEN, which is not set here"):
        changed.token(None, {})


async def test_keys_come_from_the_environment_where_no_vault_is_given(
    database: Database, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, key)
    added = await add_account(database, "acme", URL, token="s3cret")
    assert added.token(None) == "s3cret"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": " "}, "needs a name"),
        ({"token": None}, "give the token"),
        ({"token_env": "X"}, "not both"),
        ({"schedule": "often"}, "not a cron schedule"),
        ({"url": "https://other.example", "name": "acme"}, None),
        ({"name": "other"}, "under another name"),
    ],
)
async def test_what_cannot_be_is_refused(
    database: Database, vault: Vault, change: dict[str, Any], problem: str | None
) -> None:
    await add_account(database, "acme", URL, token="s3cret", vault=vault)
    entry: dict[str, Any] = {"name": "acme", "url": URL, "token": "s3cret", "vault": vault, **change}
    if problem is None:
        await add_account(database, **entry)
    else:
        with pytest.raises(FleetError, match=problem):
            await add_account(database, **entry)


@pytest.mark.parametrize(
    "change", [{"url": "acme"}, {"token": "white space"}, {"timezone": "Mars/Olympus"}], ids=lambda change: str(change)
)
async def test_so_is_what_no_client_would_take(database: Database, vault: Vault, change: dict[str, Any]) -> None:
    entry: dict[str, Any] = {"name": "acme", "url": URL, "token": "s3cret", "vault": vault, **change}
    with pytest.raises(ConfigurationError):
        await add_account(database, **entry)


async def test_an_account_can_be_removed_once(database: Database, vault: Vault) -> None:
    await add_account(database, "acme", URL, token="s3cret", vault=vault)
    await remove_account(database, "acme")
    assert await find_accounts(database) == []
    for wrong in (remove_account(database, "acme"), find_accounts(database, ["acme"])):
        with pytest.raises(FleetError, match="there is no account 'acme'"):
            await wrong


def test_schedules_are_in_utc() -> None:
    assert next_time("30 3 * * 1", datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2026, 1, 5, 3, 30, tzinfo=UTC)


async def test_a_database_without_a_fleet_says_what_to_do(dsn: str) -> None:
    async with open_database(dsn) as database:
        for wrong in (find_accounts(database), add_account(database, "acme", URL, token_env="T")):
            with pytest.raises(FleetError, match="ac-sms fleet init"):
                await wrong


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"cannot connect to PostgreSQL: connection .*No such file") as caught:
        async with open_database(f"postgresql://user:s3cret@/db?host={tmp_path}"):
            pass
    assert "s3cret" not in str(caught.value)


async def test_a_broken_dsn_is_not_repeated() -> None:
    with pytest.raises(FleetError, match="must be given as") as caught:
        async with open_database("user=me password:s3cret"):
            pass
    assert "s3cret" not in str(caught.value)


async def test_what_a_dsn_says_is_not_overruled() -> None:
    assert "connect_timeout=7" in Database("postgresql://host/db?connect_timeout=7").dsn


async def test_what_waits_for_the_database_can_be_broken_off(database: Database) -> None:
    async def wait() -> None:
        with pytest.raises(FleetError, match="PostgreSQL: "):
            await database.rows("SELECT pg_sleep(60)")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.sleep(0.2)
            database.abort()


async def test_the_schema_is_made_once_and_brought_up_to_date(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_database(dsn) as database:
        assert (await install(database))[0] == "procrastinate"
        assert await install(database) == []
        # A newer Procrastinate brings another migration.
        (tmp_path / "99.00.00_01_pre_more.sql").write_text("CREATE TABLE procrastinate_more (percent TEXT); -- 100 %")
        monkeypatch.setattr(SchemaManager, "get_migrations_path", lambda: str(tmp_path))
        assert await install(database) == ["procrastinate/99.00.00_01_pre_more.sql"]
        assert await database.rows("SELECT * FROM procrastinate_more") == []
