"""The fleet as an app of Procrastinate: its tasks, when they run by themselves, and which failures are tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision, builtin_tasks
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job

from ac_sms_async.errors import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
)
from ac_sms_async.fleet.errors import AccountMovedError, FleetError, WorkerUnfitError
from ac_sms_async.fleet.fence import FencedJobManager
from ac_sms_async.fleet.job import NOT_THE_ACCOUNTS, Collector
from ac_sms_async.fleet.queue import COLLECT, QUEUE, SCHEDULE, TIDY, enqueue_due

__all__ = ["Again", "Retries", "make_app"]

logger: logging.Logger = logging.getLogger("ac_sms_async.fleet")

MAX_ATTEMPTS = 8
KEPT_HOURS = 72

_FIRST = 1_000_000
"""The fleet's own upkeep goes before all accounts."""

# Trying again changes nothing about these: somebody has to do something first.
_FINAL = (
    *(AuthenticationError, PaymentRequiredError, PermissionDeniedError, NotFoundError),
    *(ConfigurationError, FleetError),
)


_UNTIL_ANOTHER_TRIES = 30
"""Seconds after which a job goes on that was given back for no fault of its account."""


_FOR_OTHERS = 3.0
"""Seconds that a worker takes no job after one that it can't do: longer than others take to ask for it."""


class Again(Exception):
    """The job goes back into the queue, for `seconds`, under another `lock` or with another `priority` where given."""

    def __init__(self, seconds: int, lock: str | None = None, priority: int | None = None) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds: int = seconds
        self.lock: str | None = lock
        self.priority: int | None = priority


class Retries(BaseRetryStrategy):
    """At once where the worker was stopped; when `Again` says; else never."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When the job is tried again; None for never."""
        if isinstance(exception, asyncio.CancelledError | JobAborted):
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, Again):
            return RetryDecision(
                retry_in={"seconds": exception.seconds}, lock=exception.lock, priority=exception.priority
            )
        return None


async def again(collector: Collector, job: Job, error: Exception) -> Again | None:
    """What becomes of a job that ended so; None for the end.

    Only what the account has answered counts: after 5 s, then three times as long each time, `MAX_ATTEMPTS` in all.
    """
    if isinstance(error, AccountMovedError):
        # Somebody else's job may run there: a little later, or at once under its own lock.
        return Again(0 if job.lock != error.url else 1 + (job.id or 0) % 5, error.url)
    if isinstance(error, WorkerUnfitError):
        # What this worker can do comes before it from now on.
        return Again(_UNTIL_ANOTHER_TRIES, priority=job.priority - 1)
    if isinstance(error, NOT_THE_ACCOUNTS):
        return Again(_UNTIL_ANOTHER_TRIES)
    if isinstance(error, _FINAL):
        return None
    try:
        failures = await collector.failures(job)
    except FleetError:
        return Again(_UNTIL_ANOTHER_TRIES)
    if failures >= MAX_ATTEMPTS:
        return None
    return Again(min(5 * 3 ** max(failures - 1, 0), 3600))


def make_app(collector: Collector, manager: FencedJobManager) -> App:
    """An app whose jobs are done by `collector`, and managed by `manager`."""
    database = collector.database
    app = App(connector=database.connector)
    app.job_manager = manager

    @app.task(name=COLLECT, queue=QUEUE, pass_context=True, retry=Retries())
    async def collect(context: JobContext, *, account: str, plan: dict[str, Any]) -> None:
        try:
            await collector.run(context.job, account, plan)
        except Exception as error:
            if isinstance(error, WorkerUnfitError):
                manager.rest(_FOR_OTHERS)
                collector.unfit[account] = str(error)
            later = await again(collector, context.job, error)
            if later is None:
                raise
            raise later from error

    # Of these, one in the queue is enough, should all workers be busy for a while.
    @app.periodic(cron="* * * * *")
    @app.task(name=SCHEDULE, queue=QUEUE, priority=_FIRST, queueing_lock=SCHEDULE)
    async def schedule(timestamp: int) -> None:
        async with _told("schedules"):
            await enqueue_due(database)

    @app.periodic(cron="17 * * * *")
    @app.task(name=TIDY, queue=QUEUE, pass_context=True, priority=_FIRST, queueing_lock=TIDY)
    async def tidy(context: JobContext, timestamp: int) -> None:
        async with _told("tidying"):
            await builtin_tasks.remove_old_jobs(
                context, max_hours=KEPT_HOURS, remove_cancelled=True, remove_aborted=True
            )
            await database.rows(
                "DELETE FROM sittings WHERE ended_at < now() - make_interval(hours => %s)", (KEPT_HOURS,)
            )

    return app


@asynccontextmanager
async def _told(what: str) -> AsyncGenerator[None, None]:
    """Upkeep that fails is tried again at its next time; until then, the log and the status say so."""
    try:
        yield
    except Exception as error:
        logger.warning("the fleet's %s failed: %s: %s", what, type(error).__name__, error)
        raise
