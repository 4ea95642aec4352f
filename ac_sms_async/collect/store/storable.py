"""The one place where a value becomes what both databases can hold: every value that is bound to SQL goes through it.

Names, bodies, error texts and numbers are the server's choice, account names and filters the caller's; none of them may
stop a run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any, cast

from ac_sms_async.collect.store.protocol import Row, Value

__all__ = ["as_json", "moment", "short", "storable", "storable_row", "text"]

_LARGEST = 2**63
_DEEPEST = 64
"""Levels of JSON: Python and PostgreSQL both give up somewhere below a thousand."""
_TOO_DEEP = "(nested too deeply to be kept)"
_MOST_BITS = 1024
"""Of an integer in JSON: Python refuses to write, and PostgreSQL to read, those of many thousand digits."""
_INDEXED = 255
"""Characters of a text that is part of a key: PostgreSQL's indexes refuse longer ones by the kilobyte."""


def storable(given: Any) -> Value:
    """Anything as a value that both databases take. What neither can hold becomes NULL."""
    match given:
        case None | bool():
            return given
        case str():
            return text(given)
        case int():
            return int(given) if -_LARGEST <= given < _LARGEST else None
        case float():
            return given if isfinite(given) else None
        case datetime():
            try:
                return moment(given)
            except OverflowError:
                # The first or last day of all time, moved over the edge by its zone.
                return None
        case date():
            return given.isoformat()
        case _:
            return as_json(given)


def storable_row(row: Iterable[Any]) -> Row:
    """A row of values to be bound."""
    return tuple(map(storable, row))


def moment(when: datetime) -> str:
    """A time as the store keeps it: ISO text in UTC, to the second. OverflowError beyond the years 1 to 9999."""
    return f"{when.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()}Z"


def text(given: str) -> str:
    """Text without what PostgreSQL (NUL) or both (half of a surrogate pair) have no place for."""
    if given.isascii() and "\x00" not in given:
        return str(given)
    return given.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def short(given: str) -> str:
    """Text that is part of a key, at a length that can be one."""
    return text(given)[:_INDEXED]


def as_json(given: Any) -> str:
    """JSON text of anything."""
    return json.dumps(_clean(given, 0), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _clean(given: Any, depth: int) -> Any:
    match given:
        case None | bool():
            return given
        case str():
            return text(given)
        case int():
            return int(given) if given.bit_length() <= _MOST_BITS else "(a number too large to be kept)"
        case float():
            return given if isfinite(given) else None
        case dict() | list() | tuple() if depth >= _DEEPEST:
            return _TOO_DEEP
        case dict():
            found = cast("dict[object, object]", given)
            return {text(str(key)): _clean(item, depth + 1) for key, item in found.items()}
        case list() | tuple():
            return [_clean(item, depth + 1) for item in cast("Sequence[object]", given)]
        case _:
            return text(str(given))
