"""One account's turn: the job that a worker runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
from attrs import define, field, frozen
from procrastinate.jobs import Job

from ac_sms_async.client import SMSClient, is_trusted
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.result import RunResult
from ac_sms_async.collect.source import ClientSource
from ac_sms_async.collect.store.protocol import StoreError
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.fleet.accounts import COLLECT, Account, checked_url, find_accounts
from ac_sms_async.fleet.database import Database
from ac_sms_async.fleet.errors import (
    AccountMovedError,
    FleetError,
    LeaseLostError,
    OutOfReachError,
    WorkerUnfitError,
)
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.plan import Plan
from ac_sms_async.fleet.stores import LeasedStore, Stores
from ac_sms_async.fleet.vault import Vault
from ac_sms_async.options import RateLimit

__all__ = ["NOT_THE_ACCOUNTS", "Backend", "Collector"]

logger: logging.Logger = logging.getLogger("ac_sms_async.fleet")

Backend = Literal["httpx", "httptools"]

LIMIT = RateLimit()

NOT_THE_ACCOUNTS = (LeaseLostError, OutOfReachError, StoreError, WorkerUnfitError)
"""What says nothing about an account: its job goes back into the queue, and none of its attempts is used up."""

_TO_SAY_GOODBYE = 5.0
"""Seconds that a cancelled job may take to note that it was interrupted."""


@define
class _Sitting:
    requests: int = 0
    rows: int = 0
    outcome: str = ""
    error: BaseException | None = None

    def ended(self, result: RunResult) -> None:
        """Note how the run ended; raises what it failed with."""
        self.outcome = result.status
        self.rows = result.broadcasts + result.metrics + result.failure_groups + result.recipients + result.replies
        if result.error is not None:
            raise result.error


@frozen
class Collector:
    """What all jobs of a worker share."""

    database: Database
    stores: Stores
    lease: Lease
    vault: Vault | None = None
    backend: Backend = "httpx"
    worker: str = ""
    unfit: dict[str, str] = field(factory=dict[str, str])
    """The accounts that this worker can't collect, with the reason: theirs are left to others."""

    async def run(self, job: Job, name: str, given: dict[str, Any]) -> None:
        """Collect one account into the store by a plan, as it is in the queue; goes on where an earlier one stopped.

        Raises what ended it: `SMSError` by the account, `StoreError`, `FleetError`, `LeaseLostError`; and
        `AccountMovedError` where the job waited under another URL's lock, or another one still runs under one.
        """
        [account] = await find_accounts(self.database, [name])
        await self._see_alone(job, account)
        async with self._sitting(job, account) as sitting:
            plan = Plan.from_json(given)
            token = account.token(self.vault)
            # Who had the account before, in another process maybe, may have used up the second that is running.
            await anyio.sleep(LIMIT.window)

            def before_start() -> None:
                self.lease.check()
                sitting.requests += 1

            store = LeasedStore(await self.stores.get(), self.lease)
            async with self._opened(account, token, before_start) as sms:
                # Only one at a time has the account's lock in the queue; one that froze must not block it in the store.
                result = await collect_source(
                    ClientSource(sms, account.name), store, plan.window, plan.include, exclusive=False
                )
            sitting.ended(result)

    async def failures(self, job: Job) -> int:
        """How many sittings of a job its account has ended. Raises `FleetError`."""
        [row] = await self.database.rows(
            "SELECT count(*) AS number FROM sittings WHERE job_id = %s AND outcome = 'failed'", (job.id,)
        )
        return int(row["number"])

    async def _see_alone(self, job: Job, account: Account) -> None:
        """The queue's lock is of the URL as it was; whoever changed it meanwhile may have had another job begun."""
        if job.lock != account.url:
            raise AccountMovedError(account.name, account.url)
        if await self.database.rows(
            "SELECT 1 FROM procrastinate_jobs WHERE status = 'doing' AND task_name = %s AND lock <> %s "
            "AND args->>'account' = %s AND id <> %s",
            (COLLECT, account.url, account.name, job.id),
        ):
            raise AccountMovedError(account.name, account.url)

    @asynccontextmanager
    async def _opened(
        self, account: Account, token: str, before_start: Callable[[], None]
    ) -> AsyncGenerator[SMSClient, None]:
        try:
            # The account's part was looked at when it was added: what is wrong now is wrong with this machine.
            client = self._client(account, token, before_start)
        except ConfigurationError as error:
            raise WorkerUnfitError(f"this worker can't begin: {error}") from error
        async with client as sms:
            yield sms

    def _client(self, account: Account, token: str, before_start: Callable[[], None]) -> SMSClient:
        url = checked_url(account.url)
        return SMSClient(
            url,
            token,
            allow_insecure_http=is_trusted(url),
            # A web app beside it shares the account's budget by naming the fleet's database.
            budget=self.database.dsn,
            timezone=account.timezone,
            rate_limit=LIMIT,
            backend=self.backend,
            before_start=before_start,
        )

    @asynccontextmanager
    async def _sitting(self, job: Job, account: Account) -> AsyncGenerator[_Sitting, None]:
        """Keeps the books: when it began, how it ended, what it cost."""
        sitting = _Sitting()
        [opened] = await self.database.rows(
            """
            WITH lost AS (
                UPDATE sittings SET ended_at = now(), outcome = 'lost' WHERE account = %(account)s AND ended_at IS NULL
            )
            INSERT INTO sittings (account, job_id, worker) VALUES (%(account)s, %(job)s, %(worker)s) RETURNING id
            """,
            {"account": account.name, "job": job.id, "worker": self.worker},
        )
        try:
            yield sitting
        except LeaseLostError:
            # It is no longer ours to write about.
            raise
        except BaseException as error:
            interrupted = isinstance(error, asyncio.CancelledError)
            returned = isinstance(error, NOT_THE_ACCOUNTS)
            sitting.outcome = "interrupted" if interrupted else "returned" if returned else "failed"
            sitting.error = None if interrupted else error
            if not interrupted:
                logger.warning("%s %s: %s", account.name, "goes back" if returned else "failed", error)
            await self._close(opened["id"], account, sitting)
            raise
        else:
            await self._close(opened["id"], account, sitting)

    async def _close(self, sitting_id: int, account: Account, sitting: _Sitting) -> None:
        if self.lease.lost:
            return
        error = sitting.error
        try:
            with anyio.move_on_after(_TO_SAY_GOODBYE, shield=True):
                await self.database.rows(
                    """
                    WITH closed AS (
                        UPDATE sittings SET ended_at = now(), outcome = %(outcome)s, requests = %(requests)s,
                            rows = %(rows)s WHERE id = %(id)s
                    )
                    UPDATE accounts SET last_ended_at = now(), last_outcome = %(outcome)s, last_reason = %(reason)s,
                        last_error = %(error)s, requests = requests + %(requests)s, rows = rows + %(rows)s,
                        last_success_at = CASE WHEN %(outcome)s IN ('complete', 'partial') THEN now()
                            ELSE last_success_at END
                    WHERE name = %(account)s
                    """,
                    {
                        "id": sitting_id,
                        "account": account.name,
                        "outcome": sitting.outcome,
                        "requests": sitting.requests,
                        "rows": sitting.rows,
                        "reason": None if error is None else type(error).__name__,
                        "error": None if error is None else str(error),
                    },
                )
        except FleetError as trouble:
            # The books are of less worth than what the job has to say.
            logger.warning("could not note how the job of %s ended: %s", account.name, trouble)
