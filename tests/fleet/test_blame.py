"""Whose fault it is: only what an account has answered uses up its attempts."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest
from procrastinate.jobs import Job

from ac_sms_async import ConfigurationError, PermissionDeniedError, ServerError
from ac_sms_async.collect import StoreBusyError, StoreError
from ac_sms_async.fleet import (
    Database,
    FleetError,
    Vault,
    Worker,
    add_account,
    enqueue,
    fleet_status,
    install,
    new_key,
    remove_account,
)
from ac_sms_async.fleet import job as job_module
from ac_sms_async.fleet.app import MAX_ATTEMPTS, Again, again, make_app
from ac_sms_async.fleet.errors import AccountMovedError, OutOfReachError
from ac_sms_async.fleet.fence import FencedJobManager
from ac_sms_async.fleet.job import Collector
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.prometheus import prometheus_text
from ac_sms_async.fleet.queue import COLLECT, QUEUE, SCHEDULE
from ac_sms_async.fleet.stores import Stores
from ac_sms_async.options import RateLimit

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "LIMIT", RateLimit(500, per=0.1, margin=0))


async def add(database: Database, *names: str, vault: Vault) -> None:
    for name in names:
        await add_account(database, name, f"https://{name}.api-us1.com", token="s3cret", vault=vault)


async def work(database: Database, dsn: str, vault: Vault | None) -> None:
    """Do what is in the queue now, once."""
    lease = Lease(30)
    async with Stores(dsn) as stores:
        app = make_app(Collector(database, stores, lease, vault), FencedJobManager(database, lease))
        await app.run_worker_async(wait=False, concurrency=1, install_signal_handlers=False, listen_notify=False)


async def jobs(database: Database) -> list[tuple[str, int]]:
    rows = await database.rows(
        "SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", (COLLECT,)
    )
    return [(row["status"], row["attempts"]) for row in rows]


def fails_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def collect(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(job_module, "collect_source", collect)


async def test_a_worker_with_a_wrong_key_fails_no_job(database: Database, fleet_dsn: str, vault: Vault) -> None:
    await add(database, "acme", "globex", vault=vault)
    await enqueue(database)
    for turn in (0, 1):
        # After a job that it can't do it rests: others may take the next one.
        await work(database, fleet_dsn, Vault(new_key()))
        assert await jobs(database) == [("todo", 1), ("todo", turn)]
    [acme, _] = (await fleet_status(database)).accounts
    assert (acme.state, acme.reason) == ("retrying", "WorkerUnfitError")


async def test_a_worker_with_a_wrong_key_does_not_start(database: Database, fleet_dsn: str, vault: Vault) -> None:
    await add(database, "acme", vault=vault)
    for wrong in (Vault(new_key()), None):
        with pytest.raises(FleetError, match="can open no account"):
            await Worker(dsn=fleet_dsn, vault=wrong, drain=True).run()
    await add_account(database, "globex", "https://globex.api-us1.com", token_env="PATH")
    with pytest.raises(FleetError, match="another key"):
        await Worker(dsn=fleet_dsn, vault=Vault(new_key()), drain=True).run()


async def test_what_a_worker_can_do_comes_before_what_it_cannot(
    database: Database, fleet_dsn: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tries one at a time of what it can't do, behind what it can; umbrella's store is away all the while."""
    await add(database, "acme", "globex", "initech", vault=Vault(new_key()))
    await add(database, "umbrella", vault=vault)
    await enqueue(database)
    fails_with(monkeypatch, StoreError("gone"))
    for _ in range(6):
        await work(database, fleet_dsn, vault)
        await database.rows("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    taken = [row["account"] for row in await database.rows("SELECT account FROM sittings ORDER BY id")]
    assert taken == ["acme", "globex", "initech", "umbrella", "acme", "umbrella", "globex", "umbrella", "initech"]


async def test_a_worker_that_drains_leaves_what_it_cannot_do_to_others(
    database: Database, fleet_dsn: str, vault: Vault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Those that it gives back come again while it rests, the next one's turn before the last one's is over."""
    monkeypatch.setattr("ac_sms_async.fleet.app._UNTIL_ANOTHER_TRIES", 0)
    monkeypatch.setattr("ac_sms_async.fleet.app._FOR_OTHERS", 0.1)
    monkeypatch.setattr("ac_sms_async.fleet.worker._BETWEEN_LOOKS", 0.01)
    fails_with(monkeypatch, ConfigurationError("gone"))
    await add(database, "acme", "globex", vault=Vault(new_key()))
    await add(database, "umbrella", vault=vault)
    await enqueue(database)
    with anyio.fail_after(60):
        await Worker(dsn=fleet_dsn, vault=vault, drain=True).run()
    assert [status for status, _ in await jobs(database)] == ["todo", "todo", "failed"]
    assert caplog.text.count("2 accounts are left to other workers, such as acme: ") == 2


async def test_another_worker_gets_what_this_one_cannot_do(database: Database, vault: Vault) -> None:
    now = 100.0
    lease = Lease(1000, clock=lambda: now)
    here, there = FencedJobManager(database, lease), FencedJobManager(database, Lease(30))
    workers = [await manager.register_worker() for manager in (here, there)]
    await add(database, "acme", "globex", vault=vault)
    await enqueue(database)
    here.rest(3)
    assert await here.fetch_job([QUEUE], workers[0]) is None
    taken = await there.fetch_job([QUEUE], workers[1])
    assert taken is not None
    assert taken.task_kwargs["account"] == "acme"
    now += 3
    taken = await here.fetch_job([QUEUE], workers[0])
    assert taken is not None
    assert taken.task_kwargs["account"] == "globex"


async def test_a_worker_that_lacks_a_variable_says_so(
    database: Database, fleet_dsn: str, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    await add(database, "acme", vault=vault)
    await add_account(database, "globex", "https://globex.api-us1.com", token_env="NOT_SET_ANYWHERE")
    with anyio.CancelScope() as scope:
        await Worker(dsn=fleet_dsn, vault=vault).run(ready=scope.cancel)
    assert "1 accounts are left to other workers, such as globex" in caplog.text


@pytest.mark.parametrize("error", [StoreBusyError("held"), StoreError("gone"), OutOfReachError("gone")])
async def test_what_is_not_the_accounts_fault_uses_up_no_attempt(
    database: Database, fleet_dsn: str, vault: Vault, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(database, "acme", vault=vault)
    await enqueue(database)
    fails_with(monkeypatch, error)
    for turn in range(MAX_ATTEMPTS + 2):
        await work(database, fleet_dsn, vault)
        assert await jobs(database) == [("todo", turn + 1)]
        await database.rows("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    fails_with(monkeypatch, ServerError("503", status=503))
    for _ in range(MAX_ATTEMPTS):
        await work(database, fleet_dsn, vault)
        await database.rows("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    assert [status for status, _ in await jobs(database)] == ["failed"]


async def test_what_a_machine_lacks_is_not_the_accounts_fault(
    database: Database, fleet_dsn: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(database, "acme", vault=vault)
    await enqueue(database)

    def client(*_: Any, **__: Any) -> None:
        raise ConfigurationError("SSL_CERT_FILE names no file")

    monkeypatch.setattr(job_module, "SMSClient", client)
    await work(database, fleet_dsn, vault)
    assert await jobs(database) == [("todo", 1)]


@pytest.mark.parametrize("text", ["no \x00", "no \ud800"], ids=["NUL", "half a pair"])
async def test_no_text_of_a_server_makes_a_final_answer_be_tried_again(
    database: Database, fleet_dsn: str, vault: Vault, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(database, "acme", vault=vault)
    await enqueue(database)
    fails_with(monkeypatch, PermissionDeniedError(text, status=403))
    # What pytest keeps of the log goes from one process of the tests to another, which half a pair can't.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    await work(database, fleet_dsn, vault)
    assert await jobs(database) == [("failed", 1)]
    [acme] = (await fleet_status(database)).accounts
    assert (acme.state, acme.reason) == ("failing", "PermissionDeniedError")


async def test_failures_that_cannot_be_counted_use_up_nothing(
    database: Database, fleet_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Stores(fleet_dsn) as stores:
        collector = Collector(database, stores, Lease(30))
        job = Job(id=1, queue="fleet", lock=None, queueing_lock=None, task_name="t")
        await database.rows("ALTER TABLE sittings RENAME TO elsewhere")
        later = await again(collector, job, ServerError("503", status=503))
    assert isinstance(later, Again)
    assert later.seconds == 30


async def test_a_job_whose_account_has_moved_waits_for_the_one_that_runs(
    database: Database, fleet_dsn: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(database, "acme", vault=vault)
    await enqueue(database)
    await database.rows("UPDATE procrastinate_jobs SET status = 'doing'")
    await add_account(database, "acme", "https://acme.example", token="s3cret", vault=vault)
    await database.rows("UPDATE accounts SET plan = jsonb_set(plan, '{horizon_days}', '5')")
    assert (await enqueue(database)).queued == ["acme"]
    began: list[str] = []

    async def collect(*_: Any, **__: Any) -> None:
        began.append("acme")
        raise PermissionDeniedError("no", status=403)

    monkeypatch.setattr(job_module, "collect_source", collect)
    await work(database, fleet_dsn, vault)
    assert (await jobs(database), began) == ([("doing", 0), ("todo", 1)], [])
    await database.rows("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE status = 'doing'")
    await database.rows("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    await work(database, fleet_dsn, vault)
    assert began == ["acme"]


async def test_a_job_that_waits_under_an_old_lock_goes_on_under_the_new_one(
    database: Database, fleet_dsn: str, vault: Vault
) -> None:
    await add(database, "acme", vault=vault)
    await enqueue(database)
    await add_account(database, "acme", "https://acme.example", token="s3cret", vault=vault)
    manager = FencedJobManager(database, Lease(30))
    job = await manager.fetch_job(None, await manager.register_worker())
    assert job is not None
    assert (await fleet_status(database)).accounts[0].state == "running"
    async with Stores(fleet_dsn) as stores:
        collector = Collector(database, stores, Lease(30), vault)
        with pytest.raises(AccountMovedError, match="is at") as caught:
            await collector.run(job, "acme", {})
        later = await again(collector, job, caught.value)
    assert later is not None
    assert (later.seconds, later.lock) == (0, "https://acme.example")


async def test_removed_accounts_leave_the_counts_and_the_queue(database: Database, vault: Vault) -> None:
    await add(database, "acme", "globex", "initech", vault=vault)
    await enqueue(database)
    await database.rows("UPDATE procrastinate_jobs SET status = 'failed' WHERE args->>'account' = 'acme'")
    for name in ("acme", "globex"):
        await remove_account(database, name)
    assert (await fleet_status(database)).jobs == {"todo": 1, "doing": 0, "failed": 0}
    assert [status for status, _ in await jobs(database)] == ["failed", "cancelled", "todo"]


async def test_upkeep_that_fails_is_logged_and_in_the_status(
    database: Database, fleet_dsn: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def enqueue_due(_: Database) -> None:
        raise OutOfReachError("no more room")

    monkeypatch.setattr("ac_sms_async.fleet.app.enqueue_due", enqueue_due)
    lease = Lease(30)
    async with Stores(fleet_dsn) as stores:
        app = make_app(Collector(database, stores, lease), FencedJobManager(database, lease))
        await app.configure_task(SCHEDULE).defer_async(timestamp=0)
        await app.run_worker_async(wait=False, concurrency=1, install_signal_handlers=False, listen_notify=False)
    assert "the fleet's schedules failed: OutOfReachError: no more room" in caplog.text
    status = await fleet_status(database)
    assert status.upkeep_failed == [SCHEDULE]
    assert f'ac_sms_fleet_upkeep_failed{{task="{SCHEDULE}"}} 1\n' in prometheus_text(status)


async def test_tables_of_another_release_are_left_alone(database: Database, fleet_dsn: str) -> None:
    await database.rows("DELETE FROM steps WHERE name LIKE 'fleet/%%'")
    with pytest.raises(FleetError, match="ac-sms fleet init"):
        await Worker(dsn=fleet_dsn, drain=True).run()
    await database.rows("INSERT INTO steps VALUES ('fleet/9999_later.sql', now())")
    with pytest.raises(FleetError, match="newer release"):
        await install(database)
    with pytest.raises(FleetError, match="newer release"):
        await Worker(dsn=fleet_dsn, drain=True).run()
