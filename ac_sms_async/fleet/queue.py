"""Jobs into the queue, and back into it when their worker has died."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString, cast

from attrs import field, frozen
from procrastinate import sql
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from ac_sms_async.fleet.accounts import Account, find_accounts, next_time
from ac_sms_async.fleet.database import Connection, Database
from ac_sms_async.fleet.plan import Plan

__all__ = ["COLLECT", "QUEUE", "Enqueued", "enqueue", "enqueue_due", "recover_stalled", "retry_failed"]

QUEUE = "fleet"
COLLECT = "ac-sms:collect"

# Any constant. Who puts jobs into the queue holds it, so that between looking and inserting nobody else does.
_ENQUEUEING = 0x464C_5155
_BATCH = 1000


@frozen
class Enqueued:
    """Names of accounts for which a job was put into the queue, and of those whose job waits or runs already."""

    queued: list[str] = field(factory=list[str])
    under_way: list[str] = field(factory=list[str])


async def enqueue(
    database: Database,
    names: Collection[str] | None = None,
    *,
    plan: Plan | None = None,
    priority: int | None = None,
) -> Enqueued:
    """Put a job into the queue for each account (None: for all), by its own plan and priority unless they are given.

    An account whose job of the same plan waits or runs already gets no second one. Raises `FleetError`.
    """
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ENQUEUEING,))
        accounts = await find_accounts(database, names, on=connection)
        jobs = [
            _job(account, plan or account.plan, account.priority if priority is None else priority)
            for account in accounts
        ]
        return await _insert(database, connection, jobs)


async def enqueue_due(database: Database, now: datetime | None = None) -> Enqueued:
    """Put a job into the queue for each account whose schedule is due. What was missed meanwhile is done once."""
    now = now or datetime.now(UTC)
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ENQUEUEING,))
        due = await database.rows("SELECT name FROM accounts WHERE next_at <= %s", (now,), on=connection)
        accounts = await find_accounts(database, [row["name"] for row in due], on=connection)
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "UPDATE accounts SET next_at = %s WHERE name = %s",
                [(next_time(account.schedule or "", now), account.name) for account in accounts],
            )
        jobs = [_job(account, account.plan, account.priority) for account in accounts]
        return await _insert(database, connection, jobs)


async def retry_failed(database: Database, names: Collection[str] | None = None) -> Enqueued:
    """Put the jobs that failed for good into the queue again, of these accounts or of all. Raises `FleetError`."""
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ENQUEUEING,))
        known = {account.name: account for account in await find_accounts(database, names, on=connection)}
        # Of several jobs of the same account and plan the last one tells how it stands.
        failed = await database.rows(
            """
            SELECT args, priority FROM (
                SELECT DISTINCT ON (queueing_lock) args, priority, status FROM procrastinate_jobs
                WHERE task_name = %s ORDER BY queueing_lock, id DESC
            ) AS latest WHERE status = 'failed'
            """,
            (COLLECT,),
            on=connection,
        )
        jobs = [
            _job(known[row["args"]["account"]], Plan.from_json(row["args"]["plan"]), row["priority"])
            for row in failed
            if row["args"]["account"] in known
        ]
        return await _insert(database, connection, jobs)


def _job(account: Account, plan: Plan, priority: int) -> Job:
    return Job(
        queue=QUEUE,
        # One at a time for each budget, and one in the queue for each account and plan.
        lock=account.url,
        queueing_lock=f"{account.name} {plan.key}",
        task_name=COLLECT,
        # Names only: arguments are stored and logged.
        task_kwargs={"account": account.name, "plan": plan.to_json()},
        priority=priority,
    )


async def _insert(database: Database, connection: Connection, jobs: Iterable[Job]) -> Enqueued:
    waiting = await database.rows(
        "SELECT queueing_lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name = %s",
        (COLLECT,),
        on=connection,
    )
    # The unique index on queueing_lock knows waiting jobs only; a second one beside a running job would be in the way
    # when that one has to go back into the queue.
    taken = {row["queueing_lock"] for row in waiting}
    outcome, new = Enqueued(), list[Job]()
    for job in jobs:
        name = str(job.task_kwargs["account"])
        if job.queueing_lock in taken:
            outcome.under_way.append(name)
        else:
            outcome.queued.append(name)
            new.append(job)
    manager = JobManager(database.connector)
    for start in range(0, len(new), _BATCH):
        await manager.batch_defer_jobs_async(new[start : start + _BATCH], connection=connection)
    return outcome


async def recover_stalled(database: Database, seconds: float) -> int:
    """Put the jobs of workers that were silent for `seconds` back into the queue; returns how many.

    All in one transaction, with the jobs locked: of two workers that do it at once, neither takes a job away from
    whom the other one gave it to.
    """
    async with database.transaction() as connection:
        stalled = await database.rows(
            """
            SELECT job.id, EXISTS (
                SELECT 1 FROM procrastinate_jobs AS other
                WHERE other.status = 'todo' AND other.queueing_lock = job.queueing_lock
            ) AS replaced
            FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
            WHERE job.status = 'doing'
            AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %s))
            FOR UPDATE OF job SKIP LOCKED
            """,
            (seconds,),
            on=connection,
        )
        for row in stalled:
            if row["replaced"]:
                await run_query(connection, "finish_job", job_id=row["id"], status="failed", delete_job=False)
            else:
                await run_query(connection, "retry_job", job_id=row["id"], **BACK_INTO_THE_QUEUE)
        return len(stalled)


BACK_INTO_THE_QUEUE: Mapping[str, Any] = {
    "retry_at": None,
    "new_priority": None,
    "new_queue_name": None,
    "new_lock": None,
}


async def run_query(connection: Connection, name: str, **values: Any) -> Sequence[Any]:
    """Run one of Procrastinate's own queries in a transaction of ours."""
    queries = cast("Mapping[str, LiteralString]", sql.queries)
    return await (await connection.execute(queries[name], values)).fetchall()
