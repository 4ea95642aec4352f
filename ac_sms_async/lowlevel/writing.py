"""From Python values to what goes into a path, a query or a body. Types are checked here, meaning is not."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from urllib.parse import quote


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


def write_texts(values: Iterable[object], name: str) -> list[str]:
    """Several texts for a query; one text alone would fall apart into its letters."""
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list of str, not one str")
    return [write_text(value, name) for value in values]


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
    return value.astimezone(datetime.UTC).isoformat()
