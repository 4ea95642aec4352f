"""SQL as it is written once, in PostgreSQL's words, and its rows as SQLite would give them."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, cast

from ac_sms_async.collect.store.protocol import Row, Value
from ac_sms_async.collect.store.schema import TABLES, VIEWS
from ac_sms_async.collect.store.storable import moment

__all__ = ["plain_row", "query"]

_NAMES = "|".join(entry.name for entry in (*TABLES, *VIEWS))
# Whatever stands in quotes stays as it is. A name is a table's where a table can stand, and another schema's where it
# comes with that.
_PARTS = re.compile(
    r"(?P<quoted>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")"
    r"|(?P<before>\b(?:(?<!DISTINCT\s)FROM|JOIN|INTO|UPDATE|TABLE(?:\s+IF\s+(?:NOT\s+)?EXISTS)?|VIEW|INDEX\s+\w+\s+ON)\s+)"
    rf"(?P<name>{_NAMES})\b(?!\s*\.)"
    r"|(?P<mark>\?)",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def query(text: str, schema: str) -> bytes:
    """A statement for psycopg, which takes text that isn't in the source as bytes only: values are always beside it."""
    place = '"' + schema.replace('"', '""') + '"'

    def written(found: re.Match[str]) -> str:
        if found["quoted"] is not None:
            return found["quoted"]
        return "%s" if found["mark"] else f"{found['before']}{place}.{found['name']}"

    return _PARTS.sub(written, text.replace("%", "%%")).encode()


def plain_row(row: tuple[Any, ...]) -> Row:
    """A row as SQLite would give it."""
    return tuple(_plain(value) for value in row)


def _plain(value: Any) -> Value:
    match value:
        case bool():
            return int(value)
        case datetime():
            return moment(value.astimezone(UTC))
        case date():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        case _:
            return cast("Value", value)
