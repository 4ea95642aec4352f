"""A connection to the database that keeps budgets, in a thread of its own.

So it serves asyncio and trio alike, and can be told something from where nothing can be awaited. What comes while it is
busy goes out together afterwards, in its order. Where there is no answer, it says so, and begins anew with the next.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

import anyio
from anyio.lowlevel import RunVar, current_token

from ac_sms_async.budget.scope import Database
from ac_sms_async.budget.store import CONNECTING, PATIENCE, Answer, Cut, Request, Store, Trouble

__all__ = ["Link", "link_to", "opener_of"]


class _Question:
    def __init__(self, request: Request, notify: Callable[[Callable[[], object]], object] | None) -> None:
        self.request = request
        self.done = anyio.Event()
        self.answer: Answer | None = None
        self.is_given_up = False
        self._notify = notify

    def settle(self, answer: Answer | None) -> None:
        self.answer = answer
        if self._notify is not None:
            # Whoever asked may have ended meanwhile, loop and all.
            with suppress(RuntimeError):
                self._notify(self.done.set)


class Link:
    """Asks and tells a database. One for each event loop, which all its budgets in that database share."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self.pid: int = os.getpid()
        self.users: set[object] = set()
        self.trouble: str = ""
        """Why there was no answer, in a word that holds no secret: the name of an error's class."""
        self.is_closed: bool = False
        self._open = open_store
        self._store: Store | None = None
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
        is_open = self._store is not None
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
        answers: dict[_Question, Answer] = {}
        try:
            answers = self._send(questions)
        except Trouble as trouble:
            self._drop()
            self.trouble = str(trouble)
        for question in questions:
            question.settle(answers.get(question))

    def _send(self, questions: list[_Question]) -> dict[_Question, Answer]:
        if self._store is not None:
            try:
                return _exchange(self._store, questions)
            except Cut:
                self._drop()
        store = self._open()
        with self._lock:
            self._store = store
        return _exchange(store, questions)

    def _drop(self) -> None:
        with self._lock:
            store, self._store = self._store, None
            if store is not None:
                store.close()

    def _break_off(self) -> None:
        with self._lock:
            if self._store is not None:
                self._store.break_off()


def _exchange(store: Store, questions: list[_Question]) -> dict[_Question, Answer]:
    """All in one go, account by account: so no two can wait for each other's ledgers."""
    asked = [question for question in questions if not question.is_given_up]
    asked.sort(key=lambda question: question.request.account)
    if not asked:
        return {}
    return dict(zip(asked, store.take_turns([question.request for question in asked]), strict=True))


def opener_of(database: Database) -> Callable[[], Store]:
    """What opens a connection to it."""
    if database.is_redis:
        from ac_sms_async.budget.redis import RedisStore

        return partial(RedisStore, database.dsn)
    from ac_sms_async.budget.postgres import PostgresStore

    return partial(PostgresStore, database.dsn)


_links: RunVar[dict[str, Link]] = RunVar("ac_sms_async.budget_links")


def link_to(database: Database, user: object) -> Link:
    """The running event loop's link to this database."""
    try:
        links = _links.get()
    except LookupError:
        links = dict[str, Link]()
        _links.set(links)
    link = links.get(database.dsn)
    if link is None or link.is_closed or link.pid != os.getpid():
        link = links[database.dsn] = Link(opener_of(database))
    link.users.add(user)
    return link
