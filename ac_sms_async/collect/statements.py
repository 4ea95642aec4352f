"""The SQL that saves rows, made from the schema so that a new column can't be forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ac_sms_async.collect.schema import table
from ac_sms_async.collect.store import Statement, Value

__all__ = ["marks", "upsert"]


def upsert(
    name: str, rows: Iterable[Mapping[str, Value]], *, leave: Collection[str] = (), keep: Collection[str] = ()
) -> Statement:
    """Insert rows, given by column name, or update those there already.

    Columns in `leave` are not written at all; those in `keep` only when the row is new. A row never gives way to one
    that was collected earlier, so a writer that was frozen and wakes late does no harm.
    """
    entry = table(name)
    columns = [column for column in entry.names if column not in leave]
    changes = [f"{column} = excluded.{column}" for column in columns if column not in entry.key and column not in keep]
    newer = f" WHERE excluded.collected_at >= {name}.collected_at" if "collected_at" in columns else ""
    sql = (
        f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks(len(columns))}) "
        f"ON CONFLICT ({', '.join(entry.key)}) DO UPDATE SET {', '.join(changes)}{newer}"
    )
    return Statement(sql, [tuple(row[column] for column in columns) for row in rows])


def marks(count: int) -> str:
    """`count` question marks for an SQL list."""
    return ", ".join("?" * count)
