"""What a database that keeps budgets is asked, and what it answers, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from attrs import frozen

from ac_sms_async.budget.file import clock

__all__ = ["CONNECTING", "PATIENCE", "Answer", "Cut", "Request", "Store", "Trouble"]

PATIENCE = 0.25
"""Seconds within which there is an answer, or the database counts as gone."""

CONNECTING = 1.0
"""The same for the first answer on a connection, as that has to be opened."""


@frozen
class Request:
    """What is to be done with an account's ledger: the arguments of `turn` in postgres.sql and redis.lua."""

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
        """What is sent of it now, beside the account."""
        head = (self.act, self.me, self.bulk, self.number, self.until - clock())
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
    limit: tuple[int, float] | None = None
    """Requests and window of the limit that holds for all who share it."""


class Trouble(Exception):
    """There is no answer: why, in a word that holds no secret, such as the name of an error's class."""


class Cut(Trouble):
    """The connection was cut off, maybe while nobody used it. Another one may do."""


class Store(Protocol):
    """An open connection to a database, as the thread of a link uses it. What opens it raises `Trouble`, too."""

    def take_turns(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Have them done in this order, account by account. Raises `Trouble`."""
        ...

    def break_off(self) -> None:
        """(From another thread.) Let what waits for the database fail at once."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...
