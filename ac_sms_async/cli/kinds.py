"""What options take: days, times, lists of details; and what a shell is offered to complete them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Literal, get_args

import click
from attrs import frozen
from click.shell_completion import CompletionItem

from ac_sms_async.collect.window import DETAILS
from ac_sms_async.resources.broadcasts import BroadcastFilterStatus

__all__ = [
    "DATE",
    "DAY",
    "DAYS",
    "INCLUDE",
    "LAST_OR_DATE",
    "MOMENT",
    "SINCE",
    "STATUS",
    "TEXT",
    "ZONE",
    "Ago",
    "Day",
    "span",
]


if TYPE_CHECKING:
    from click import ParamType
else:

    class ParamType:
        """`click.ParamType`, which takes a type in brackets only since click 8.4."""

        def __class_getitem__(cls, _: object) -> type:
            return click.ParamType


@frozen
class Ago:
    """A day so many days ago, whichever that is in the calendar that is meant: `yesterday`, `30d`."""

    days: int


Day = date | Ago


class _Include(ParamType[tuple[str, ...]]):
    name = "what"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        names = tuple(part.strip() for part in str(value).split(",") if part.strip())
        unknown = sorted(set(names) - set(DETAILS))
        if unknown:
            self.fail(f"it knows {' and '.join(DETAILS)}, not {', '.join(unknown)}", param, ctx)
        return names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",")
        left = [name for name in DETAILS if name not in before.split(",")]
        return [CompletionItem(f"{before}{comma}{name}") for name in left if name.startswith(last)]


class _Days(ParamType[timedelta]):
    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        number = _days(str(value))
        if not number:
            self.fail(f"{value!r} is not a number of days such as 30d", param, ctx)
        return timedelta(days=number)


class _Day(ParamType["Day | Literal['last']"]):
    """A day; with `ago` also one so many days ago, with `last` also that word."""

    def __init__(self, *, ago: bool, last: bool) -> None:
        self._ago = ago
        self._words = (*(["last"] if last else []), *(["today", "yesterday", "7d", "30d"] if ago else []))
        self.name = "|".join((*(["last"] if last else []), "date", *(["yesterday", "30d"] if ago else [])))

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> date | Ago | Literal["last"]:
        text = str(value).strip().lower()
        if text == "last" and text in self._words:
            return "last"
        if self._ago:
            number = _AGO.get(text) if text in _AGO else _days(text) if text.endswith("d") else None
            if number is not None:
                return Ago(number)
        try:
            return date.fromisoformat(text)
        except ValueError:
            others = ", ".join(
                (*(["last"] if "last" in self._words else []), *(["yesterday, 30d"] if self._ago else []))
            )
            known = f"a date such as 2026-01-31{f', nor one of {others}' if others else ''}"
            self.fail(f"{value!r} is not {known}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(word) for word in self._words if word.startswith(incomplete.lower())]


class _Moment(ParamType[datetime]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-03-01T09:00-06:00", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} must say its time zone, as in 2026-03-01T09:00-06:00 or ...Z", param, ctx)
        return moment


class _Text(ParamType[str]):
    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not text.strip():
            self.fail("it is blank", param, ctx)
        return text


class _Zone(ParamType[str]):
    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from zoneinfo import available_timezones

        return [CompletionItem(name) for name in sorted(available_timezones()) if name.startswith(incomplete)]


_AGO = {"today": 0, "yesterday": 1}

INCLUDE = _Include()
DAYS = _Days()
DATE = _Day(ago=False, last=False)
"""A day that is written down, and means the same whenever it is read."""
LAST_OR_DATE = _Day(ago=False, last=True)
DAY = _Day(ago=True, last=False)
SINCE = _Day(ago=True, last=True)
MOMENT = _Moment()
TEXT = _Text()
ZONE = _Zone()
STATUS = click.Choice(get_args(BroadcastFilterStatus))


def span(since: Day | None, until: Day | None, zones: Iterable[tzinfo] = (UTC,)) -> tuple[date | None, date | None]:
    """The first and the last day by these calendars: where they differ, so that no account's day is left out.

    Refuses a first day after the last one.
    """
    today = sorted(datetime.now(zone).date() for zone in zones)
    first, last = _on(since, today[:1]), _on(until, today[-1:])
    if first is not None and last is not None and first > last:
        raise click.UsageError(f"--since ({first}) is after --until ({last})")
    return first, last


def _on(day: Day | None, today: Sequence[date]) -> date | None:
    return today[0] - timedelta(days=day.days) if isinstance(day, Ago) else day


def _days(text: str) -> int | None:
    number = text.removesuffix("d")
    return int(number) if number.isdecimal() and len(number) <= 5 and 0 < int(number) <= 36500 else None
