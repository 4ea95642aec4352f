"""One run's book: what there is to fetch, what was fetched, what failed; each step durable in one transaction.

Rows are written together with the mark that they were fetched. So whatever moment a process dies at, the store holds
whole steps, and the next process goes on behind the last of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, cast

from attrs import frozen

from ac_sms_async.collect.records import Known, Stamp, is_changed
from ac_sms_async.collect.rows import COUNTS, Fields, RecipientFields, moment
from ac_sms_async.collect.runs import Run
from ac_sms_async.collect.source import Counted, Found
from ac_sms_async.collect.statements import marks
from ac_sms_async.collect.store import Statement, Store
from ac_sms_async.collect.window import Detail

__all__ = ["Kind", "Ledger", "Tally"]

Kind = Literal["broadcast", "metrics", "failures", "recipients", "credits", "snapshot"]

_SENT = ("sent", "sending")


@frozen
class Tally:
    """How much of each kind of work there is and is done, how many rows of recipients were fetched, and what failed."""

    total: Mapping[str, int]
    done: Mapping[str, int]
    recipients: int
    failed: int


class Ledger:
    """What one run reads from and writes to its store, step by step."""

    def __init__(
        self, store: Store, account: str, run: Run, include: Collection[Detail], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._account = account
        self._run = run
        self._include = include
        self._now = now
        self._seq = run.seq

    async def checkpoint(self, name: str) -> tuple[str | None, bool]:
        """Where to go on in a list of pages, and whether it was read to its end."""
        rows = await self._store.read(
            "SELECT token, done FROM checkpoints WHERE run_id = ? AND name = ?", (self._run.run_id, name)
        )
        return (cast("str | None", rows[0][0]), bool(rows[0][1])) if rows else (None, False)

    async def pending(self, kind: Kind, after: int, limit: int) -> list[tuple[int, int]]:
        """The next work of a kind, in order: `(seq, broadcast_id)` of what has a seq above `after` and isn't done."""
        rows = await self._store.read(
            "SELECT seq, broadcast_id FROM work WHERE run_id = ? AND kind = ? AND done = 0 AND seq > ? "
            f"ORDER BY seq LIMIT {limit}",
            (self._run.run_id, kind, after),
        )
        return cast("list[tuple[int, int]]", rows)

    async def tally(self) -> Tally:
        """What there is and what is done so far, over all sittings of the run."""
        rows = await self._store.read(
            "SELECT kind, COUNT(*), CAST(SUM(done) AS BIGINT) FROM work WHERE run_id = ? GROUP BY kind",
            (self._run.run_id,),
        )
        counted = cast("list[tuple[str, int, int]]", rows)
        [(recipients, failed)] = await self._store.read(
            "SELECT recipients, (SELECT COUNT(*) FROM failed_ids WHERE account = ? AND run_id = ?) "
            "FROM runs WHERE run_id = ?",
            (self._account, self._run.run_id, self._run.run_id),
        )
        return Tally(
            {kind: total for kind, total, _ in counted},
            {kind: done for kind, _, done in counted},
            cast("int", recipients),
            cast("int", failed),
        )

    async def save_page(self, label: str, page: Found[Fields]) -> None:
        """A page of a list of broadcasts: its rows, their metrics as work to do, and where to go on."""
        ids = [_id(item) for item in page.items]
        await self._store.write(
            *self._stamp().broadcasts(page.items),
            self._work("metrics", ids),
            self._reached(label, page.token, done=False),
        )

    async def save_list_end(self, label: str) -> None:
        """A list of broadcasts was read to its end."""
        await self._store.write(self._reached(label, None, done=True))

    async def enqueue_unseen(self) -> None:
        """For a run since the last: what can still change, and was in none of the lists.

        A broadcast that was not sent when it was last seen may be sent or gone by now; one sent within the horizon may
        be missing from the list because the server's dates are of another kind.
        """
        since = cast("date", self._run.since).isoformat()
        unseen = "SELECT broadcast_id FROM broadcasts WHERE account = ? AND run_id <> ? AND deleted_at IS NULL AND "
        mine = (self._account, self._run.run_id)
        unsent = await self._store.read(unseen + "(status IS NULL OR status <> 'sent') ORDER BY broadcast_id", mine)
        sent = await self._store.read(
            unseen + "status = 'sent' AND sent_date >= ? ORDER BY broadcast_id", (*mine, f"{since}T00:00:00Z")
        )
        await self._store.write(
            self._work("broadcast", (cast("int", row[0]) for row in unsent)),
            self._work("metrics", (cast("int", row[0]) for row in sent)),
        )

    async def save_broadcast(self, broadcast_id: int, fields: Fields | None) -> None:
        """One broadcast that was fetched alone, or None where the server no longer has it."""
        stamp = self._stamp()
        rows = stamp.gone(broadcast_id) if fields is None else stamp.broadcasts([fields])
        await self._store.write(*rows, self._work("metrics", [broadcast_id]), *self._done("broadcast", [broadcast_id]))

    async def save_metrics(self, ids: Sequence[int], counted: Counted) -> None:
        """A chunk of metrics, and what they make worth fetching: failure groups and recipients."""
        known = await self._known(ids)
        stamp = self._stamp()
        failures, recipients = self._worth_fetching(counted, known)
        await self._store.write(
            *stamp.metrics(counted.metrics, known),
            *stamp.failed("metrics", counted.failed),
            *self._done("metrics", ids, failed=counted.failed),
            self._work("failures", failures),
            self._work("recipients", recipients),
            self._counted(metrics=len(counted.metrics), missing=len(counted.missing)),
        )

    async def save_failures(self, broadcast_id: int, groups: Sequence[Fields]) -> None:
        """The failure groups of a broadcast."""
        await self._store.write(
            *self._stamp().failures(broadcast_id, groups),
            *self._done("failures", [broadcast_id]),
            self._counted(failure_groups=len(groups)),
        )

    async def save_recipients(self, broadcast_id: int, page: Found[RecipientFields]) -> None:
        """A page of a broadcast's recipients, and where to go on."""
        await self._store.write(
            *self._stamp().recipients(broadcast_id, page.items),
            self._reached(f"recipients:{broadcast_id}", page.token, done=False),
            self._counted(recipients=len(page.items), replies=sum(len(item.replies) for item in page.items)),
        )

    async def save_recipients_end(self, broadcast_id: int) -> None:
        """All recipients of a broadcast were fetched."""
        await self._store.write(
            *self._stamp().recipients_done(broadcast_id),
            *self._done("recipients", [broadcast_id]),
        )

    async def save_credits(self, fields: Fields) -> None:
        """The account's credits."""
        await self._store.write(*self._stamp().credits(fields), *self._done("credits", [0]))

    async def save_snapshot(self, fields: Fields, start: date | None, end: date | None) -> None:
        """The account's totals."""
        rows = self._stamp().snapshot(fields, start, end)
        await self._store.write(*rows, *self._done("snapshot", [0]))

    async def save_failed(self, kind: Kind, broadcast_id: int, error: Exception) -> None:
        """What could not be fetched: owed to the next run."""
        failed = {broadcast_id: error}
        await self._store.write(*self._stamp().failed(kind, failed), *self._done(kind, [broadcast_id], failed=failed))

    def _stamp(self) -> Stamp:
        return Stamp(self._account, self._run.run_id, moment(self._now()))

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

    def _reached(self, name: str, token: str | None, *, done: bool) -> Statement:
        return Statement(
            "INSERT INTO checkpoints (run_id, name, token, done) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (run_id, name) DO UPDATE SET token = excluded.token, done = excluded.done",
            [(self._run.run_id, name, token, int(done))],
        )

    def _counted(self, **more: int) -> Statement:
        changes = ", ".join(f"{name} = {name} + ?" for name in more)
        return Statement(f"UPDATE runs SET {changes} WHERE run_id = ?", [(*more.values(), self._run.run_id)])

    async def _known(self, ids: Sequence[int]) -> dict[int, Known]:
        rows: list[Any] = await self._store.read(
            "SELECT b.broadcast_id, b.status, b.failures_collected_at, b.recipients_collected_at, m.collected_at, "
            f"{', '.join(f'm.{name}' for name in COUNTS)} FROM broadcasts b "
            "LEFT JOIN metrics m ON m.account = b.account AND m.broadcast_id = b.broadcast_id "
            f"WHERE b.account = ? AND b.broadcast_id IN ({marks(len(ids))})",
            (self._account, *ids),
        )
        return {
            broadcast_id: Known(status, failures is not None, recipients is not None, tuple(counts) if at else None)
            for broadcast_id, status, failures, recipients, at, *counts in rows
        }

    def _worth_fetching(self, counted: Counted, known: Mapping[int, Known]) -> tuple[list[int], list[int]]:
        failures: list[int] = []
        recipients: list[int] = []
        for broadcast_id, fields in counted.metrics.items():
            before = known.get(broadcast_id, Known())
            # A run since the last leaves alone what has not moved.
            settled = self._run.since is not None and not is_changed(fields, before)
            if fields["failures"] != 0 and not (settled and before.failures_collected):
                failures.append(broadcast_id)
            if fields["sends"] != 0 and not (settled and before.recipients_collected):
                recipients.append(broadcast_id)
        # Sent, but without counts: ask, rather than take it that nothing was sent.
        uncounted = [i for i in (*counted.missing, *counted.failed) if known.get(i, Known()).status in _SENT]
        return (
            [*failures, *uncounted] if "failures" in self._include else [],
            [*recipients, *uncounted] if "recipients" in self._include else [],
        )


def _id(item: Fields) -> int:
    return cast("int", item["broadcast_id"])
