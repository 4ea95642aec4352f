"""Bringing a store's schema up to date: numbered SQL files, each applied once, in order.

How to add a step: write `migrations/000N_what_it_is_about.sql` with the next free number, and say in its first comment
why. Never edit a step that is on the main branch: stores have it behind them. All outstanding steps are one
transaction. Collectors of an older release may be running beside and go on writing with the statements they know: add
columns with a default or NULL, never rename or drop what they use. `tests/collect/stores_of_old` holds real stores,
and `test_stores_of_old.py` migrates them; the words for what the two databases write differently are in `Dialect`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Literal

from attrs import frozen

from ac_sms_async.collect.store.protocol import StoreError

__all__ = [
    "CREATE_VERSION_TABLE",
    "POSTGRESQL",
    "SQLITE",
    "Dialect",
    "Migration",
    "check_version",
    "migrations",
    "outstanding",
]

CREATE_VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_version "
    "(version BIGINT NOT NULL, applied_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (version))"
)


@frozen
class Dialect:
    """What the two databases write differently.

    A step may say `UTC_MONTH(x)` (the month of a time, as `2026-03`), `TOTAL_OF(x)` (a sum that stops at the largest
    BIGINT instead of failing), `RATE(part, whole)` (of the rows in which both are known) and `RIGHT_NOW()`.
    `LOCAL_TIME(x, seconds)` is a time on clocks that are so many seconds ahead of UTC; `LOCAL_DAY`, `LOCAL_WEEK` (its
    Monday), `LOCAL_MONTH`, `LOCAL_WEEKDAY` (1 is Monday) and `LOCAL_HOUR` are parts of one. A statement that begins
    with `ON SQLITE` or `ON POSTGRESQL` is for that one alone. `REPLACE VIEW x AS ...` makes a view anew; on PostgreSQL
    it keeps its grants and what others built on it, so its columns keep their names and types.
    """

    name: Literal["SQLITE", "POSTGRESQL"]
    words: Mapping[str, str]
    """What is written in place of a word with one argument."""
    local_time: str
    now: str

    def statements(self, sql: str) -> list[str]:
        """The statements of a step, in order, in this database's words."""
        found: list[str] = []
        for statement in re.sub(r"--[^\n]*", "", sql).split(";"):
            text = statement.strip()
            only = re.match(r"ON (SQLITE|POSTGRESQL)\s+", text)
            if only is not None:
                text = text[only.end() :] if only[1] == self.name else ""
            if text:
                found.extend(self._written(text))
        return found

    def _written(self, text: str) -> list[str]:
        for word, form in self.words.items():
            text = re.sub(rf"\b{word}\(([\w.]+)\)", form.replace("{0}", r"\1"), text)
        for word, form in (("RATE", _RATE), ("LOCAL_TIME", self.local_time)):
            text = re.sub(rf"\b{word}\((\w+), (\w+)\)", form.replace("{0}", r"\1").replace("{1}", r"\2"), text)
        text = text.replace("RIGHT_NOW()", self.now)
        view = re.match(r"REPLACE VIEW (\w+)", text)
        if view is None:
            return [text]
        if self.name == "POSTGRESQL":
            return [f"CREATE OR REPLACE VIEW {view[1]}{text[view.end() :]}"]
        return [f"DROP VIEW IF EXISTS {view[1]}", f"CREATE VIEW {view[1]}{text[view.end() :]}"]


# A count that the server didn't say makes neither side of a rate larger.
_RATE = (
    "SUM(CASE WHEN {1} IS NOT NULL THEN CAST({0} AS DOUBLE PRECISION) END) "
    "/ NULLIF(SUM(CASE WHEN {0} IS NOT NULL THEN CAST({1} AS DOUBLE PRECISION) END), 0)"
)

_RELEASED = "2026-11-28T00:00:00Z"
"""It can't be earlier than this, whatever a machine's clock says."""

SQLITE = Dialect(
    "SQLITE",
    {
        "UTC_MONTH": "substr({0}, 1, 7)",
        # SQLite fails when a sum of integers overflows; a product of them becomes a float then, and a cast stops there.
        "TOTAL_OF": "CAST(SUM({0} / 1073741824) * 1073741824 + SUM({0} % 1073741824) AS BIGINT)",
        "LOCAL_DAY": "date({0})",
        "LOCAL_WEEK": "date({0}, 'weekday 0', '-6 days')",
        "LOCAL_MONTH": "strftime('%Y-%m', {0})",
        "LOCAL_WEEKDAY": "(CAST(strftime('%w', {0}) AS BIGINT) + 6) % 7 + 1",
        "LOCAL_HOUR": "CAST(strftime('%H', {0}) AS BIGINT)",
        "WEEK_BEFORE": "date({0}, '-7 days')",
    },
    local_time="datetime({0}, {1} || ' seconds')",
    now=f"MAX(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), '{_RELEASED}')",
)
POSTGRESQL = Dialect(
    "POSTGRESQL",
    {
        "UTC_MONTH": "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM')",
        "TOTAL_OF": "CAST(LEAST(GREATEST(SUM({0}), -9223372036854775808), 9223372036854775807) AS BIGINT)",
        "LOCAL_DAY": "CAST({0} AS DATE)",
        "LOCAL_WEEK": "CAST(date_trunc('week', {0}) AS DATE)",
        "LOCAL_MONTH": "to_char({0}, 'YYYY-MM')",
        "LOCAL_WEEKDAY": "CAST(EXTRACT(ISODOW FROM {0}) AS BIGINT)",
        "LOCAL_HOUR": "CAST(EXTRACT(HOUR FROM {0}) AS BIGINT)",
        "WEEK_BEFORE": "{0} - 7",
    },
    local_time="({0} AT TIME ZONE 'UTC') + {1} * interval '1 second'",
    now=f"GREATEST(date_trunc('second', now()), CAST('{_RELEASED}' AS TIMESTAMPTZ))",
)


@frozen
class Migration:
    """One numbered step, in SQL that both databases understand once the dialect is filled in."""

    version: int
    sql: str

    def statements(self, dialect: Dialect) -> list[str]:
        """The statements, in order, in the words of `dialect`."""
        return dialect.statements(self.sql)


def migrations() -> list[Migration]:
    """All migrations of this release, oldest first."""
    folder = resources.files("ac_sms_async.collect.store") / "migrations"
    found = [
        Migration(int(entry.name.partition("_")[0]), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.version)


def outstanding(version: int | None, known: list[Migration]) -> list[Migration]:
    """Which of the `known` migrations a store at `version` (None: a new one) still needs.

    Raises `StoreError` where the store is newer than all of them.
    """
    at = version or 0
    newest = known[-1].version
    if at > newest:
        raise StoreError(
            f"the store has schema version {at}, this release knows {newest}: "
            "upgrade ac-sms-async, or use another store"
        )
    return [migration for migration in known if migration.version > at]


def check_version(version: int | None, known: list[Migration], store: str) -> None:
    """Raise `StoreError` unless a store at `version` can be read as it is. `store` is how a command names it."""
    if outstanding(version, known):
        raise StoreError(
            f"the store has schema version {version or 0}, this release reads {known[-1].version}, and reading changes "
            f"nothing. Bring it up to date with: ac-sms store migrate --db {store}"
        )
