"""The SQL that saves rows, made from the schema so that a new column can't be forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ac_sms_async.collect.store.protocol import Statement, Value
from ac_sms_async.collect.store.schema import table

__all__ = ["marks", "upsert"]


def upsert(
    name: str, rows: Iterable[Mapping[str, Value]], *, leave: Collection[str] = (), keep: Collection[str] = ()
) -> Statement:
    """Insert rows, given by column name, or update those there already.

    Columns in `leave` are not written at all; those in `keep` only when the row is new.
    """
    entry = table(name)
    columns = [column for column in entry.names if column not in leave]
    changes = [f"{column} = excluded.{column}" for column in columns if column not in entry.key and column not in keep]
    sql = (
        f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks(len(columns))}) "
        f"ON CONFLICT ({', '.join(entry.key)}) DO UPDATE SET {', '.join(changes)}"
    )
    return Statement(sql, [tuple(row[column] for column in columns) for row in rows])


def marks(count: int) -> str:
    """`count` question marks for an SQL list."""
    return ", ".join("?" * count)
