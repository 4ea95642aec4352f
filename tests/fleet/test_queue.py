"""The queue: one job for each account and plan, and none lost with its worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from procrastinate.jobs import Job, Status

from ac_sms_async.collect import Window
from ac_sms_async.fleet import (
    Database,
    Enqueued,
    FleetError,
    Plan,
    add_account,
    enqueue,
    enqueue_due,
    retry_failed,
)
from ac_sms_async.fleet.fence import FencedJobManager
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.queue import QUEUE, recover_stalled

pytestmark = pytest.mark.anyio

FULL = Plan(Window())


async def add(database: Database, name: str, **options: Any) -> None:
    await add_account(database, name, f"https://{name}.api-us1.com", token_env="TOKEN", **options)


class Taker:
    """A worker that does nothing but take jobs."""

    def __init__(self, database: Database) -> None:
        self.lease = Lease(30)
        self.manager = FencedJobManager(database, self.lease)
        self.database = database
        self.id = 0

    async def take(self) -> Job | None:
        if not self.id:
            self.id = await self.manager.register_worker()
        return await self.manager.fetch_job([QUEUE], self.id)

    async def must_take(self) -> Job:
        job = await self.take()
        assert job is not None
        return job

    async def die(self) -> None:
        await self.database.rows(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour' WHERE id = %s", (self.id,)
        )


async def statuses(database: Database) -> list[str]:
    return [row["status"] for row in await database.rows("SELECT status::text FROM procrastinate_jobs ORDER BY id")]


async def test_an_account_is_in_the_queue_once(database: Database) -> None:
    await add(database, "acme")
    await add(database, "globex")
    assert await enqueue(database, ["acme"]) == Enqueued(["acme"], [])
    assert await enqueue(database) == Enqueued(["globex"], ["acme"])
    taker = Taker(database)
    assert (await taker.must_take()).task_kwargs == {"account": "acme", "plan": Plan().to_json()}
    # Running counts, too.
    assert await enqueue(database) == Enqueued([], ["acme", "globex"])


async def test_two_plans_of_one_account_are_done_one_after_the_other(database: Database) -> None:
    await add(database, "acme")
    await enqueue(database)
    assert await enqueue(database, plan=FULL) == Enqueued(["acme"], [])
    one, two = Taker(database), Taker(database)
    first = await one.must_take()
    assert await two.take() is None
    await one.manager.finish_job(first, Status.SUCCEEDED, delete_job=False)
    assert (await two.must_take()).task_kwargs["plan"] == FULL.to_json()


async def test_higher_priorities_go_first(database: Database) -> None:
    await add(database, "acme")
    await add(database, "globex", priority=5)
    await add(database, "initech", priority=-5)
    await enqueue(database, ["acme", "globex"])
    await enqueue(database, ["initech"], priority=9)
    taker = Taker(database)
    assert [(await taker.must_take()).task_kwargs["account"] for _ in range(3)] == ["initech", "globex", "acme"]


async def test_an_account_that_is_not_there(database: Database) -> None:
    with pytest.raises(FleetError, match="'acme', 'globex'"):
        await enqueue(database, ["globex", "acme"])


async def test_a_schedule_that_was_missed_for_days_is_caught_up_with_once(database: Database) -> None:
    await add(database, "acme", schedule="0 * * * *", priority=2, plan=FULL)
    await add(database, "globex")
    assert await enqueue_due(database) == Enqueued([], [])
    later = datetime.now(UTC) + timedelta(days=3)
    assert await enqueue_due(database, later) == Enqueued(["acme"], [])
    assert await enqueue_due(database, later) == Enqueued([], [])
    [job] = await database.rows("SELECT args, priority FROM procrastinate_jobs")
    assert job == {"args": {"account": "acme", "plan": FULL.to_json()}, "priority": 2}
    # Still waiting an hour on: no second one.
    assert await enqueue_due(database, later + timedelta(hours=1)) == Enqueued([], ["acme"])


async def test_what_failed_can_be_had_done_again(database: Database) -> None:
    for name in ("acme", "globex", "initech"):
        await add(database, name)
    await enqueue(database, ["acme", "globex"], plan=FULL)
    taker = Taker(database)
    for _ in range(2):
        await taker.manager.finish_job(await taker.must_take(), Status.FAILED, delete_job=False)
    await enqueue(database, ["initech"])
    await taker.manager.finish_job(await taker.must_take(), Status.SUCCEEDED, delete_job=False)
    assert await retry_failed(database, ["globex", "initech"]) == Enqueued(["globex"], [])
    assert await retry_failed(database) == Enqueued(["acme"], [])
    # They wait now, so that they are no failures any more.
    assert await retry_failed(database) == Enqueued([], [])
    assert (await taker.must_take()).task_kwargs == {"account": "globex", "plan": FULL.to_json()}


async def test_jobs_of_dead_workers_go_back_into_the_queue(database: Database) -> None:
    for name in ("acme", "globex", "initech"):
        await add(database, name)
    await enqueue(database)
    alive, dead, gone = Taker(database), Taker(database), Taker(database)
    kept = await alive.must_take()
    lost = {(await dead.must_take()).id, (await gone.must_take()).id}
    assert await recover_stalled(database, 30) == 0
    await dead.die()
    await gone.manager.unregister_worker(gone.id)
    assert await recover_stalled(database, 30) == 2
    again = [await alive.must_take(), await alive.must_take()]
    assert {job.id for job in again} == lost
    assert {job.attempts for job in again} == {1}
    assert kept.id not in lost
    assert await recover_stalled(database, 30) == 0


async def test_of_two_that_look_after_a_lost_job_one_leaves_it_to_the_other(database: Database) -> None:
    await add(database, "acme")
    await enqueue(database)
    dead = Taker(database)
    await dead.must_take()
    await dead.die()
    with anyio.fail_after(5):
        async with database.transaction() as other:
            await other.execute("SELECT id FROM procrastinate_jobs FOR UPDATE")
            assert await recover_stalled(database, 30) == 0
        assert await recover_stalled(database, 30) == 1


async def test_a_lost_job_gives_way_to_one_that_waits_in_its_place(database: Database) -> None:
    await add(database, "acme")
    await enqueue(database)
    dead = Taker(database)
    job = await dead.must_take()
    # Not by way of `enqueue`, which would not do it.
    await dead.manager.defer_job_async(job.evolve(id=None))
    await dead.die()
    assert await recover_stalled(database, 30) == 1
    assert await statuses(database) == ["failed", "todo"]
    assert await Taker(database).take() is not None


async def test_a_worker_that_wakes_cannot_end_the_job_of_its_replacement(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await add(database, "acme")
    await enqueue(database)
    frozen, replacement = Taker(database), Taker(database)
    old = await frozen.must_take()
    await frozen.die()
    await recover_stalled(database, 30)
    new = await replacement.must_take()
    assert new.id == old.id
    await frozen.manager.finish_job(old, Status.FAILED, delete_job=False)
    await frozen.manager.retry_job(old)
    assert await statuses(database) == ["doing"]
    assert "was taken over by another worker" in caplog.text
    await replacement.manager.retry_job(new, priority=3)
    assert (await replacement.must_take()).priority == 3


async def test_a_worker_without_a_lease_says_nothing_at_all(database: Database) -> None:
    await add(database, "acme")
    await enqueue(database)
    taker = Taker(database)
    job = await taker.must_take()
    taker.lease.give_up()
    await taker.manager.finish_job(job, Status.SUCCEEDED, delete_job=False)
    await taker.manager.unregister_worker(taker.id)
    assert await statuses(database) == ["doing"]
    assert len(await database.rows("SELECT 1 FROM procrastinate_workers")) == 1


async def test_a_worker_that_cannot_say_how_a_job_ended_gives_up_its_lease(database: Database) -> None:
    await add(database, "acme")
    await enqueue(database)
    taker = Taker(database)
    job = await taker.must_take()
    await database.rows("ALTER TABLE procrastinate_jobs RENAME TO elsewhere")
    with pytest.raises(FleetError):
        await taker.manager.finish_job(job, Status.SUCCEEDED, delete_job=False)
    assert taker.lease.lost


async def test_heartbeats_renew_the_lease(database: Database) -> None:
    now = [0.0]
    lease = Lease(30, clock=lambda: now[0])
    manager = FencedJobManager(database, lease)
    worker_id = await manager.register_worker()
    for now[0] in (20.0, 40.0, 60.0):
        await manager.update_heartbeat(worker_id)
        assert not lease.lost
    now[0] = 90.0
    await manager.update_heartbeat(worker_id)
    assert lease.lost
