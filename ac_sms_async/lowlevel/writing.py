"""From Python values to what goes into a path, a query or a body. Types are checked here, meaning is not."""

from __future__ import annotations

import datetime
import inspect
import math
import warnings
from collections.abc import Callable, Iterable
from urllib.parse import quote


def warn_deprecated(message: str) -> None:
    """Warns where this layer was called from."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(f"{__package__}."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, DeprecationWarning, stacklevel=level)


def write_int(value: object, name: str) -> str:
    """An integer for a path or query; a bool or a text is a mistake of the caller's."""
    if type(value) is not int:
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    return str(value)


def write_text(value: object, name: str) -> str:
    """A text for a query."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value


def write_bool(value: object, name: str) -> str:
    """A flag for a query, in JSON's words."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, not {type(value).__name__}")
    return "true" if value else "false"


def write_float(value: object, name: str) -> str:
    """A number for a query."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a number that can be written, not {value}")
    return str(value)


def write_texts(values: Iterable[object], name: str) -> list[str]:
    """Several texts; one text alone would fall apart into its letters."""
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list of str, not one str")
    return _several(values, name, write_text)


def write_ints(values: Iterable[object], name: str) -> list[str]:
    """Several integers."""
    return _several(values, name, write_int)


def write_floats(values: Iterable[object], name: str) -> list[str]:
    """Several numbers."""
    return _several(values, name, write_float)


def write_bools(values: Iterable[object], name: str) -> list[str]:
    """Several flags."""
    return _several(values, name, write_bool)


def write_dates(values: Iterable[object], name: str) -> list[str]:
    """Several days."""
    return _several(values, name, write_date)


def _several(values: Iterable[object], name: str, write: Callable[[object, str], str]) -> list[str]:
    return [write(value, name) for value in values]


def write_segment(value: object, name: str) -> str:
    """A text as one segment of a path, which it can't leave: servers resolve dots even when they are encoded."""
    text = write_text(value, name)
    if text in ("", ".", ".."):
        raise ValueError(f"{name} cannot be {text!r}")
    return quote(text, safe="")


def write_date(value: object, name: str) -> str:
    """A day, YYYY-MM-DD; a date-time is refused, since which day it is depends on the zone."""
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise TypeError(f"{name} must be a date, not {type(value).__name__}")
    return value.isoformat()


def write_datetime(value: object, name: str) -> str:
    """A moment in UTC; without an offset it is taken to be UTC already, as in answers."""
    if not isinstance(value, datetime.datetime):
        raise TypeError(f"{name} must be a datetime, not {type(value).__name__}")
    if value.tzinfo is None:
        return value.replace(tzinfo=datetime.UTC).isoformat()
    try:
        return value.astimezone(datetime.UTC).isoformat()
    except OverflowError:
        # UTC's calendar ends before: the last hours of the year 9999 west of it, the first of the year 1 east of it.
        return value.isoformat()
