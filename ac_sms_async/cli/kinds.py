"""What options take: days, dates, lists of details."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from ac_sms_async.collect.window import DETAILS
from ac_sms_async.resources.broadcasts import BroadcastFilterStatus

__all__ = ["DAY", "DAYS", "INCLUDE", "MOMENT", "SINCE", "STATUS", "in_order"]


if TYPE_CHECKING:
    from click import ParamType
else:

    class ParamType:
        """`click.ParamType`, which takes a type in brackets only since click 8.4."""

        def __class_getitem__(cls, _: object) -> type:
            return click.ParamType


class _Include(ParamType[tuple[str, ...]]):
    name = "what"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        names = tuple(part.strip() for part in str(value).split(",") if part.strip())
        unknown = sorted(set(names) - set(DETAILS))
        if unknown:
            self.fail(f"it knows {' and '.join(DETAILS)}, not {', '.join(unknown)}", param, ctx)
        return names


class _Days(ParamType[timedelta]):
    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        number = str(value).removesuffix("d")
        if not number.isdecimal() or len(number) > 5 or not 0 < int(number) <= 36500:
            self.fail(f"{value!r} is not a number of days such as 30d", param, ctx)
        return timedelta(days=int(number))


class _Day(ParamType[date]):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-01-31", param, ctx)


class _Since(ParamType["date | Literal['last']"]):
    name = "last|date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date | Literal["last"]:
        return "last" if value == "last" else DAY.convert(value, param, ctx)


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


INCLUDE = _Include()
DAYS = _Days()
DAY = _Day()
MOMENT = _Moment()
SINCE = _Since()
STATUS = click.Choice(get_args(BroadcastFilterStatus))


def in_order(since: date | str | None, until: date | None) -> None:
    """Refuse a first day after the last one."""
    if isinstance(since, date) and until is not None and since > until:
        raise click.UsageError(f"--since ({since}) is after --until ({until})")
