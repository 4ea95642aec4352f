"""Bringing a store's schema up to date: numbered SQL files, each applied once, in order."""

from __future__ import annotations

import re
from importlib import resources

from attrs import frozen

from ac_sms_async.collect.store import StoreError

__all__ = ["CREATE_VERSION_TABLE", "Dialect", "Migration", "migrations", "outstanding"]

CREATE_VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_version "
    "(version BIGINT NOT NULL, applied_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (version))"
)


@frozen
class Dialect:
    """The one thing that the two databases write differently: the month of a time, as `2026-03`, in UTC."""

    utc_month: str


@frozen
class Migration:
    """One numbered step: its statements in SQL that both databases understand, once the dialect is filled in."""

    version: int
    sql: str

    def statements(self, dialect: Dialect) -> list[str]:
        """The statements, in order, in the words of `dialect`."""
        sql = re.sub(r"UTC_MONTH\((\w+)\)", lambda found: dialect.utc_month.format(found[1]), self.sql)
        sql = re.sub(r"--[^\n]*", "", sql)
        return [statement.strip() for statement in sql.split(";") if statement.strip()]


def migrations() -> list[Migration]:
    """All migrations of this release, oldest first."""
    folder = resources.files("ac_sms_async.collect") / "migrations"
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
