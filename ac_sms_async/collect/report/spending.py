"""Credits: what was spent in a span, and how long the rest lasts, by what collections saw of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise

from attrs import frozen

from ac_sms_async.collect.report.data import CreditsLine
from ac_sms_async.collect.report.span import Span

__all__ = ["Reading", "credits_line"]

_PACE_OVER = timedelta(days=28)
_SHORTEST = timedelta(days=3)
"""Over less time nobody knows what is spent on a day."""
_SHOWN = 24


@frozen
class Reading:
    """An account's credits as a collection saw them."""

    at: datetime
    available: int | None
    used: int | None
    included: int | None
    extra: int | None
    refill: datetime | None


def credits_line(account: str, readings: Sequence[Reading], span: Span, zone: tzinfo) -> CreditsLine:
    """The last of the readings (in the order of runs, at least one), and what was spent."""
    last = readings[-1]
    # A clock that was ahead for a day leads nowhere.
    ordered = [reading for reading in readings if reading.at <= last.at]
    spent, at_least = _spent_in(ordered, span, zone)
    pace, _ = _spent(_since(ordered, last.at - _PACE_OVER))
    first = _since(ordered, last.at - _PACE_OVER)[0].at
    days = (last.at - first) / timedelta(days=1)
    return CreditsLine(
        account,
        last.at,
        last.available,
        last.used,
        last.included,
        last.extra,
        None if last.refill is None else last.refill.astimezone(zone).date(),
        spent,
        at_least,
        None if pace is None or last.at - first < _SHORTEST else pace / days,
        _course(ordered),
    )


def _since(readings: Sequence[Reading], start: datetime) -> Sequence[Reading]:
    """The readings after `start`, and the last one before."""
    earlier = sum(reading.at <= start for reading in readings)
    return readings[max(earlier - 1, 0) :]


def _spent_in(readings: Sequence[Reading], span: Span, zone: tzinfo) -> tuple[int | None, bool]:
    days = [reading.at.astimezone(zone).date() for reading in readings]
    first = max(sum(day < span.start for day in days) - 1, 0)
    end = sum(day <= span.end for day in days)
    spent, refilled = _spent(readings[first:end])
    if spent is None:
        return None, False
    # A reading early on the day after would be one of the span's end, but none is that exact.
    return spent, refilled or not _near(days[first], span.start) or not _near(days[end - 1], span.end)


def _near(day: date, edge: date) -> bool:
    return abs((day - edge).days) <= 1


def _spent(readings: Sequence[Reading]) -> tuple[int | None, bool]:
    """What was used between the first and the last of them; and whether a refill hides some."""
    spent, refilled, known = 0, False, False
    for before, after in pairwise(readings):
        if before.used is None or after.used is None:
            continue
        known = True
        if after.used >= before.used and after.refill == before.refill:
            spent += after.used - before.used
        else:
            # A new period: what was used up to its beginning, nobody saw.
            spent += after.used
            refilled = True
    return (spent if known else None), refilled


def _course(readings: Sequence[Reading]) -> tuple[tuple[datetime, int | None], ...]:
    each = -(-len(readings) // _SHOWN)
    return tuple((reading.at, reading.available) for reading in readings[::-1][::each][::-1])
