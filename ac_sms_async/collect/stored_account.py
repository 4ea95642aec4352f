"""What the store has of one account, as a sitting asks for it: what is known, what is owed, what is left to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, cast

from attrs import frozen

from ac_sms_async.collect.needs import Known, failures_of
from ac_sms_async.collect.rows import COUNTS
from ac_sms_async.collect.runs import Run
from ac_sms_async.collect.store.protocol import Store, StoreError
from ac_sms_async.collect.store.statements import marks
from ac_sms_async.collect.window import Detail

__all__ = ["Kind", "StoredAccount", "Tally"]

Kind = Literal["broadcast", "metrics", "failures", "recipients", "credits", "lists", "snapshot"]


@frozen
class Tally:
    """How much of each kind of work there is and is done, rows of recipients fetched and expected, and what failed."""

    total: Mapping[str, int]
    done: Mapping[str, int]
    recipients: int
    recipients_expected: int
    failed: int


class StoredAccount:
    """The store as one sitting reads it. Nothing here writes."""

    def __init__(self, store: Store, account: str, run: Run, include: Collection[Detail]) -> None:
        self._store = store
        self._account = account
        self._run = run
        self._include = include

    async def pending(self, kind: Kind, after: int, limit: int) -> list[tuple[int, int]]:
        """The next work of a kind, in order: `(seq, broadcast_id)` of what has a seq above `after` and isn't done."""
        rows = await self._store.read(
            "SELECT seq, broadcast_id FROM work WHERE run_id = ? AND kind = ? AND done = 0 AND seq > ? "
            f"ORDER BY seq LIMIT {limit}",
            (self._run.run_id, kind, after),
        )
        return cast("list[tuple[int, int]]", rows)

    async def tally(self) -> Tally:
        """What there is and what is done so far in this sitting."""
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
            await self._recipients_expected() if any(kind == "recipients" for kind, _, _ in counted) else 0,
            cast("int", failed),
        )

    async def _recipients_expected(self) -> int:
        """To how many the broadcasts were sent whose recipients are to be fetched, or were."""
        [(expected,)] = await self._store.read(
            "SELECT CAST(SUM(COALESCE(m.sends, b.sent_to_count)) AS BIGINT) FROM work w "
            "LEFT JOIN metrics m ON m.account = ? AND m.broadcast_id = w.broadcast_id "
            "LEFT JOIN broadcasts b ON b.account = ? AND b.broadcast_id = w.broadcast_id "
            "WHERE w.run_id = ? AND w.kind = 'recipients'",
            (self._account, self._account, self._run.run_id),
        )
        return cast("int", expected or 0)

    async def unseen(self) -> tuple[list[int], int]:
        """The known broadcasts that the list did not have, and how many it should have had."""
        rows = await self._store.read(
            "SELECT broadcast_id FROM broadcasts WHERE account = ? AND deleted_at IS NULL AND sitting <> ? "
            "ORDER BY broadcast_id",
            (self._account, self._run.sitting),
        )
        [(known,)] = await self._store.read(
            "SELECT COUNT(*) FROM broadcasts WHERE account = ? AND deleted_at IS NULL", (self._account,)
        )
        return [cast("int", row[0]) for row in rows], cast("int", known)

    async def known(self, broadcast_id: int) -> Known:
        """What the store knows of a broadcast."""
        return (await self.known_of([broadcast_id])).get(broadcast_id, Known())

    async def unseen_recipients(self, broadcast_id: int) -> int:
        """How many recipients of a broadcast this sitting has not seen."""
        [(unseen,)] = await self._store.read(
            "SELECT COUNT(*) FROM recipients WHERE account = ? AND broadcast_id = ? AND sitting <> ? "
            "AND erased_at IS NULL",
            (self._account, broadcast_id, self._run.sitting),
        )
        return cast("int", unseen)

    async def untold_failures(self, broadcast_id: int, counts: str | None) -> int | None:
        """How many failures there are by `counts` that no recipient in the store tells of; None: nobody knows."""
        failures = failures_of(counts)
        if failures is None:
            return None
        [(told,)] = await self._store.read(
            "SELECT COUNT(*) FROM recipients WHERE account = ? AND broadcast_id = ? AND deliverability = 'failed'",
            (self._account, broadcast_id),
        )
        return failures - cast("int", told)

    async def left(self) -> int:
        """How much work nobody has done. None, unless something is wrong in here."""
        [(left,)] = await self._store.read(
            "SELECT COUNT(*) FROM work WHERE run_id = ? AND done = 0", (self._run.run_id,)
        )
        return cast("int", left)

    async def owed(self) -> list[tuple[str, int, str]]:
        """What is owed, as far as this run was asked to look: by kind, how many ids, and what one of them ended in."""
        kinds = ("broadcast", "metrics", "credits", "lists", "snapshot", *sorted(self._include))
        rows = await self._store.read(
            "SELECT kind, COUNT(*), MIN(error) FROM failed_ids WHERE account = ? AND given_up_at IS NULL "
            f"AND kind IN ({marks(len(kinds))}) GROUP BY kind ORDER BY kind",
            (self._account, *kinds),
        )
        return cast("list[tuple[str, int, str]]", rows)

    async def is_ours(self) -> bool:
        """Whether nobody has begun to collect the account since this sitting did."""
        try:
            rows = await self._store.read("SELECT sitting FROM accounts WHERE account = ?", (self._account,))
        except StoreError:
            return True
        return bool(rows) and rows[0][0] == self._run.sitting

    async def known_of(self, ids: Sequence[int]) -> dict[int, Known]:
        """What the store knows of these broadcasts; those it has never seen aren't in it."""
        if not ids:
            # To PostgreSQL an empty list is a syntax error.
            return {}
        rows: list[Any] = await self._store.read(
            "SELECT b.broadcast_id, b.status, b.sent_date, b.failures_counts, b.failures_collected_at, "
            "b.recipients_counts, (SELECT SUM(g.count) FROM failure_groups g WHERE g.account = b.account "
            f"AND g.broadcast_id = b.broadcast_id), m.collected_at, {', '.join(f'm.{name}' for name in COUNTS)} "
            "FROM broadcasts b LEFT JOIN metrics m ON m.account = b.account AND m.broadcast_id = b.broadcast_id "
            f"WHERE b.account = ? AND b.broadcast_id IN ({marks(len(ids))})",
            (self._account, *ids),
        )
        return {
            row[0]: Known(
                status=row[1],
                sent_date=row[2],
                counts=None if row[7] is None else tuple(row[8:]),
                # PostgreSQL adds up to a decimal.
                groups=None if row[6] is None else int(row[6]),
                failures_counts=row[3],
                failures_at=row[4],
                recipients_counts=row[5],
            )
            for row in rows
        }

    async def given_up(self, kind: Kind, ids: Collection[int]) -> set[Any]:
        """Those of the ids that could not be fetched, and aren't tried any more."""
        if not ids:
            return set()
        rows = await self._store.read(
            "SELECT broadcast_id FROM failed_ids WHERE account = ? AND kind = ? AND given_up_at IS NOT NULL "
            f"AND broadcast_id IN ({marks(len(ids))})",
            (self._account, kind, *ids),
        )
        return {row[0] for row in rows}

    async def without_debts(self, kind: Kind, ids: Collection[int]) -> list[int]:
        """The ids without those that failed in an earlier run, and are owed."""
        if not ids:
            return []
        rows = await self._store.read(
            f"SELECT broadcast_id FROM failed_ids WHERE account = ? AND kind = ? AND run_id <> ? "
            f"AND broadcast_id IN ({marks(len(ids))})",
            (self._account, kind, self._run.run_id, *ids),
        )
        owed = {row[0] for row in rows}
        return [broadcast_id for broadcast_id in ids if broadcast_id not in owed]
