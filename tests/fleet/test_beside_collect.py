"""A fleet's job and an `ac-sms collect` of the same account: one at a time, whoever comes first; neither is blamed."""

from __future__ import annotations

import anyio
import pytest

from ac_sms_async.collect import RunResult, Store, StoreBusyError, Window, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.fleet import Database, Vault, add_account, enqueue
from ac_sms_async.fleet import job as job_module
from ac_sms_async.fleet.app import make_app
from ac_sms_async.fleet.fence import FencedJobManager
from ac_sms_async.fleet.job import Collector
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.queue import COLLECT
from ac_sms_async.fleet.stores import Stores
from ac_sms_async.options import RateLimit
from tests.collect.fakes import FakeSource

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "LIMIT", RateLimit(500, per=0.1, margin=0))


async def collected(store: Store, begun: anyio.Event, end: anyio.Event, *, exclusive: bool) -> RunResult:
    """A run that has begun, and goes on when it is told to."""

    async def wait() -> None:
        begun.set()
        await end.wait()

    source = FakeSource(url="https://acme.api-us1.com", latency=0.0, pace=0.0, before={("credits",): wait})
    return await collect_source(source, store, Window(), frozenset(), exclusive=exclusive)


async def work(database: Database, dsn: str, vault: Vault) -> None:
    """Do what is in the queue now, once."""
    lease = Lease(120)
    async with Stores(dsn) as stores:
        app = make_app(Collector(database, stores, lease, vault), FencedJobManager(database, lease))
        await app.run_worker_async(wait=False, concurrency=1, install_signal_handlers=False, listen_notify=False)


async def job(database: Database) -> tuple[str, list[str]]:
    [row] = await database.rows("SELECT status::text FROM procrastinate_jobs WHERE task_name = %s", (COLLECT,))
    sittings = await database.rows("SELECT outcome FROM sittings ORDER BY id")
    return row["status"], [sitting["outcome"] for sitting in sittings]


async def test_each_waits_for_the_other(
    database: Database, fleet_dsn: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_account(database, "acme", "https://acme.api-us1.com", token="s3cret", vault=vault)
    await enqueue(database)
    begun, end = anyio.Event(), anyio.Event()

    async def collect(_: object, store: Store, *__: object, exclusive: bool) -> RunResult:
        return await collected(store, begun, end, exclusive=exclusive)

    monkeypatch.setattr(job_module, "collect_source", collect)
    async with open_store(fleet_dsn) as store:

        async def by_hand() -> None:
            assert (await collected(store, begun, end, exclusive=True)).status == "complete"

        async with anyio.create_task_group() as group:
            group.start_soon(by_hand)
            await begun.wait()
            await work(database, fleet_dsn, vault)
            assert await job(database) == ("todo", ["returned"])
            end.set()

        begun, end = anyio.Event(), anyio.Event()
        await database.rows("UPDATE procrastinate_jobs SET scheduled_at = NULL")
        async with anyio.create_task_group() as group:
            group.start_soon(work, database, fleet_dsn, vault)
            await begun.wait()
            with pytest.raises(StoreBusyError, match="another process is collecting the account 'acme'"):
                await collected(store, begun, end, exclusive=True)
            end.set()
        assert await job(database) == ("succeeded", ["returned", "complete"])
        assert await store.read("SELECT status FROM runs") == [("complete",), ("complete",)]
