"""Checks of what a caller passes in, before anything is sent: each says what to do instead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final, get_args

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.options import plain_int

_LARGEST_ID: Final = 2**63 - 1


def whole(value: Any, name: str, example: str = "an int") -> int:
    """A whole number as an int, also one of another library."""
    try:
        return plain_int(value)
    except TypeError:
        raise ConfigurationError(f"{name} must be {example}, not {type(value).__name__}") from None


def positive_id(value: Any, name: str = "id") -> int:
    """The id as an int, if it is a positive one."""
    number = whole(value, name, "an int such as 42")
    if not 0 < number <= _LARGEST_ID:
        raise ConfigurationError(f"{name} must be a positive 64-bit number, not {_shown(value)}")
    return number


def several(values: Any, name: str, example: str) -> Iterable[Any]:
    """Something to iterate over, which a text (of letters) is not."""
    is_one = isinstance(values, (str, bytes, bytearray, type))
    # What is iterated by `async for` may have an __iter__ that says so.
    if is_one or hasattr(values, "__aiter__") or not hasattr(values, "__iter__"):
        raise ConfigurationError(f"{name} must be a list such as {example}, not {type(values).__name__}")
    each: Iterable[Any] = values
    return each


def id_list(values: Any, name: str = "ids", *, least: int = 1) -> list[int]:
    """The ids without duplicates, in the order given; at least `least` of them."""
    each = several(values, name, "[42, 43]")
    ids = list(dict.fromkeys(positive_id(value, f"each of {name}") for value in each))
    if len(ids) < least:
        raise ConfigurationError(f"{name} is empty: name at least one id")
    return ids


def date_range(start_date: Any, end_date: Any) -> tuple[date | None, date | None]:
    """Two dates in order, either of which may be None."""
    for value, name in ((start_date, "start_date"), (end_date, "end_date")):
        # A datetime is a date to Python, but its time of day and zone would be dropped silently.
        if isinstance(value, datetime):
            raise ConfigurationError(f"{name} is a whole day: pass {name}=value.date() in the account's time zone")
        if value is not None and not isinstance(value, date):
            raise ConfigurationError(f"{name} must be a datetime.date, not {type(value).__name__}")
    if start_date is not None and end_date is not None and start_date > end_date:
        raise ConfigurationError(f"start_date {start_date} is after end_date {end_date}: swap them")
    return start_date, end_date


def aware(value: Any, name: str) -> datetime:
    """A datetime that says its time zone."""
    if not isinstance(value, datetime):
        raise ConfigurationError(f"{name} must be a datetime.datetime, not {type(value).__name__}")
    if value.utcoffset() is None:
        raise ConfigurationError(f"{name} has no time zone: use datetime(..., tzinfo=timezone.utc) or ZoneInfo")
    return value


def text(value: Any, name: str) -> str:
    """A text that is not blank."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a str, not {type(value).__name__}")
    if not value.strip():
        raise ConfigurationError(f"{name} is blank")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        at = error.start
    else:
        return value
    raise ConfigurationError(f"{name} holds half a surrogate pair at character {at}, which no text sent can hold")


def choice(value: Any, allowed: Any, name: str) -> str:
    """One of the values of a `Literal` type."""
    known = tuple(item for item in get_args(allowed) if isinstance(item, str))
    for item in known:
        if isinstance(value, str) and value == item:
            return item
    raise ConfigurationError(f"{name} must be one of {', '.join(map(repr, known))}, not {_shown(value)}")


def choices(values: Any, allowed: Any, name: str) -> list[str]:
    """Several values of a `Literal` type, without duplicates."""
    each = several(values, name, f"[{get_args(allowed)[0]!r}]")
    return list(dict.fromkeys(choice(value, allowed, f"each of {name}") for value in each))


def at_least(value: Any, least: int, name: str) -> int:
    """An int that is not below `least`, and fits into 64 bits."""
    number = whole(value, name)
    if number < least:
        raise ConfigurationError(f"{name} must be at least {least}, not {_shown(value)}")
    if number > _LARGEST_ID:
        raise ConfigurationError(f"{name} must be a 64-bit number, not {_shown(value)}")
    return number


def _shown(value: Any) -> str:
    try:
        shown = repr(value)
    except ValueError:
        # Python doesn't write numbers of thousands of digits.
        return f"such a large {type(value).__name__}"
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
