"""The query of a request, read strictly: unknown names, repeated names, wrong types and dates are refused."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from urllib.parse import parse_qsl

from attrs import define

from ac_sms_async.sandbox.clock import ACCOUNT_ZONE
from ac_sms_async.sandbox.guesses import Guesses
from ac_sms_async.sandbox.problem import bad_query

DEFAULT_LIMIT = 20
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,1000}\Z", re.ASCII)


def parse_date(text: str) -> date | None:
    """A date written YYYY-MM-DD, or None."""
    if not _DATE.match(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@define(frozen=True)
class Window:
    """Days to look at, both included, in the account's time zone. `low` and `end` are epoch seconds, end excluded."""

    start: date | None = None
    end_day: date | None = None

    @property
    def low(self) -> int | None:
        return None if self.start is None else _midnight(self.start)

    @property
    def end(self) -> int | None:
        # The last day there is has no next one; nothing was ever sent on it.
        if self.end_day is None or self.end_day == date.max:
            return None
        return _midnight(self.end_day + timedelta(days=1))

    def end_by(self, now: float) -> int:
        """The second (epoch) before which a message must have been sent to be seen: by the days, and by now."""
        seen = math.floor(now) + 1
        return seen if self.end is None else min(seen, self.end)

    def holds(self, second: int) -> bool:
        low, end = self.low, self.end
        return (low is None or second >= low) and (end is None or second < end)


EVERY_DAY = Window()


def _midnight(day: date) -> int:
    # Below year 2 an offset would leave the calendar.
    return int(datetime.combine(max(day, date(2, 1, 1)), time(), ACCOUNT_ZONE).timestamp())


class Query:
    """The parameters of one request; `allowed` are the names that the operation knows."""

    def __init__(self, text: str, allowed: Collection[str], *, order_columns: Collection[str] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            if name not in allowed and not _is_order(name, order_columns):
                raise bad_query(f'Invalid query parameter: "{name}".')
            self._values.setdefault(name, []).append(value)
            if len(self._values[name]) > 1 and not name.endswith("[]"):
                raise bad_query(f'Query parameter "{name}" is given more than once.')

    def text(self, name: str) -> str | None:
        values = self._values.get(name)
        return values[0] if values else None

    def choice(self, name: str, choices: Collection[str], what: str) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            raise bad_query(_not_among(what, value, choices))
        return value

    def choices(self, name: str, choices: Collection[str], what: str) -> frozenset[str]:
        values = self._values.get(name, [])
        for value in values:
            if value not in choices:
                raise bad_query(_not_among(what, value, choices))
        return frozenset(values)

    def integer(self, name: str, default: int, lowest: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not _INTEGER.match(value) or int(value) < lowest:
            raise bad_query(f'Invalid {name}: "{value}". It must be an integer of at least {lowest}.')
        return int(value)

    def page(self, guesses: Guesses) -> slice:
        """Which rows are asked for: 20 unless told, and silently no more than a page may have."""
        offset, limit = self.integer("offset", 0, 0), self.integer("limit", DEFAULT_LIMIT, 1)
        limit = min(limit, guesses.page_cap)
        if guesses.page_start == "multiple":
            offset -= offset % limit
        return slice(offset, offset + limit)

    def _date(self, name: str) -> date | None:
        value = self.text(name)
        if value is None:
            return None
        day = parse_date(value)
        if day is None:
            raise bad_query(f'Invalid {name}: "{value}". Expected a date as YYYY-MM-DD.')
        return day

    def window(self) -> Window:
        return Window(self._date("start_date"), self._date("end_date"))

    def orders(self, columns: Collection[str]) -> list[tuple[str, bool]]:
        """`orders[column]=ASC|DESC` pairs as (column, descending); `orders[field]` means the id."""
        found: list[tuple[str, bool]] = []
        for name, values in self._values.items():
            if name.startswith("orders["):
                if values[0] not in ("ASC", "DESC"):
                    raise bad_query(_not_among("order direction", values[0], ("ASC", "DESC")))
                column = name[7:-1]
                found.append((column if column in columns else "id", values[0] == "DESC"))
        return found


def _is_order(name: str, columns: Collection[str]) -> bool:
    return name.startswith("orders[") and name.endswith("]") and name[7:-1] in columns


def _not_among(what: str, value: str, choices: Collection[str]) -> str:
    allowed = ",".join(f'"{choice}"' for choice in sorted(choices))
    return f'Invalid {what}: "{value}". Allowed values are {allowed}'
