"""One sitting's book: what there is to fetch, what was fetched, what failed; each step durable in one transaction.

Rows are written together with the mark that they were fetched. So whatever moment a process dies at, the store holds
whole steps, and the next process goes on behind the last of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from typing import cast

from ac_sms_async.collect.needs import (
    Known,
    counts_text,
    is_healed,
    is_sent,
    is_stale,
    must_count,
    needs_failures,
    needs_recipients,
    owed_details,
    unsure,
)
from ac_sms_async.collect.privacy import Privacy
from ac_sms_async.collect.records import Stamp
from ac_sms_async.collect.rows import COUNTS, Fields, RecipientFields, moment
from ac_sms_async.collect.runs import Run, fence
from ac_sms_async.collect.source import Counted, Found
from ac_sms_async.collect.store.protocol import Statement, Store, StoreBusyError, StoreError
from ac_sms_async.collect.stored_account import Kind, StoredAccount
from ac_sms_async.collect.window import DETAILS, Detail

__all__ = ["Ledger"]


class Ledger(StoredAccount):
    """What one sitting reads from its store and writes to it, step by step.

    Every write raises `StoreBusyError`, and does nothing, once another process has begun to collect the account.
    """

    def __init__(
        self,
        store: Store,
        account: str,
        run: Run,
        include: Collection[Detail],
        now: Callable[[], datetime],
        *,
        privacy: Privacy,
        refresh: bool = False,
    ) -> None:
        super().__init__(store, account, run, include)
        self._now = now
        self._privacy = privacy
        self._refresh = refresh
        self._seq = run.seq

    # Broadcasts

    async def save_page(self, items: Sequence[Fields]) -> None:
        """A page of the list of broadcasts: its rows, and what of them is worth a request."""
        ids = [_id(item) for item in items]
        known = await self.known_of(ids)
        counting = [_id(item) for item in items if must_count(item, known.get(_id(item), Known()), self._run.since)]
        details: dict[Detail, list[int]] = {"failures": [], "recipients": []}
        at_rest = sorted(set(ids).difference(counting))
        for broadcast_id in at_rest:
            wanted = owed_details(known[broadcast_id])
            for detail in self._include:
                if wanted[detail]:
                    details[detail].append(broadcast_id)
        if self._run.since is not None:
            # What could not be counted, and was given up, is as what the server leaves out: sent for all we know.
            given_up = await self.given_up("metrics", counting)
            sent = [_id(item) for item in items if _id(item) in given_up and is_sent(item["status"])]
            details = {detail: [*found, *sent] if detail in self._include else [] for detail, found in details.items()}
            # What failed before has its own time: see `enqueue_debts`.
            counting = await self.without_debts("metrics", counting)
            details = {detail: await self.without_debts(detail, found) for detail, found in details.items()}
        # Groups that are newer than the counts, which the server leaves out by now, are not to be judged by these.
        healed = [i for i in at_rest if is_stale(known[i]) and is_healed(known[i].counts, known[i])]
        stamp = self._stamp()
        await self._write(
            *stamp.broadcasts(items),
            self._work("metrics", counting),
            *(self._work(detail, found) for detail, found in details.items()),
            *_cleared(stamp, healed),
            *stamp.settled("broadcast", ids),
        )

    async def enqueue(self, kind: Kind, ids: Iterable[int]) -> None:
        """Have these fetched."""
        await self._write(self._work(kind, ids))

    async def enqueue_debts(self, *kinds: Kind) -> None:
        """Have what failed in earlier runs fetched, where its time has come: behind everything else."""
        for kind in kinds:
            if kind in DETAILS and kind not in self._include:
                continue
            rows = await self._store.read(
                "SELECT broadcast_id FROM failed_ids WHERE account = ? AND kind = ? AND given_up_at IS NULL "
                "AND retry_sitting <= ? ORDER BY attempts, broadcast_id",
                (self._account, kind, self._run.sitting),
            )
            await self._write(self._work(kind, (cast("int", row[0]) for row in rows)))

    async def save_broadcast(self, broadcast_id: int, fields: Fields | None) -> None:
        """One broadcast that was fetched alone, or None where the server no longer has it."""
        stamp = self._stamp()
        if fields is None or fields["deleted_at"] is not None:
            rows = [*(stamp.broadcasts([fields]) if fields else []), *stamp.gone(broadcast_id)]
        else:
            rows = [*stamp.broadcasts([fields]), self._work("metrics", [broadcast_id])]
        await self._write(*rows, *self._done("broadcast", [broadcast_id]))

    # What came of them

    async def save_metrics(self, ids: Sequence[int], counted: Counted) -> None:
        """A chunk of metrics, and what they make worth fetching: failure groups and recipients."""
        known = await self.known_of(ids)
        stamp = self._stamp()
        failures: list[int] = []
        recipients: list[int] = []
        healed: list[int] = []
        full = self._run.since is None
        for broadcast_id in ids:
            before = known.get(broadcast_id, Known())
            fields = counted.metrics.get(broadcast_id)
            counts = None if fields is None else tuple(fields[name] for name in COUNTS)
            age = self._now() if full else None
            if needs_failures(before.status, counts, before, now=age, again=self._refresh):
                failures.append(broadcast_id)
            elif is_healed(counts, before):
                healed.append(broadcast_id)
            if needs_recipients(before.status, counts, before, all_anew=full or self._refresh):
                recipients.append(broadcast_id)
        if not full:
            failures = await self.without_debts("failures", failures)
            recipients = await self.without_debts("recipients", recipients)
        await self._write(
            *stamp.metrics(counted.metrics, {i: entry.counts for i, entry in known.items()}),
            *stamp.failed("metrics", counted.failed),
            *self._done("metrics", ids, failed=counted.failed),
            *_cleared(stamp, healed),
            self._work("failures", failures if "failures" in self._include else []),
            self._work("recipients", recipients if "recipients" in self._include else []),
            self._counted(metrics=len(counted.metrics), missing=len(counted.missing)),
        )

    async def save_failures(self, broadcast_id: int, groups: Sequence[Fields], before: Known) -> None:
        """The failure groups of a broadcast, and what was `known` of it before they were asked for."""
        await self._write(
            *self._stamp().failures(broadcast_id, groups, counts_text(before.counts)),
            *self._done("failures", [broadcast_id]),
            self._counted(failure_groups=len(groups)),
        )

    async def save_recipients(self, broadcast_id: int, page: Found[RecipientFields], before: Known) -> None:
        """A page of a broadcast's recipients."""
        items = [self._privacy.kept(item, before.sent_date) for item in page.items]
        await self._write(
            *self._stamp().recipients(broadcast_id, items),
            self._counted(recipients=len(items), replies=sum(len(item.replies) for item in items)),
        )

    async def save_recipients_end(self, broadcast_id: int, before: Known, untold: int | None) -> None:
        """All recipients of a broadcast were fetched, every one of them; those not seen are gone.

        `untold` is how many failures there were `before` that no recipient told of. Of all counts only failures go up
        and down again: who reads recipients while a message failed for a moment sees the same counts ever after. So
        where those that failed are others than the counts say, recipients are fetched again by the next run, until it
        finds the same: contacts who were erased count, though no row may tell of them.
        """
        counts = counts_text(before.counts)
        sure = await self.untold_failures(broadcast_id, counts) in (
            (untold,) if before.recipients_counts is not None else (None, 0)
        )
        await self._write(
            *self._stamp().recipients_done(broadcast_id, counts if sure else unsure(counts)),
            *self._done("recipients", [broadcast_id]),
        )

    # The account as a whole

    async def save_credits(self, fields: Fields) -> None:
        """The account's credits."""
        await self._write(*self._stamp().credits(fields), *self._done("credits", [0]))

    async def save_lists(self, items: Sequence[Fields]) -> None:
        """The account's lists."""
        await self._write(*self._stamp().lists(items), *self._done("lists", [0]))

    async def save_snapshot(self, fields: Fields, start: date | None, end: date | None) -> None:
        """The account's totals."""
        rows = self._stamp().snapshot(fields, start, end)
        await self._write(*rows, *self._done("snapshot", [0]))

    async def blank_what_must_go(self) -> None:
        """Blank what is personal and must not be kept any longer."""
        statements = await self._privacy.overdue(self._store, self._stamp())
        if statements:
            await self._write(*statements)

    # Failures

    async def save_failed(self, kind: Kind, broadcast_id: int, error: Exception) -> None:
        """What could not be fetched: owed to later runs."""
        failed = {broadcast_id: error}
        await self._write(*self._stamp().failed(kind, failed), *self._done(kind, [broadcast_id], failed=failed))

    async def save_nothing(self, kind: Kind, broadcast_id: int) -> None:
        """The server says that there is no such thing: nothing is owed, and what is known of it stays."""
        await self._write(*self._done(kind, [broadcast_id]))

    def _stamp(self) -> Stamp:
        return Stamp(self._account, self._run.run_id, self._run.sitting, moment(self._now()))

    async def _write(self, *statements: Statement) -> None:
        try:
            await self._store.write(fence(self._account, self._run), *statements)
        except StoreError as error:
            # Whoever sat down later has the account; the store itself may be in perfect order.
            if await self.is_ours():
                raise
            raise StoreBusyError(
                f"another process has begun to collect the account {self._account!r} into this store meanwhile; "
                "this one has stopped, and what it saved is kept"
            ) from error

    def _work(self, kind: Kind, ids: Iterable[int]) -> Statement:
        rows = [(self._run.run_id, kind, broadcast_id, self._next_seq()) for broadcast_id in ids]
        sql = "INSERT INTO work (run_id, kind, broadcast_id, seq, done) VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING"
        return Statement(sql, rows)

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _done(self, kind: Kind, ids: Sequence[int], *, failed: Collection[int] = ()) -> list[Statement]:
        sql = "UPDATE work SET done = 1 WHERE run_id = ? AND kind = ? AND broadcast_id = ?"
        return [
            Statement(sql, [(self._run.run_id, kind, broadcast_id) for broadcast_id in ids]),
            *self._stamp().settled(kind, (broadcast_id for broadcast_id in ids if broadcast_id not in failed)),
        ]

    def _counted(self, **more: int) -> Statement:
        changes = ", ".join(f"{name} = {name} + ?" for name in more)
        return Statement(f"UPDATE runs SET {changes} WHERE run_id = ?", [(*more.values(), self._run.run_id)])


def _cleared(stamp: Stamp, ids: Iterable[int]) -> list[Statement]:
    return [statement for broadcast_id in ids for statement in stamp.failures(broadcast_id, [])]


def _id(item: Fields) -> int:
    return cast("int", item["broadcast_id"])
