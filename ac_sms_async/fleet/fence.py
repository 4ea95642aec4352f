"""Procrastinate's job manager, so that only the worker that holds a job can say what became of it.

Procrastinate itself takes anybody's word for it: a worker that wakes beside its replacement would end the
replacement's job, and free the account for a third one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from ac_sms_async.fleet.database import Database
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.queue import run_query

__all__ = ["FencedJobManager"]

logger: logging.Logger = logging.getLogger("ac_sms_async.fleet")


class FencedJobManager(JobManager):
    """Heartbeats renew the lease; a job is ended by who holds it, told by its number of attempts."""

    def __init__(self, database: Database, lease: Lease) -> None:
        super().__init__(database.connector)
        self._database = database
        self._lease = lease
        self._rests_until = 0.0

    def rest(self, seconds: float) -> None:
        """Take no job for so long, that others may take them first."""
        self._rests_until = self._lease.clock() + seconds

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """As Procrastinate's, unless this worker rests."""
        if self._lease.clock() < self._rests_until:
            return None
        return await super().fetch_job(queues, worker_id)

    async def register_worker(self) -> int:
        """As Procrastinate's; the lease begins."""
        asked_at = self._lease.clock()
        worker_id = await super().register_worker()
        self._lease.renew(asked_at)
        return worker_id

    async def update_heartbeat(self, worker_id: int) -> None:
        """As Procrastinate's; the lease is renewed."""
        asked_at = self._lease.clock()
        await super().update_heartbeat(worker_id)
        self._lease.renew(asked_at)

    async def unregister_worker(self, worker_id: int) -> None:
        """As Procrastinate's, unless the worker is not known any more, nor the database maybe within reach."""
        if not self._lease.lost:
            await super().unregister_worker(worker_id)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """As Procrastinate's, where the job is still this worker's."""
        await self._settle(job, "finish_job", status=status.value, delete_job=delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """As Procrastinate's, where the job is still this worker's."""
        await self._settle(
            job,
            "retry_job",
            retry_at=retry_at or datetime.now(UTC),
            new_priority=priority,
            new_queue_name=queue,
            new_lock=lock,
        )

    async def _settle(self, job: Job, query: str, **values: Any) -> None:
        if self._lease.lost:
            return
        try:
            async with self._database.transaction() as connection:
                # Each time a job goes back into the queue, its attempts grow: the number says whose turn it is.
                mine = await self._database.rows(
                    "SELECT 1 FROM procrastinate_jobs WHERE id = %s AND status = 'doing' AND attempts = %s FOR UPDATE",
                    (job.id, job.attempts),
                    on=connection,
                )
                if mine:
                    await run_query(connection, query, job_id=job.id, **values)
                else:
                    logger.warning("job %s was taken over by another worker", job.id)
        except BaseException:
            # The database still has it as running here. As long as this worker lives nobody else would touch it, so
            # this worker begins anew under another id.
            self._lease.give_up()
            raise
