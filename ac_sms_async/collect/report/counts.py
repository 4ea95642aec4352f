"""Counts of messages, added up, and the rates they make. What nobody said is unknown, and not 0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import field, frozen

from ac_sms_async.collect.report.statistics import Pair

__all__ = ["RATES", "Count", "Counts", "RateName", "Row", "Sum", "pair"]

RateName = Literal["delivery", "failure", "click", "reply", "opt_out"]
RATES: tuple[RateName, ...] = ("delivery", "failure", "click", "reply", "opt_out")

Count = int | None
Row = tuple[Count, Count, Count, Count, Count, Count]
"""Sends, deliveries, failures, clicks, replies and opt-outs of a broadcast."""

_RATED = ((1, 0), (2, 0), (3, 1), (4, 1), (5, 1))
"""Part and whole of each rate, as places in a row of counts."""
_PLACES = dict(zip(RATES, _RATED, strict=True))


@frozen
class Counts:
    """Counts of messages (None where the server said none), and the rates they make (None where nothing was sent)."""

    broadcasts: int = 0
    sends: int | None = 0
    deliveries: int | None = 0
    failures: int | None = 0
    clicks: int | None = 0
    replies: int | None = 0
    opt_outs: int | None = 0
    pairs: tuple[Pair, ...] = field(default=((0, 0),) * len(RATES), repr=False)
    """For each rate its part and its whole, of the broadcasts where the server said both."""

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Counts:
        """Of these broadcasts."""
        total = Sum()
        for row in rows:
            total.add(row)
        return total.counts()

    def rate(self, name: RateName) -> float | None:
        """One of the rates."""
        part, whole = self.pairs[RATES.index(name)]
        return part / whole if whole else None

    @property
    def delivery_rate(self) -> float | None:
        """Delivered of sent."""
        return self.rate("delivery")

    @property
    def failure_rate(self) -> float | None:
        """Failed of sent."""
        return self.rate("failure")

    @property
    def click_rate(self) -> float | None:
        """Clicks for each message delivered."""
        return self.rate("click")

    @property
    def reply_rate(self) -> float | None:
        """Replies for each message delivered."""
        return self.rate("reply")

    @property
    def opt_out_rate(self) -> float | None:
        """Opt-outs for each message delivered."""
        return self.rate("opt_out")


class Sum:
    """Counts being added up, row by row: there may be a hundred thousand."""

    __slots__ = ("_counts", "_pairs", "_rows", "_said", "_whole")

    def __init__(self) -> None:
        self._rows = 0
        self._whole = [0] * 7
        """Counts of rows in which the server said all, and how many they are: most by far, so they have a short way."""
        self._counts = [0] * 6
        self._said = [False] * 6
        self._pairs = [0] * (2 * len(_RATED))

    def add(self, row: Row) -> None:
        """Add a broadcast; what the server didn't say adds nothing, and makes no rate smaller."""
        self._rows += 1
        sends, deliveries, failures, clicks, replies, opt_outs = row
        if (
            sends is None
            or deliveries is None
            or failures is None
            or clicks is None
            or replies is None
            or opt_outs is None
        ):
            self._add_what_is_known(row)
            return
        whole = self._whole
        whole[0] += sends
        whole[1] += deliveries
        whole[2] += failures
        whole[3] += clicks
        whole[4] += replies
        whole[5] += opt_outs
        whole[6] += 1

    def _add_what_is_known(self, row: Row) -> None:
        for place, count in enumerate(row):
            if count is not None:
                self._counts[place] += count
                self._said[place] = True
        for place, (of, in_all) in enumerate(_RATED):
            part, whole = row[of], row[in_all]
            if part is not None and whole is not None:
                self._pairs[2 * place] += part
                self._pairs[2 * place + 1] += whole

    def merge(self, other: Sum) -> None:
        """Add what another one has added up."""
        self._rows += other._rows
        self._whole = [a + b for a, b in zip(self._whole, other._whole, strict=True)]
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        self._said = [a or b for a, b in zip(self._said, other._said, strict=True)]
        self._pairs = [a + b for a, b in zip(self._pairs, other._pairs, strict=True)]

    def counts(self) -> Counts:
        """What they come to."""
        sends, deliveries, failures, clicks, replies, opt_outs = (
            known + whole if said or self._whole[6] or not self._rows else None
            for known, said, whole in zip(self._counts, self._said, self._whole[:6], strict=True)
        )
        pairs = tuple(
            (self._pairs[2 * place] + self._whole[of], self._pairs[2 * place + 1] + self._whole[in_all])
            for place, (of, in_all) in enumerate(_RATED)
        )
        return Counts(self._rows, sends, deliveries, failures, clicks, replies, opt_outs, pairs)


def pair(row: Row, name: RateName) -> Pair | None:
    """Part and whole of one broadcast's rate, where the server said both and there is a whole."""
    of, in_all = _PLACES[name]
    part, whole = row[of], row[in_all]
    return (part, whole) if part is not None and whole else None
