"""One sitting of a run: the list is read while metrics, failures and recipients of what it gave are fetched already.

    the list -> metrics, 100 ids a request -> failures, one broadcast a request
                                           -> recipients, one page a request
    what the list lacks -> that broadcast alone: is it gone?

What failed in earlier runs comes last. Between the stages lies the ledger, not memory. Pacing is the client's: here it
only matters that enough requests are asked for at any time to use the account's budget.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import anyio.abc
from attrs import define

from ac_sms_async.collect.answers import HOPELESS, is_answer, is_nothing
from ac_sms_async.collect.ledger import Ledger
from ac_sms_async.collect.needs import Known
from ac_sms_async.collect.queue import WorkQueue
from ac_sms_async.collect.reporter import Reporter
from ac_sms_async.collect.source import Found, Source
from ac_sms_async.collect.stored_account import Kind
from ac_sms_async.collect.window import Window
from ac_sms_async.errors import PagingError, SMSError

__all__ = ["Stages"]

CHUNK = 100
"""Ids in one request for metrics."""
WORKERS = 4
"""Requests of a kind under way at once: enough to use the budget at a second's latency, few enough to lose little."""
STORM = 5
"""So many requests of a kind in a row without an answer mean that the account is out of reach, not that ids are bad."""
PASSES = 3
"""How often a list is read that has fewer rows than the server counts, or whose rows come and go meanwhile."""
MANY, SHARE = 5, 10
"""More disappearances than five, and than a tenth, are not believed: a wrong URL or a broken proxy looks like that."""


@define
class _Pass:
    """What came of reading a list once."""

    rows: int = 0
    unreadable: int = 0
    least: int | None = None
    """The smallest total that the server named, and the largest one."""
    most: int | None = None

    def add(self, page: Found[Any]) -> None:
        self.rows += len(page.items)
        self.unreadable += page.unreadable
        if page.total is not None:
            self.least = page.total if self.least is None else min(self.least, page.total)
            self.most = page.total if self.most is None else max(self.most, page.total)

    @property
    def short(self) -> bool:
        """Whether the server counts more rows than came."""
        return self.most is not None and self.rows + self.unreadable < self.most

    @property
    def exact(self) -> bool:
        """Whether there are just these rows, and were all the while."""
        return self.unreadable == 0 and self.least == self.most == self.rows


class Stages:
    """Fetches what the ledger says is to be fetched, until nothing is left or the account is out of reach."""

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        window: Window,
        reporter: Reporter,
        *,
        accept_deletions: bool = False,
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._window = window
        self._reporter = reporter
        self._accept_deletions = accept_deletions
        self._streaks: dict[Kind, int] = {}
        self._error: Exception | None = None
        self._scope = anyio.CancelScope()
        self._details = anyio.CancelScope()
        self._broadcasts = WorkQueue(ledger, "broadcast")
        self._metrics = WorkQueue(ledger, "metrics")
        self._failures = WorkQueue(ledger, "failures")
        self._recipients = WorkQueue(ledger, "recipients")
        self.notes: list[str] = []
        """What was left out, in words."""
        self.whole: bool = True
        """Whether every broadcast of the list was seen."""

    async def run(self) -> Exception | None:
        """Fetch everything; returns what ended it early, or None when it came to its end."""
        async with anyio.create_task_group() as group:
            self._scope = group.cancel_scope
            for stage in (self._listing, self._counting, self._account_wide, self._detailing):
                group.start_soon(self._guarded, stage)
        return self._error

    async def _guarded(self, stage: Callable[..., Awaitable[None]], *args: object) -> None:
        try:
            await stage(*args)
        except Exception as error:  # noqa: BLE001 - it ends the sitting, and `run` hands it out
            self._error = self._error or error
            self._scope.cancel()

    async def _guarded_detail(self, stage: Callable[[], Awaitable[None]]) -> None:
        try:
            await stage()
        except HOPELESS:
            raise
        except SMSError as error:
            # Lists and counts may still be had, and come before details.
            self._error = self._error or error
            self._details.cancel()

    def _start_workers(
        self,
        group: anyio.abc.TaskGroup,
        queue: WorkQueue,
        fetch: Callable[[Sequence[int]], Awaitable[None]],
        size: int = 1,
        *,
        detail: bool = False,
    ) -> None:
        async def work() -> None:
            while ids := await queue.take(size, full=size > 1):
                await fetch(ids)
                await self._reporter.step()

        async def work_on_details() -> None:
            await self._guarded_detail(work)

        for _ in range(WORKERS):
            group.start_soon(self._guarded, work_on_details if detail else work)

    # The list

    async def _listing(self) -> None:
        await self._read_list()
        if self._window.mode != "window" and self.whole:
            await self._look_for_gone()
        await self._ledger.enqueue_debts("broadcast")
        self._broadcasts.close()
        async with anyio.create_task_group() as group:
            self._start_workers(group, self._broadcasts, self._fetch_broadcast)
        await self._ledger.enqueue_debts("metrics")
        self._metrics.close()

    async def _read_list(self) -> None:
        seen = await self._read_once()
        for _ in range(PASSES - 1):
            if seen.short:
                seen = await self._read_once()
        if seen.short:
            self.whole = False
            self.notes.append(f"the list ended after {seen.rows} of {seen.most} broadcasts")
        if seen.unreadable:
            self.whole = False
            self.notes.append(f"{seen.unreadable} rows of the list came without a usable id")

    async def _read_once(self) -> _Pass:
        seen = _Pass()
        async with self._source.broadcasts(self._window.listing) as pages:
            async for page in pages:
                seen.add(page)
                self._reporter.listed(seen.rows, page.total)
                await self._ledger.save_page(page.items)
                self._wake_all()
                await self._reporter.step()
        return seen

    async def _look_for_gone(self) -> None:
        unseen, known = await self._ledger.unseen()
        if len(unseen) <= max(MANY, known // SHARE) or self._accept_deletions:
            await self._ledger.enqueue("broadcast", unseen)
            return
        self.whole = False
        self.notes.append(
            f"{len(unseen)} of {known} known broadcasts are not in the list any more, too many to be believed: "
            "none was marked as deleted (a wrong URL or a broken proxy looks like that). Where it is true, accept it: "
            "accept_deletions=True, or --accept-deletions"
        )

    async def _fetch_broadcast(self, ids: Sequence[int]) -> None:
        async def fetch(broadcast_id: int) -> None:
            try:
                fields = await self._source.broadcast(broadcast_id)
            except SMSError as error:
                if not is_nothing(error):
                    raise
                fields = None
            await self._ledger.save_broadcast(broadcast_id, fields)
            self._metrics.wake()

        await self._each("broadcast", ids, fetch)

    # What came of the broadcasts

    async def _counting(self) -> None:
        async with anyio.create_task_group() as group:
            self._start_workers(group, self._metrics, self._fetch_metrics, CHUNK)
        await self._ledger.enqueue_debts("failures", "recipients")
        self._failures.close()
        self._recipients.close()

    async def _detailing(self) -> None:
        with self._details:
            async with anyio.create_task_group() as group:
                self._start_workers(group, self._failures, self._fetch_failures, detail=True)
                self._start_workers(group, self._recipients, self._fetch_recipients, detail=True)

    async def _fetch_metrics(self, ids: Sequence[int]) -> None:
        counted = await self._source.metrics(ids)
        await self._ledger.save_metrics(ids, counted)
        self._wake_all()
        if counted.failed and not counted.metrics and not counted.missing:
            self._count_failure("metrics", next(iter(counted.failed.values())))
        else:
            self._streaks["metrics"] = 0

    async def _fetch_failures(self, ids: Sequence[int]) -> None:
        async def fetch(broadcast_id: int) -> None:
            # Before they are asked for: should the counts move meanwhile, they are asked for again.
            before = await self._ledger.known(broadcast_id)
            await self._ledger.save_failures(broadcast_id, await self._source.failures(broadcast_id), before)

        await self._each("failures", ids, fetch)

    async def _fetch_recipients(self, ids: Sequence[int]) -> None:
        async def fetch(broadcast_id: int) -> None:
            before = await self._ledger.known(broadcast_id)
            untold = await self._ledger.untold_failures(broadcast_id, before.recipients_counts)
            seen = await self._read_recipients(broadcast_id, before)
            for _ in range(PASSES - 1):
                if not seen.exact and seen.most is not None:
                    seen = await self._read_recipients(broadcast_id, before)
            # Where the server names no total, all may be there; but then nobody may have disappeared.
            uncounted = seen.most is None and seen.unreadable == 0
            if not seen.exact and not (uncounted and not await self._ledger.unseen_recipients(broadcast_id)):
                ids = f", and {seen.unreadable} without a usable id" if seen.unreadable else ""
                total = "an unknown number of" if seen.most is None else seen.most
                raise PagingError(f"{seen.rows} of {total} recipients came{ids}")
            await self._ledger.save_recipients_end(broadcast_id, before, untold)

        await self._each("recipients", ids, fetch)

    async def _read_recipients(self, broadcast_id: int, before: Known) -> _Pass:
        seen = _Pass()
        async with self._source.recipients(broadcast_id) as pages:
            async for page in pages:
                seen.add(page)
                await self._ledger.save_recipients(broadcast_id, page, before)
                await self._reporter.step()
        return seen

    def _wake_all(self) -> None:
        for queue in (self._metrics, self._failures, self._recipients):
            queue.wake()

    # The account as a whole

    async def _account_wide(self) -> None:
        async def fetch_credits(_: int) -> None:
            await self._ledger.save_credits(await self._source.credits())

        async def fetch_lists(_: int) -> None:
            await self._ledger.save_lists(await self._source.lists())

        async def fetch_snapshot(_: int) -> None:
            start, end = self._window.start, self._window.end
            await self._ledger.save_snapshot(await self._source.snapshot(start, end), start, end)

        fetches: dict[Kind, Callable[[int], Awaitable[None]]] = {
            "credits": fetch_credits,
            "lists": fetch_lists,
            "snapshot": fetch_snapshot,
        }
        async with anyio.create_task_group() as group:
            for kind, fetch in fetches.items():
                group.start_soon(self._guarded, self._each, kind, [0], fetch)

    # Failures

    async def _each(self, kind: Kind, ids: Sequence[int], fetch: Callable[[int], Awaitable[None]]) -> None:
        for broadcast_id in ids:
            try:
                await fetch(broadcast_id)
            except HOPELESS:
                raise
            except SMSError as error:
                if is_nothing(error) and kind in ("failures", "recipients", "lists"):
                    await self._ledger.save_nothing(kind, broadcast_id)
                else:
                    await self._ledger.save_failed(kind, broadcast_id, error)
                self._count_failure(kind, error)
            else:
                self._streaks[kind] = 0

    def _count_failure(self, kind: Kind, error: SMSError) -> None:
        self._streaks[kind] = 0 if is_answer(error) else self._streaks.get(kind, 0) + 1
        if self._streaks[kind] >= STORM:
            raise error
