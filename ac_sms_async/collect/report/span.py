"""The days that a report is about, and those that they are compared with."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from attrs import frozen

from ac_sms_async.errors import ConfigurationError

__all__ = ["Last", "Span", "chosen", "last_full"]

Last = Literal["week", "month", "quarter"]

_MONTHS = {"month": 1, "quarter": 3}
_DAY = timedelta(days=1)
_FIRST = date(1900, 1, 1)


@frozen
class Span:
    """Whole days of the account's calendar, both included."""

    start: date
    end: date
    kind: Literal["week", "month", "quarter", "days"] = "days"

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end

    @property
    def days(self) -> int:
        """How many."""
        return (self.end - self.start).days + 1

    @property
    def before(self) -> Span:
        """What it is compared with: the one before, as many months where it is of whole months, else as many days."""
        if self.start.day == 1 and (self.end + _DAY).day == 1:
            months = 12 * (self.end.year - self.start.year) + self.end.month - self.start.month + 1
            return Span(_months_later(self.start, -months), self.start - _DAY, self.kind)
        start = max(self.start - timedelta(days=self.days), date.min + _DAY)
        return Span(start, self.start - _DAY, self.kind)


def last_full(kind: Last, today: date) -> Span:
    """The last week (from Monday), month or quarter that is over."""
    if kind == "week":
        monday = today - timedelta(days=today.weekday())
        return Span(monday - timedelta(days=7), monday - _DAY, kind)
    this = today.replace(day=1, month=today.month - (today.month - 1) % _MONTHS[kind])
    return Span(_months_later(this, -_MONTHS[kind]), this - _DAY, kind)


def chosen(last: Last | None, since: date | None, until: date | None, today: date) -> Span:
    """What was asked for: a last period, or days (up to today where no last day is given); else the last month.

    Raises `ConfigurationError` for what excludes the other, and for days in the wrong order.
    """
    if since is None and until is None:
        return last_full(last or "month", today)
    if last is not None:
        raise ConfigurationError(
            "a report is of the last period, or of days: give either `last`, or `since` and `until`"
        )
    if since is None:
        raise ConfigurationError("a report up to a day needs its first day, too: `since`")
    if since < _FIRST:
        raise ConfigurationError(f"nothing was sent in {since.year}")
    end = until or max(today, since)
    if since > end:
        raise ConfigurationError(f"the report starts ({since}) after its end ({end})")
    return Span(since, end)


def _months_later(first: date, months: int) -> date:
    count = 12 * first.year + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)
