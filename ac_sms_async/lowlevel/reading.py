"""The slow side of reading: what models call when a value is not what the document promises.

Each reader repairs what can be repaired. What cannot be read goes into `unparsed` by its wire name, raw. null never gets
here: a model takes it for None by itself.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from typing import Any, TypeGuard, TypeVar

from .errors import DecodeError

T = TypeVar("T")

# 12, also as "12" and "12.00"; bounded, since int() takes its time and gives up on very long texts.
_WHOLE_NUMBER = re.compile(r"\s*([+-]?\d{1,19})(?:\.0*)?\s*", re.ASCII)
_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
# MySQL's zero date, and what PHP makes of it.
_ZERO_DATES = ("0000-00-00", "-0001-11-30")

ID_LIMIT = 2**63
"""Ids are positive and fit into 64 bits: every database can hold them."""


def read_object(value: Any) -> Any:
    """An object; PHP writes an empty one as []."""
    if _is_object(value):
        return value
    if value == []:
        return {}
    raise DecodeError("$", f"is {_kind(value)}, not an object")


def unwrapped(data: Any, name: str) -> dict[str, Any] | None:
    """The object under `name`, where `data` is only a wrapper around it."""
    inner = data.get(name) if _is_object(data) and "id" not in data else None
    return inner if _is_object(inner) else None


def read_csv(value: Any, zone: datetime.tzinfo) -> str:
    """The text of an export."""
    if isinstance(value, str):
        return value
    raise DecodeError("$", f"is {_kind(value)}, not text")


def read_nothing(value: Any, zone: datetime.tzinfo) -> None:
    """What counts is the status; whatever comes with it says nothing that the document knows."""


def read_id(value: Any, name: str) -> int:
    """The id of a row, which it is of no use without."""
    number = _int(value)
    if number is None or not 0 < number < ID_LIMIT:
        raise DecodeError(f"$.{name}", "is not a usable id")
    return number


def read_name(value: Any, name: str) -> str:
    """An id in words, which its object is of no use without."""
    text = _text(value)
    if not text:
        raise DecodeError(f"$.{name}", "is not a usable id")
    return text


def read_int(value: Any, name: str, unparsed: dict[str, Any]) -> int | None:
    """A whole number, also as text or as a float without a fraction; "" is none."""
    if value == "":
        return None
    number = _int(value)
    if number is None:
        unparsed[name] = value
    return number


def read_text(value: Any, name: str, unparsed: dict[str, Any]) -> str | None:
    """A text, also where it came as a number."""
    text = _text(value)
    if text is None:
        unparsed[name] = value
    return text


def read_bool(value: Any, name: str, unparsed: dict[str, Any]) -> bool | None:
    """A flag, also as 0 and 1 and in words; "" is none."""
    if value == "":
        return None
    text = _text(value)
    flag = None if text is None else _WORDS.get(text.strip().lower())
    if flag is None:
        unparsed[name] = value
    return flag


def read_datetime(value: Any, zone: datetime.tzinfo, name: str, unparsed: dict[str, Any]) -> datetime.datetime | None:
    """A moment; "" and zero dates are none. Without an offset it is wall-clock time in `zone`.

    Of an hour that the clock shows twice it is the first (fold=0); in an hour that it skips, the offset from before
    the change holds.
    """
    if isinstance(value, str):
        text = value.strip()
        if not text or text.startswith(_ZERO_DATES):
            return None
        try:
            moment = _midnight(text) if text[11:13] == "24" else datetime.datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            pass
        else:
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    unparsed[name] = value
    return None


def _midnight(text: str) -> datetime.datetime:
    """24:00, the end of a day, which Python reads from 3.14 on."""
    start = datetime.datetime.fromisoformat(f"{text[:11]}00{text[13:]}")
    if start.time() != datetime.time():
        raise ValueError(text)
    return start + datetime.timedelta(days=1)


def read_date(value: Any, name: str, unparsed: dict[str, Any]) -> datetime.date | None:
    """A day; "" and zero dates are none."""
    if isinstance(value, str):
        text = value.strip()
        if not text or text.startswith(_ZERO_DATES):
            return None
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            pass
    unparsed[name] = value
    return None


def read_float(value: Any, name: str, unparsed: dict[str, Any]) -> float | None:
    """A number, also as text; "" is none."""
    if value == "":
        return None
    number = _float(value)
    if number is None:
        unparsed[name] = value
    return number


def read_free_object(value: Any, name: str, unparsed: dict[str, Any]) -> dict[str, Any] | None:
    """An object of which the document says no more; "" is none, and PHP writes an empty one as []."""
    if _is_object(value):
        return value
    if value == []:
        return {}
    if value != "":
        unparsed[name] = value
    return None


def read_floats(value: Any, name: str, unparsed: dict[str, Any]) -> list[float] | None:
    """A list of numbers."""
    return _read_items(value, _float, name, unparsed)


def read_bools(value: Any, name: str, unparsed: dict[str, Any]) -> list[bool] | None:
    """A list of flags."""
    return _read_items(
        value, lambda item: item if isinstance(item, bool) else read_bool(item, name, {}), name, unparsed
    )


def read_dates(value: Any, name: str, unparsed: dict[str, Any]) -> list[datetime.date] | None:
    """A list of days."""
    return _read_items(value, lambda item: read_date(item, name, {}), name, unparsed)


def read_ints(value: Any, name: str, unparsed: dict[str, Any]) -> list[int] | None:
    """A list of whole numbers."""
    return _read_items(value, _int, name, unparsed)


def read_texts(value: Any, name: str, unparsed: dict[str, Any]) -> list[str] | None:
    """A list of texts."""
    return _read_items(value, _text, name, unparsed)


def read_models(
    value: Any,
    from_dict: Callable[[Any, datetime.tzinfo], T],
    zone: datetime.tzinfo,
    name: str,
    unparsed: dict[str, Any],
) -> list[T] | None:
    """A list of objects."""

    def read(item: Any) -> T | None:
        try:
            return from_dict(item, zone)
        except DecodeError:
            return None

    return _read_items(value, read, name, unparsed)


def read_model(
    value: Any,
    from_dict: Callable[[Any, datetime.tzinfo], T],
    zone: datetime.tzinfo,
    name: str,
    unparsed: dict[str, Any],
) -> T | None:
    """An object; "" is none."""
    if value == "":
        return None
    try:
        return from_dict(value, zone)
    except DecodeError:
        unparsed[name] = value
        return None


def read_required_model(
    value: Any, from_dict: Callable[[Any, datetime.tzinfo], T], zone: datetime.tzinfo, name: str
) -> T:
    """The object in an envelope; null and "" are an empty one."""
    try:
        return from_dict({} if value is None or value == "" else value, zone)
    except DecodeError as error:
        raise error.under(name) from None


def read_rows(value: Any, name: str) -> list[Any]:
    """The rows in an envelope, not yet read; null and "" are none."""
    if value is None or value == "":
        return []
    rows = _list(value)
    if rows is None:
        raise DecodeError(f"$.{name}", f"is {_kind(value)}, not a list")
    return rows


def unknown_fields(data: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """What the document says nothing of."""
    return {name: value for name, value in data.items() if name not in known}


def _read_items(value: Any, read: Callable[[Any], T | None], name: str, unparsed: dict[str, Any]) -> list[T] | None:
    """The items that can be read, "" being none; if one can't, the whole list is kept raw as well."""
    if value == "":
        return None
    items = _list(value)
    if items is None:
        unparsed[name] = value
        return None
    readable = [item for item in map(read, items) if item is not None]
    if len(readable) != len(items):
        unparsed[name] = value
    return readable


def _list(value: Any) -> list[Any] | None:
    """A list; PHP writes one with gaps as {"1": ...}, and one keyed by something else as an object of objects."""
    if _is_list(value):
        return value
    if _is_object(value) and (all(map(str.isdecimal, value)) or all(isinstance(item, dict) for item in value.values())):
        return list(value.values())
    return None


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    match = _WHOLE_NUMBER.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else int(match[1])


def _float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**63:
        return None
    return str(value)


def _kind(value: Any) -> str:
    return "null" if value is None else f"of type {type(value).__name__}"
