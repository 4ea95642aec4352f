"""One sitting of a run: the list is read while metrics, failures and recipients of what it gave are fetched already.

    lists -> metrics, 100 ids a request -> failures, one broadcast a request
                                        -> recipients, one page a request

Between the stages lies the ledger, not memory. Pacing is the client's: here it only matters that enough requests are
asked for at any time to use the account's budget.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio
import anyio.abc

from ac_sms_async.collect.ledger import Kind, Ledger
from ac_sms_async.collect.queue import WorkQueue
from ac_sms_async.collect.reporter import Reporter
from ac_sms_async.collect.runs import Run
from ac_sms_async.collect.source import Source
from ac_sms_async.collect.window import Listing, Window
from ac_sms_async.errors import AuthenticationError, ConfigurationError, NotFoundError, PaymentRequiredError, SMSError

__all__ = ["Stages"]

CHUNK = 100
"""Ids in one request for metrics."""
WORKERS = 4
"""Requests of a kind under way at once: enough to use the budget at a second's latency, few enough to lose little."""
STORM = 5
"""So many failures in a row mean that the account is out of reach, not that these ids are bad."""

_HOPELESS = (AuthenticationError, PaymentRequiredError, ConfigurationError)
"""No other id will do better."""


class Stages:
    """Fetches what the ledger says is to be fetched, until nothing is left or the account is out of reach."""

    def __init__(self, source: Source, ledger: Ledger, run: Run, window: Window, reporter: Reporter) -> None:
        self._source = source
        self._ledger = ledger
        self._run = run
        self._window = window
        self._reporter = reporter
        self._streak = 0
        self._error: Exception | None = None
        self._scope = anyio.CancelScope()
        self._broadcasts = WorkQueue(ledger, "broadcast")
        self._metrics = WorkQueue(ledger, "metrics")
        self._failures = WorkQueue(ledger, "failures")
        self._recipients = WorkQueue(ledger, "recipients")

    async def run(self) -> Exception | None:
        """Fetch everything; returns what ended it early, or None when it came to its end."""
        async with anyio.create_task_group() as group:
            self._scope = group.cancel_scope
            for stage in (self._listing, self._counting, self._account_wide):
                group.start_soon(self._guarded, stage)
            self._start_workers(group, self._failures, self._fetch_failures)
            self._start_workers(group, self._recipients, self._fetch_recipients)
        return self._error

    async def _guarded(self, stage: Callable[..., Awaitable[None]], *args: object) -> None:
        try:
            await stage(*args)
        except Exception as error:  # noqa: BLE001 - it ends the sitting, and `run` hands it out
            self._error = self._error or error
            self._scope.cancel()

    def _start_workers(
        self,
        group: anyio.abc.TaskGroup,
        queue: WorkQueue,
        fetch: Callable[[Sequence[int]], Awaitable[None]],
        size: int = 1,
    ) -> None:
        async def work() -> None:
            while ids := await queue.take(size, full=size > 1):
                await fetch(ids)
                await self._reporter.step()

        for _ in range(WORKERS):
            group.start_soon(self._guarded, work)

    # Lists

    async def _listing(self) -> None:
        async with anyio.create_task_group() as group:
            for listing in self._window.listings(self._run.since):
                group.start_soon(self._guarded, self._read_list, listing)
        if self._run.since is not None:
            await self._ledger.enqueue_unseen()
        self._broadcasts.close()
        async with anyio.create_task_group() as group:
            self._start_workers(group, self._broadcasts, self._fetch_broadcast)
        self._metrics.close()

    async def _read_list(self, listing: Listing) -> None:
        token, done = await self._ledger.checkpoint(listing.label)
        if done:
            return
        async with self._source.broadcasts(listing, token) as pages:
            async for page in pages:
                if listing.label == "all":
                    self._reporter.expect(page.total)
                await self._ledger.save_page(listing.label, page)
                self._metrics.wake()
                await self._reporter.step()
        await self._ledger.save_list_end(listing.label)

    async def _fetch_broadcast(self, ids: Sequence[int]) -> None:
        async def fetch(broadcast_id: int) -> None:
            try:
                fields = await self._source.broadcast(broadcast_id)
            except NotFoundError:
                fields = None
            await self._ledger.save_broadcast(broadcast_id, fields)
            self._metrics.wake()

        await self._each("broadcast", ids, fetch)

    # What came of the broadcasts

    async def _counting(self) -> None:
        async with anyio.create_task_group() as group:
            self._start_workers(group, self._metrics, self._fetch_metrics, CHUNK)
        self._failures.close()
        self._recipients.close()

    async def _fetch_metrics(self, ids: Sequence[int]) -> None:
        counted = await self._source.metrics(ids)
        await self._ledger.save_metrics(ids, counted)
        self._failures.wake()
        self._recipients.wake()
        if counted.failed and not counted.metrics and not counted.missing:
            self._count_failure(next(iter(counted.failed.values())))
        else:
            self._streak = 0

    async def _fetch_failures(self, ids: Sequence[int]) -> None:
        async def fetch(broadcast_id: int) -> None:
            await self._ledger.save_failures(broadcast_id, await self._source.failures(broadcast_id))

        await self._each("failures", ids, fetch)

    async def _fetch_recipients(self, ids: Sequence[int]) -> None:
        async def fetch(broadcast_id: int) -> None:
            token, _ = await self._ledger.checkpoint(f"recipients:{broadcast_id}")
            async with self._source.recipients(broadcast_id, token) as pages:
                async for page in pages:
                    await self._ledger.save_recipients(broadcast_id, page)
                    await self._reporter.step()
            await self._ledger.save_recipients_end(broadcast_id)

        await self._each("recipients", ids, fetch)

    # The account as a whole

    async def _account_wide(self) -> None:
        async def fetch_credits(_: int) -> None:
            await self._ledger.save_credits(await self._source.credits())

        async def fetch_snapshot(_: int) -> None:
            start, end = self._window.start, self._window.end
            await self._ledger.save_snapshot(await self._source.snapshot(start, end), start, end)

        fetches: dict[Kind, Callable[[int], Awaitable[None]]] = {"credits": fetch_credits, "snapshot": fetch_snapshot}
        async with anyio.create_task_group() as group:
            for kind, fetch in fetches.items():
                ids = [owed for _, owed in await self._ledger.pending(kind, 0, 1)]
                group.start_soon(self._guarded, self._each, kind, ids, fetch)

    # Failures

    async def _each(self, kind: Kind, ids: Sequence[int], fetch: Callable[[int], Awaitable[None]]) -> None:
        for broadcast_id in ids:
            try:
                await fetch(broadcast_id)
            except _HOPELESS:
                raise
            except SMSError as error:
                await self._ledger.save_failed(kind, broadcast_id, error)
                self._count_failure(error)
            else:
                self._streak = 0

    def _count_failure(self, error: SMSError) -> None:
        self._streak += 1
        if self._streak >= STORM:
            raise error
