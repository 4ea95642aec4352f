"""Jobs into the queue, and back into it when their worker has died."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, cast

from attrs import field, frozen
from procrastinate import sql
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from ac_sms_async.fleet.accounts import COLLECT, ENQUEUEING, Account, find_accounts, next_time
from ac_sms_async.fleet.database import Connection, Database
from ac_sms_async.fleet.errors import FleetError, WorkerUnfitError
from ac_sms_async.fleet.plan import Plan

__all__ = [
    "COLLECT",
    "QUEUE",
    "SCHEDULE",
    "TIDY",
    "Enqueued",
    "enqueue",
    "enqueue_due",
    "recover_stalled",
    "retry_failed",
]

logger: logging.Logger = logging.getLogger("ac_sms_async.fleet")

QUEUE = "fleet"
SCHEDULE = "ac-sms:schedule"
TIDY = "ac-sms:tidy"

_BATCH = 1000
_BEFORE_ASKING_AGAIN = timedelta(hours=1)
"""After which a schedule or plan that could not be read is looked at again: an upgrade may know it."""


@frozen
class Enqueued:
    """Names of accounts for which a job was put into the queue, and of those whose job waits or runs already.

    `refused` are those whose schedule or plan can't be read, with the reason; they stop nobody else.
    """

    queued: list[str] = field(factory=list[str])
    under_way: list[str] = field(factory=list[str])
    refused: dict[str, str] = field(factory=dict[str, str])


async def enqueue(
    database: Database,
    names: Collection[str] | None = None,
    *,
    plan: Plan | None = None,
    priority: int | None = None,
) -> Enqueued:
    """Put a job into the queue for each account (None: for all), by its own plan and priority unless they are given.

    An account whose job of the same plan waits or runs already gets no second one. Raises `FleetError`, also where the
    plan of an account that was named can't be read.
    """
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (ENQUEUEING,))
        accounts = await find_accounts(database, names, on=connection)
        jobs, refused = list[Job](), dict[str, str]()
        for account in accounts:
            try:
                jobs.append(_job(account, plan or _plan(account), account.priority if priority is None else priority))
            except FleetError as error:
                if names is not None:
                    raise
                refused[account.name] = str(error)
        return await _insert(database, connection, jobs, refused)


async def enqueue_due(database: Database, now: datetime | None = None) -> Enqueued:
    """Put a job into the queue for each account whose schedule is due. What was missed meanwhile is done once.

    An account whose schedule or plan can't be read is noted as failed, and asked about again in an hour.
    """
    now = now or datetime.now(UTC)
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (ENQUEUEING,))
        due = await database.rows("SELECT name FROM accounts WHERE next_at <= %s", (now,), on=connection)
        accounts = await find_accounts(database, [row["name"] for row in due], on=connection)
        jobs, times, refused = list[Job](), list[tuple[datetime, str]](), dict[str, str]()
        for account in accounts:
            try:
                times.append((next_time(account.schedule or "", now), account.name))
                jobs.append(_job(account, _plan(account), account.priority))
            except FleetError as error:
                logger.warning("%s was not scheduled: %s", account.name, error)
                refused[account.name] = str(error)
        async with connection.cursor() as cursor:
            await cursor.executemany("UPDATE accounts SET next_at = %s WHERE name = %s", times)
            await cursor.executemany(
                "UPDATE accounts SET next_at = %s, last_outcome = 'failed', last_reason = 'FleetError', "
                "last_error = %s WHERE name = %s",
                [(now + _BEFORE_ASKING_AGAIN, problem, name) for name, problem in refused.items()],
            )
        return await _insert(database, connection, jobs, refused)


async def retry_failed(database: Database, names: Collection[str] | None = None) -> Enqueued:
    """Put the jobs that failed for good into the queue again, of these accounts or of all. Raises `FleetError`."""
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (ENQUEUEING,))
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
        jobs, refused = list[Job](), dict[str, str]()
        for row in failed:
            name = row["args"]["account"]
            if name in known:
                try:
                    jobs.append(_job(known[name], Plan.from_json(row["args"]["plan"]), row["priority"]))
                except WorkerUnfitError as error:
                    refused[name] = str(error)
        return await _insert(database, connection, jobs, refused)


def _plan(account: Account) -> Plan:
    if account.plan is None:
        raise FleetError(f"the plan of {account.name} is one of another release: upgrade here, or add it again")
    return account.plan


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


async def _insert(database: Database, connection: Connection, jobs: Iterable[Job], refused: dict[str, str]) -> Enqueued:
    waiting = await database.rows(
        "SELECT queueing_lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name = %s",
        (COLLECT,),
        on=connection,
    )
    # The unique index on queueing_lock knows waiting jobs only; a second one beside a running job would be in the way
    # when that one has to go back into the queue.
    taken = {row["queueing_lock"] for row in waiting}
    outcome, new = Enqueued(refused=refused), list[Job]()
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
