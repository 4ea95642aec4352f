"""What to write for each thing fetched: statements, made from rows and from who fetched them, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from attrs import frozen

from ac_sms_async.collect.needs import Counts
from ac_sms_async.collect.rows import COUNTS, Fields, RecipientFields, value
from ac_sms_async.collect.store.protocol import Row, Statement, Value
from ac_sms_async.collect.store.statements import upsert
from ac_sms_async.collect.window import Detail
from ac_sms_async.errors import APIStatusError

__all__ = ["Stamp"]


@frozen
class Stamp:
    """Who fetched it, in which run and sitting, and when: a part of every row."""

    account: str
    run_id: str
    sitting: int
    at: str

    def broadcasts(self, items: Iterable[Fields]) -> list[Statement]:
        """Broadcasts, as the server has them now."""
        rows = [{**item, **self._fields, "first_collected_at": self.at} for item in items]
        leave = ("failures_collected_at", "recipients_collected_at", "failures_counts", "recipients_counts")
        return [upsert("broadcasts", rows, leave=leave, keep=("first_collected_at",))]

    def gone(self, broadcast_id: int) -> list[Statement]:
        """A broadcast that the server no longer has: nothing of it is owed any more."""
        mine = (self.account, broadcast_id)
        sql = "UPDATE broadcasts SET deleted_at = ?, run_id = ?, sitting = ? WHERE account = ? AND broadcast_id = ?"
        return [
            Statement(sql, [(self.at, self.run_id, self.sitting, *mine)]),
            Statement("DELETE FROM failed_ids WHERE account = ? AND broadcast_id = ?", [mine]),
        ]

    def metrics(self, found: Mapping[int, Fields], known: Mapping[int, Counts | None]) -> list[Statement]:
        """Counts, and a row of history for those that are not what was `known`."""
        rows = [{**item, **self._fields, "changed_at": self.at} for item in found.values()]
        changed = [row for row in rows if is_changed(row, known.get(_id(row)))]
        same = [row for row in rows if not is_changed(row, known.get(_id(row)))]
        return [
            upsert("metrics", changed),
            upsert("metrics", same, keep=("changed_at",)),
            upsert("metrics_history", changed),
        ]

    def failures(self, broadcast_id: int, groups: Iterable[Fields], counts: str | None = None) -> list[Statement]:
        """The failure groups of a broadcast, in place of those before, and the counts they were fetched under."""
        rows = [{**group, **self._fields, "broadcast_id": broadcast_id} for group in groups]
        return [
            Statement(
                "DELETE FROM failure_groups WHERE account = ? AND broadcast_id = ?", [(self.account, broadcast_id)]
            ),
            upsert("failure_groups", rows),
            self._collected("failures", broadcast_id, counts),
        ]

    def recipients(self, broadcast_id: int, items: Sequence[RecipientFields]) -> list[Statement]:
        """A page of recipients, each with its replies in place of those before."""
        mine: dict[str, Value] = {**self._fields, "broadcast_id": broadcast_id}
        return [
            upsert("recipients", [{"erased_at": None, **item.fields, **mine} for item in items]),
            Statement(
                "DELETE FROM replies WHERE account = ? AND broadcast_id = ? AND contact_id = ?",
                [(self.account, broadcast_id, item.contact_id) for item in items],
            ),
            upsert("replies", [{**reply, **mine} for item in items for reply in item.replies]),
        ]

    def erase(self, broadcast_id: int, which: str, values: Row) -> list[Statement]:
        """Blank what is personal of the recipients of a broadcast that `which` says; ids and counts stay."""
        mine = (self.account, broadcast_id, *values)
        where = f"account = ? AND broadcast_id = ? AND {which}"
        return [
            Statement(
                "DELETE FROM replies WHERE account = ? AND broadcast_id = ? AND contact_id IN "
                f"(SELECT contact_id FROM recipients WHERE {where})",
                [(self.account, broadcast_id, *mine)],
            ),
            Statement(
                f"UPDATE recipients SET name = NULL, phone_number = NULL, extra = NULL, erased_at = ? WHERE {where}",
                [(self.at, *mine)],
            ),
        ]

    def recipients_done(self, broadcast_id: int, counts: str | None) -> list[Statement]:
        """The mark that all recipients of a broadcast were fetched; those that are no longer among them are blanked."""
        return [
            *self.erase(broadcast_id, "sitting <> ? AND erased_at IS NULL", (self.sitting,)),
            self._collected("recipients", broadcast_id, counts),
        ]

    def lists(self, items: Iterable[Fields]) -> list[Statement]:
        """The lists, by name. One that is gone keeps its row: broadcasts went to it."""
        return [upsert("lists", [{**item, **self._fields} for item in items])]

    def credits(self, fields: Fields) -> list[Statement]:
        """The credits as this run saw them."""
        return [upsert("credits", [{**fields, **self._fields}])]

    def snapshot(self, fields: Fields, start: date | None, end: date | None) -> list[Statement]:
        """The account's totals as this run saw them, over the days from `start` to `end`."""
        window = {"window_start": value(start), "window_end": value(end)}
        return [upsert("snapshots", [{**fields, **self._fields, **window}])]

    def failed(self, kind: str, errors: Mapping[int, Exception]) -> list[Statement]:
        """What could not be fetched, and why."""
        rows = [
            (
                *(self.account, kind, broadcast_id, str(error), type(error).__name__),
                error.status if isinstance(error, APIStatusError) else None,
                *(self.at, self.at, self.run_id),
            )
            for broadcast_id, error in errors.items()
        ]
        return [
            Statement(
                "INSERT INTO failed_ids (account, kind, broadcast_id, error, error_type, http_status, attempts, "
                "first_failed_at, last_failed_at, run_id) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?) "
                "ON CONFLICT (account, kind, broadcast_id) DO UPDATE SET error = excluded.error, "
                "error_type = excluded.error_type, http_status = excluded.http_status, "
                "last_failed_at = excluded.last_failed_at, run_id = excluded.run_id",
                rows,
            )
        ]

    def settled(self, kind: str, ids: Iterable[int]) -> list[Statement]:
        """What is no longer owed."""
        sql = "DELETE FROM failed_ids WHERE account = ? AND kind = ? AND broadcast_id = ?"
        return [Statement(sql, [(self.account, kind, broadcast_id) for broadcast_id in ids])]

    @property
    def _fields(self) -> dict[str, Value]:
        return {
            "account": self.account,
            "run_id": self.run_id,
            "sitting": self.sitting,
            "collected_at": self.at,
        }

    def _collected(self, detail: Detail, broadcast_id: int, counts: str | None) -> Statement:
        return Statement(
            f"UPDATE broadcasts SET {detail}_collected_at = ?, {detail}_counts = ? "
            "WHERE account = ? AND broadcast_id = ?",
            [(self.at, counts, self.account, broadcast_id)],
        )


def is_changed(row: Mapping[str, Any], known: Counts | None) -> bool:
    """True when these counts are not what the store knew."""
    return known != tuple(row[name] for name in COUNTS)


def _id(row: Mapping[str, Any]) -> int:
    return int(row["broadcast_id"])
