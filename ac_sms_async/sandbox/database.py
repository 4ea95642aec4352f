"""A SQLite file that keeps what was written: how the sandbox began, and every record that differs from that."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from attrs import asdict, field, fields_dict, frozen, validators

from ac_sms_async.sandbox.account import AIRequest, Record
from ac_sms_async.sandbox.broadcast import Broadcast
from ac_sms_async.sandbox.credits import Balance
from ac_sms_async.sandbox.seed import SubscriberList

_TABLES = """
PRAGMA synchronous = OFF;
-- From here on to when it is closed, or its process is gone, nobody else has it: two would undo each other's writes.
PRAGMA locking_mode = EXCLUSIVE;
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS setup (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS record (
    account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, fields TEXT NOT NULL,
    PRIMARY KEY (account, kind, id)
);
COMMIT;
"""
_KINDS: dict[str, type[Record]] = {"broadcast": Broadcast, "ai": AIRequest, "list": SubscriberList, "balance": Balance}

# Two years before, and what comes of the last broadcasts after it, have to be in the calendar of every system.
_FIRST_END, _LAST_END = date(1980, 1, 1), date(9899, 12, 31)
# Files that don't say it are of a time when it was this day.
_ONLY_END = "2026-01-05"


@frozen
class Setup:
    """What a file was made with."""

    seed: int
    broadcasts: int = field(validator=validators.ge(0))
    recipients: int = field(validator=validators.ge(0))
    end: date = field(validator=[validators.ge(_FIRST_END), validators.le(_LAST_END)])
    accounts: dict[str, str]


class Database:
    """Keeps records in a file: each is in it when `keep` returns, so that a killed sandbox goes on where it was."""

    def __init__(self, path: Path | str) -> None:
        self.path: Path = Path(path)
        #: Whether it was begun just now, and there was nothing before.
        self.fresh: bool = False
        self._connection: sqlite3.Connection | None = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # Written by the server's thread, read by whoever starts and stops it; never by two at once.
            try:
                connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=0)
            except sqlite3.OperationalError as error:
                raise ValueError(f"{self.path} can't be opened: {error}") from error
            try:
                connection.executescript(_TABLES)
            except sqlite3.DatabaseError as error:
                connection.close()
                if "locked" in str(error):
                    raise ValueError(f"{self.path} is in use by another sandbox") from error
                raise ValueError(f"{self.path} is not a sandbox's file: {error}") from error
            self._connection = connection
        return self._connection

    def _execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        return self._open().execute(statement, values)

    def setup(self) -> Setup | None:
        """What the file was made with; None where it is new."""
        found = {name: json.loads(value) for name, value in self._execute("SELECT name, value FROM setup")}
        found.pop("now", None)
        if not found:
            return None
        return Setup(end=date.fromisoformat(found.pop("end", _ONLY_END)), **found)

    def begin(self, setup: Setup) -> None:
        """Say what the file is made with."""
        self.fresh = True
        for name, value in asdict(setup).items():
            self._set(name, value.isoformat() if isinstance(value, date) else value)

    def last_moment(self) -> float | None:
        """The sandbox's time (epoch seconds) when the file was last written."""
        found = self._execute("SELECT value FROM setup WHERE name = 'now'").fetchone()
        return None if found is None else float(found[0])

    def note_moment(self, now: float) -> None:
        self._set("now", now)

    def _set(self, name: str, value: Any) -> None:
        self._execute("INSERT OR REPLACE INTO setup VALUES (?, ?)", (name, json.dumps(value)))

    @contextmanager
    def whole(self) -> Generator[None]:
        """What is written in here is in the file all of it, or not at all."""
        self._execute("BEGIN")
        try:
            yield
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")

    def keep(self, account: str, record: Record) -> None:
        """Write a record, or write it again."""
        kind = next(kind for kind, made in _KINDS.items() if isinstance(record, made))
        self._execute(
            "INSERT INTO record VALUES (?, ?, ?, ?)"
            " ON CONFLICT (account, kind, id) DO UPDATE SET fields = excluded.fields",
            (account, kind, str(record.id), json.dumps(asdict(record))),
        )

    def records(self) -> Iterator[tuple[str, Record]]:
        """Every record with its account, in the order of first writing."""
        for account, kind, fields in self._execute("SELECT account, kind, fields FROM record ORDER BY rowid"):
            made = _KINDS[kind]
            known = fields_dict(made)
            yield account, made(**{name: value for name, value in json.loads(fields).items() if name in known})

    def forget(self) -> None:
        """Drop every record: back to the seeded data."""
        self._execute("DELETE FROM record")

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
