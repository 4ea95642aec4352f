"""What is wrong with a store, or will be: looked for, and said in words."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from attrs import frozen

from ac_sms_async.collect.store.protocol import Store, StoreError
from ac_sms_async.collect.store.schema import TABLES
from ac_sms_async.collect.store.sqlite import SQLiteStore
from ac_sms_async.collect.store.storable import moment

__all__ = ["Finding", "check"]

_SLACK = timedelta(minutes=5)
"""Clocks of two machines are never quite the same."""

_OURS = (
    "collected_at",
    "changed_at",
    "started_at",
    "finished_at",
    "first_failed_at",
    "last_failed_at",
    "first_seen_at",
)


@frozen
class Finding:
    """One thing that is wrong: of which kind, with which account (empty: the store), and what to do about it."""

    kind: Literal["damaged", "names", "future", "unreadable", "owed", "given up", "unfinished"]
    account: str
    message: str


async def check(store: Store, *, now: datetime | None = None) -> list[Finding]:
    """Everything that is wrong with a store; it is only read. Raises `StoreError` where that can't be."""
    now = now or datetime.now(UTC)
    found: list[Finding] = []
    for look in (
        _damage(store),
        _names(store),
        _future(store, now),
        _unreadable(store),
        _owed(store),
        _unfinished(store),
    ):
        try:
            async for finding in look:
                # One by one: what comes before the damage counts.
                found.append(finding)  # noqa: PERF401
        except StoreError as error:
            if not _is_damage(error):
                raise
            # What can still be read is told all the same.
            damage = Finding("damaged", "", f"the file is damaged: {error.__cause__}. Restore a backup")
            if damage not in found:
                found.append(damage)
    return found


def _is_damage(error: StoreError) -> bool:
    code: int | None = getattr(error.__cause__, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


async def _damage(store: Store) -> AsyncIterator[Finding]:
    if isinstance(store, SQLiteStore):
        rows = await store.read("PRAGMA integrity_check(10)")
        for said in (str(row[0]) for row in rows if row[0] != "ok"):
            yield Finding("damaged", "", f"the file is damaged: {said}. Restore a backup")


async def _names(store: Store) -> AsyncIterator[Finding]:
    rows = await store.read("SELECT account, url FROM accounts WHERE url IS NOT NULL ORDER BY first_seen_at, account")
    names: dict[str, list[str]] = {}
    for account, url in cast("list[tuple[str, str]]", rows):
        names.setdefault(url.rstrip("/").lower(), []).append(account)
    for url, several in names.items():
        for other in several[1:]:
            yield Finding(
                "names",
                other,
                f"{url} is there under the names {', '.join(several)}: put them together with "
                f"`ac-sms store rename {other} {several[0]}`",
            )


async def _future(store: Store, now: datetime) -> AsyncIterator[Finding]:
    edge = moment(now + _SLACK)
    for entry in TABLES:
        columns = [column for column in entry.names if column in _OURS]
        if not columns or "account" not in entry.names:
            continue
        where = " OR ".join(f"{column} > ?" for column in columns)
        rows = await store.read(
            f"SELECT account, COUNT(*) FROM {entry.name} WHERE {where} GROUP BY account ORDER BY account",
            (edge,) * len(columns),
        )
        for account, count in rows:
            yield Finding(
                "future",
                str(account),
                f"{count} rows of {entry.name} are from the future: a clock was ahead, this one's or that of the "
                "machine that collected them. They count as of now; see to the clock",
            )


async def _unreadable(store: Store) -> AsyncIterator[Finding]:
    if not isinstance(store, SQLiteStore):
        # PostgreSQL's columns hold times and nothing else.
        return
    for entry in TABLES:
        for column in entry.columns:
            if column.type != "TIMESTAMPTZ":
                continue
            [(count,)] = await store.read(
                f"SELECT COUNT(*) FROM {entry.name} WHERE {column.name} IS NOT NULL AND {column.name} NOT GLOB ?",
                ("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*",),
            )
            if count:
                yield Finding("unreadable", "", f"{count} rows of {entry.name} have a {column.name} that is no time")


async def _owed(store: Store) -> AsyncIterator[Finding]:
    rows = await store.read(
        "SELECT account, kind, CASE WHEN given_up_at IS NULL THEN 0 ELSE 1 END, COUNT(*), MIN(first_failed_at), "
        "MAX(attempts) FROM failed_ids GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    for account, kind, given_up, count, since, attempts in rows:
        yield Finding(
            "given up" if given_up else "owed",
            str(account),
            f"{count} times {kind} {'was given up, failing' if given_up else 'is owed,'} since {since}, after up to "
            f"{attempts} tries: why is in `ac-sms export --table failed_ids`",
        )


async def _unfinished(store: Store) -> AsyncIterator[Finding]:
    rows = await store.read(
        "SELECT account, status, COUNT(*), MIN(started_at) FROM runs "
        "WHERE status IN ('running', 'failed', 'interrupted') GROUP BY account, status "
        "ORDER BY account, status"
    )
    for account, status, count, since in rows:
        word = "run is" if count == 1 else "runs are"
        yield Finding(
            "unfinished",
            str(account),
            f"{count} {word} {status}, since {since}: the same `ac-sms collect` goes on with it",
        )
