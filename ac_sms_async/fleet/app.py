"""The fleet as an app of Procrastinate: its tasks, when they run by themselves, and which failures are tried again."""

from __future__ import annotations

import asyncio
from typing import Any

from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision, builtin_tasks
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from ac_sms_async.errors import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
)
from ac_sms_async.fleet.errors import FleetError
from ac_sms_async.fleet.job import Collector
from ac_sms_async.fleet.plan import Plan
from ac_sms_async.fleet.queue import COLLECT, QUEUE, enqueue_due

__all__ = ["SCHEDULE", "TIDY", "Retries", "make_app"]

SCHEDULE = "ac-sms:schedule"
TIDY = "ac-sms:tidy"

MAX_ATTEMPTS = 8
KEPT_HOURS = 72

_FIRST = 1_000_000
"""The fleet's own upkeep goes before all accounts."""

# Trying again changes nothing about these: somebody has to do something first.
_FINAL = (
    *(AuthenticationError, PaymentRequiredError, PermissionDeniedError, NotFoundError),
    *(ConfigurationError, FleetError),
)


class Retries(BaseRetryStrategy):
    """At once where the worker was stopped; else after 5 s, then three times as long each time, up to an hour."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When the job is tried again; None for never."""
        if isinstance(exception, asyncio.CancelledError | JobAborted):
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, _FINAL) or job.attempts + 1 >= MAX_ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": min(5 * 3**job.attempts, 3600)})


def make_app(collector: Collector, manager: JobManager) -> App:
    """An app whose jobs are done by `collector`, and managed by `manager`."""
    database = collector.database
    app = App(connector=database.connector)
    app.job_manager = manager

    @app.task(name=COLLECT, queue=QUEUE, pass_context=True, retry=Retries())
    async def collect(context: JobContext, *, account: str, plan: dict[str, Any]) -> None:
        await collector.run(context.job, account, Plan.from_json(plan))

    # Of these, one in the queue is enough, should all workers be busy for a while.
    @app.periodic(cron="* * * * *")
    @app.task(name=SCHEDULE, queue=QUEUE, priority=_FIRST, queueing_lock=SCHEDULE)
    async def schedule(timestamp: int) -> None:
        await enqueue_due(database)

    @app.periodic(cron="17 * * * *")
    @app.task(name=TIDY, queue=QUEUE, pass_context=True, priority=_FIRST, queueing_lock=TIDY)
    async def tidy(context: JobContext, timestamp: int) -> None:
        await builtin_tasks.remove_old_jobs(context, max_hours=KEPT_HOURS, remove_cancelled=True, remove_aborted=True)
        await database.rows("DELETE FROM sittings WHERE ended_at < now() - make_interval(hours => %s)", (KEPT_HOURS,))

    return app
