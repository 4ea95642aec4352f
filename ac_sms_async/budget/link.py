"""A connection to the PostgreSQL that keeps budgets, in a thread of its own.

So it serves asyncio and trio alike, and can be told something from where nothing can be awaited. What comes while it is
busy goes out together afterwards, in its order. Where there is no answer, it says so, and begins anew with the next.
"""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import resources
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeAlias

import anyio
import psycopg
from anyio.lowlevel import RunVar, current_token
from attrs import frozen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ac_sms_async.budget.file import clock

__all__ = ["PATIENCE", "Answer", "Link", "Request", "link_to"]

PATIENCE = 0.25
"""Seconds within which there is an answer, or the database counts as gone."""

CONNECTING = 1.0
"""The same for the first answer on a connection, as that has to be opened."""

_DEFAULTS: Mapping[str, str] = {
    "fallback_application_name": "ac-sms budget",
    "connect_timeout": "2",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}

# Any constant: it keeps two processes from doing this at once.
_INSTALL = "SELECT pg_advisory_xact_lock(1112884295);"

_TURNS = """
SELECT done.* FROM unnest(
    %s::text[], %s::text[], %s::bigint[], %s::boolean[], %s::bigint[], %s::float8[], %s::boolean[],
    %s::integer[], %s::float8[], %s::integer[]
) WITH ORDINALITY AS asked (account, act, me, bulk, number, seconds, again, requests, span, reserve, place),
LATERAL ac_sms_budget.turn(account, act, me, bulk, number, seconds, again, requests, span, reserve) AS done
ORDER BY place
"""

_Row: TypeAlias = tuple[Any, ...]


@frozen
class Request:
    """What is to be done with an account's ledger: the arguments of `turn` in postgres.sql."""

    account: str
    act: str
    me: int
    bulk: bool = False
    number: int = 0
    until: float = 0.0
    """The moment that it is about, on this machine's clock; the database is told how far off that is."""
    again: bool = False
    requests: int | None = None
    window: float = 0.0
    reserve: int = 0

    def values(self) -> Sequence[Any]:
        """As they are sent now."""
        seconds = self.until - clock()
        head = (self.account, self.act, self.me, self.bulk, self.number, seconds)
        return (*head, self.again, self.requests, self.window, self.reserve)


@frozen
class Answer:
    """The ledger afterwards, in seconds from the moment at which the database was asked."""

    wait: float
    starts: Sequence[float]
    paused_for: float
    since_bulk: int
    waiters: Sequence[int] = ()
    """Who waits, the ids of bulk work with a minus."""


class _Question:
    def __init__(self, request: Request, notify: Callable[[Callable[[], object]], object] | None) -> None:
        self.request = request
        self.done = anyio.Event()
        self.answer: Answer | None = None
        self.is_given_up = False
        self._notify = notify

    def settle(self, row: _Row | None) -> None:
        if row is not None:
            wait, now, starts, paused_until, since_bulk, waiters = row
            self.answer = Answer(wait, [start - now for start in starts], paused_until - now, since_bulk, waiters)
        if self._notify is not None:
            # Whoever asked may have ended meanwhile, loop and all.
            with suppress(RuntimeError):
                self._notify(self.done.set)


class Link:
    """Asks and tells the database of a DSN. One for each event loop, which all its budgets in that database share."""

    def __init__(self, dsn: str) -> None:
        self.pid: int = os.getpid()
        self.users: set[object] = set()
        self.trouble: str = ""
        """Why there was no answer, in a word that holds no secret: the name of an error's class."""
        self.is_closed: bool = False
        given = conninfo_to_dict(dsn)
        self._dsn = make_conninfo(dsn, **{name: value for name, value in _DEFAULTS.items() if name not in given})
        self._connection: psycopg.Connection[_Row] | None = None
        # Whoever breaks a connection off must not find its file descriptor in other hands.
        self._lock = Lock()
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self.thread: Thread = Thread(target=self._serve, name="ac-sms budget", daemon=True)
        self.thread.start()

    async def ask(self, request: Request, *, patience: float = math.inf) -> Answer | None:
        """The answer; None where there is none in time."""
        token: Any = current_token().native_token
        # Trio's name, and asyncio's.
        notify = getattr(token, "run_sync_soon", None) or token.call_soon_threadsafe
        question = _Question(request, notify)
        is_open = self._connection is not None
        self._questions.put(question)
        try:
            with anyio.move_on_after(min(patience, PATIENCE if is_open else CONNECTING)):
                await question.done.wait()
        finally:
            question.is_given_up = True
        if not question.done.is_set():
            self.trouble = "no answer in time"
            self._break_off()
        return question.answer

    def tell(self, request: Request) -> None:
        """Have it done, as soon as can be."""
        self._questions.put(_Question(request, None))

    def leave(self, user: object) -> None:
        """`user` needs it no longer. It ends with the last one, once all that was told is done."""
        self.users.discard(user)
        if not self.users and not self.is_closed:
            self.is_closed = True
            self._questions.put(None)

    def _serve(self) -> None:
        last = False
        while not last:
            batch = [self._questions.get()]
            while not self._questions.empty():
                batch.append(self._questions.get())
            last = None in batch
            self._settle([question for question in batch if question is not None])
        self._drop()

    def _settle(self, questions: list[_Question]) -> None:
        rows: Sequence[_Row | None]
        try:
            rows = self._send(questions)
        except psycopg.Error as error:
            self._drop()
            self.trouble = type(error).__name__
            rows = [None] * len(questions)
        for question, row in zip(questions, rows, strict=True):
            question.settle(row)

    def _send(self, questions: list[_Question]) -> Sequence[_Row | None]:
        if self._connection is not None:
            try:
                return self._exchange(self._connection, questions)
            except psycopg.OperationalError:
                # It was cut off, maybe while nobody used it.
                self._drop()
        connection = psycopg.connect(self._dsn, autocommit=True, prepare_threshold=None)
        with self._lock:
            self._connection = connection
        return self._exchange(connection, questions)

    def _exchange(self, connection: psycopg.Connection[_Row], questions: list[_Question]) -> Sequence[_Row | None]:
        try:
            return self._take_turns(connection, questions)
        except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction):
            text = resources.files("ac_sms_async.budget").joinpath("postgres.sql").read_text()
            connection.execute((_INSTALL + text).encode())
            return self._take_turns(connection, questions)

    def _take_turns(self, connection: psycopg.Connection[_Row], questions: list[_Question]) -> Sequence[_Row | None]:
        """All in one go, account by account: so no two can wait for each other's ledgers."""
        asked = [question for question in questions if not question.is_given_up]
        asked.sort(key=lambda question: question.request.account)
        if not asked:
            return [None] * len(questions)
        columns = zip(*(question.request.values() for question in asked), strict=True)
        rows = dict(zip(asked, connection.execute(_TURNS, [list(column) for column in columns]), strict=True))
        return [rows.get(question) for question in questions]

    def _drop(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _break_off(self) -> None:
        """What waits for the database fails at once, as it does on a dead network, too."""
        with self._lock:
            if self._connection is not None and not self._connection.closed:
                with socket.socket(fileno=os.dup(self._connection.fileno())) as same, suppress(OSError):
                    same.shutdown(socket.SHUT_RDWR)


_links: RunVar[dict[str, Link]] = RunVar("ac_sms_async.budget_links")


def link_to(dsn: str, user: object) -> Link:
    """The running event loop's link to this database."""
    try:
        links = _links.get()
    except LookupError:
        links = dict[str, Link]()
        _links.set(links)
    link = links.get(dsn)
    if link is None or link.is_closed or link.pid != os.getpid():
        link = links[dsn] = Link(dsn)
    link.users.add(user)
    return link
