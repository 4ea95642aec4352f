"""Days put together: the course that the report's charts draw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

from attrs import frozen

from ac_sms_async.collect.report.counts import Counts, Sum
from ac_sms_async.collect.report.span import Span

__all__ = ["MOST_PERIODS", "Grain", "Period", "course_of", "periods_of", "start_of"]

Grain = Literal["day", "week", "month"]

MOST_PERIODS = 36
"""More don't fit a page."""
_BEFORE = {"week": 12, "month": 12, "quarter": 14}
"""So many periods are drawn before the last one of the span, for the course of things."""


@frozen
class Period:
    """A day, week (from Monday) or month, and what was sent in it."""

    start: date
    counts: Counts
    whole: bool = True
    """False where it is not over yet, or was not when it was last collected."""


def course_of(span: Span) -> tuple[Grain, date]:
    """In which periods the course up to this span is drawn, and from which day on."""
    if span.kind == "days":
        # Short enough to show a course, long enough to be few.
        grain: Grain = "day" if span.days <= 31 else "week" if span.days <= 217 else "month"
        return grain, span.start
    grain = "week" if span.kind == "week" else "month"
    start = start_of(span.end, grain)
    for _ in range(_BEFORE[span.kind]):
        start = start_of(start - timedelta(days=1), grain)
    return grain, start


def periods_of(days: Mapping[date, Sum], grain: Grain, *, start: date, end: date, reached: date) -> list[Period]:
    """The days from `start` to `end` as periods without gaps, oldest first, the last ones where they are too many.

    They begin with the first in which something was sent. `reached` is the first day of which not all is known.
    """
    found: dict[date, Sum] = {}
    for day, total in days.items():
        if start <= day <= end:
            found.setdefault(start_of(day, grain), Sum()).merge(total)
    if not found:
        return []
    periods: list[Period] = []
    at, first = start_of(min(end, max(reached, max(found))), grain), min(found)
    while at >= first and len(periods) < MOST_PERIODS:
        total = found.get(at, Sum())
        periods.append(Period(at, total.counts(), whole=min(_end_of(at, grain), end) < reached))
        at = start_of(at - timedelta(days=1), grain)
    return periods[::-1]


def start_of(day: date, grain: Grain) -> date:
    """The first day of the period that a day is in."""
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def _end_of(start: date, grain: Grain) -> date:
    if grain == "day":
        return start
    far = start + timedelta(days=6 if grain == "week" else 31)
    return far if grain == "week" else far.replace(day=1) - timedelta(days=1)
