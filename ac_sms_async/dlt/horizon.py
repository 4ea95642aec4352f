"""Which broadcasts a load looks at: those that can still have moved, kept as a few ids in dlt's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, cast

from attrs import frozen

from ac_sms_async.collect.needs import Counts, counts_text
from ac_sms_async.collect.rows import moment

__all__ = ["Horizon", "Row", "Stamp", "id_of"]

Row: TypeAlias = dict[str, Any]


@frozen
class Stamp:
    """What each row of a load has beside its fields: whose it is, which load of its table it came with, and when."""

    account: str
    load: int
    at: datetime

    @classmethod
    def next(cls, state: dict[str, Any], account: str) -> Stamp:
        """The stamp of the load after the last one that `state` tells of, a resource's own."""
        kept: dict[str, Any] = state.setdefault(account, {})
        kept["load"] = kept.get("load", 0) + 1
        return cls(account, kept["load"], datetime.now(UTC))

    def row(self, fields: Mapping[str, Any]) -> Row:
        """A row with these fields."""
        return {"account": self.account, "load_number": self.load, "collected_at": self.at, **fields}

    def emptied(self, broadcast_id: int, **key: str | int) -> Row:
        """The row that says that what earlier loads had of a broadcast is no more: what there is came with this one.

        `key` is the rest of the table's key, as no other row has it.
        """
        return self.row({"broadcast_id": broadcast_id, **key, "emptied": True})


class Horizon:
    """What a resource looks at of the broadcasts in the list, and what it has to remember of them.

    A broadcast has come to rest once it was sent longer ago than `width` before the newest that is there, and was
    looked at since. The server's dates decide: a clock that is ahead makes nothing come to rest before its time.
    """

    def __init__(self, state: dict[str, Any], stamp: Stamp, found: Sequence[Row], width: timedelta) -> None:
        self._kept: dict[str, Any] = state[stamp.account]
        self._found = found
        self._moving: dict[str, str | None] = self._kept.get("moving", {})
        now = moment(stamp.at)
        sent = (str(item["sent_date"]) for item in found if item["sent_date"] is not None)
        newest = max((day for day in sent if day <= now), default=now)
        self._rest = moment(datetime.fromisoformat(newest) - width)
        last: int = self._kept.get("last_id", 0)
        self.due: list[Row] = [
            item for item in found if id_of(item) > last or str(id_of(item)) in self._moving or not self._rests(item)
        ]
        """Those to look at: new ones, those that had not come to rest, and those that no longer have."""

    def moved(self, counts: Mapping[int, Counts]) -> list[Row]:
        """Those of them whose counts have moved; and once more, whatever they are, those that come to rest now.

        Failures go up and down again: who looked meanwhile would not see it from the counts.
        """
        return [
            item
            for item in self.due
            if self._rests(item)
            or (text := counts_text(counts.get(id_of(item)))) is None
            or text != self._moving.get(str(id_of(item)))
        ]

    def close(self, counts: Mapping[int, Counts]) -> None:
        """Remember that all were looked at, and under which counts. Who has none is looked at again."""
        self._kept["moving"] = {
            str(id_of(item)): counts_text(counts.get(id_of(item)))
            for item in self.due
            if not self._rests(item) or id_of(item) not in counts
        }
        self._kept["last_id"] = max((id_of(item) for item in self._found), default=0)

    def _rests(self, item: Row) -> bool:
        sent = item["sent_date"]
        return item["status"] == "sent" and sent is not None and str(sent) < self._rest


def id_of(item: Row) -> int:
    """The id of the broadcast that a row is about."""
    return cast("int", item["broadcast_id"])
