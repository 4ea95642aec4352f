"""One account's turn: the job that a worker runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Literal

import anyio
from attrs import define, frozen
from procrastinate.jobs import Job

from ac_sms_async.client import SMSClient
from ac_sms_async.collect import collect
from ac_sms_async.collect.result import RunResult
from ac_sms_async.fleet.accounts import Account, find_accounts
from ac_sms_async.fleet.database import Database
from ac_sms_async.fleet.errors import FleetError, LeaseLostError
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.plan import Plan
from ac_sms_async.fleet.stores import LeasedStore, Stores
from ac_sms_async.fleet.vault import Vault
from ac_sms_async.options import RateLimit

__all__ = ["Backend", "Collector"]

logger: logging.Logger = logging.getLogger("ac_sms_async.fleet")

Backend = Literal["httpx", "aiohttp"]

LIMIT = RateLimit()

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

    async def run(self, job: Job, name: str, plan: Plan) -> None:
        """Collect one account into the store; goes on where an earlier sitting stopped.

        Raises what ended it: `SMSError` by the account, `StoreError`, `FleetError`, `LeaseLostError`.
        """
        [account] = await find_accounts(self.database, [name])
        async with self._sitting(job, account) as sitting:
            token = account.token(self.vault)
            # Who had the account before, in another process maybe, may have used up the second that is running.
            await anyio.sleep(LIMIT.window)

            def before_start() -> None:
                self.lease.check()
                sitting.requests += 1

            store = LeasedStore(await self.stores.get(), self.lease)
            async with self._client(account, token, before_start) as sms:
                # Only one at a time has the account's lock in the queue; one that froze must not block it in the store.
                result = await collect(sms, store, window=plan.window, include=plan.include, exclusive=False)
            sitting.ended(result)

    def _client(self, account: Account, token: str, before_start: Callable[[], None]) -> SMSClient:
        return SMSClient(
            account.url,
            token,
            account=account.name,
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
            sitting.outcome, sitting.error = ("interrupted", None) if interrupted else ("failed", error)
            if not interrupted:
                logger.warning("%s failed: %s", account.name, error)
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
