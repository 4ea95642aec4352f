"""A request that was let go, and from when it counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from ac_sms_async.budget.ledger import LATE

__all__ = ["UNSEEN", "Keeper", "Start"]

UNSEEN = 1.0
"""A request that is written to a new connection counts from its answer on, but from so many seconds later at most:
five slow answers must not hold up the whole account."""


class Keeper(Protocol):
    """Whoever keeps the ledger in which a start is entered."""

    def opening(self, number: int) -> None:
        """The request of this number opens a connection first: from when it counts, nobody knows."""
        ...

    def move(self, number: int, moment: float) -> None:
        """The request of this number counts from another moment."""
        ...

    def forget(self, number: int) -> None:
        """The request of this number provably never reached the server."""
        ...


class Start:
    """A request that was let go, and what becomes of its entry in the ledger."""

    __slots__ = ("_clock", "_entry", "_keeper", "_number", "_opening", "_until_seen")

    def __init__(self, keeper: Keeper | None, clock: Callable[[], float], number: int, entry: float) -> None:
        """`keeper` is None where nothing is limited."""
        self._keeper = keeper
        self._clock = clock
        self._number = number
        self._entry = entry
        self._opening = False
        self._until_seen = -math.inf

    def opening(self) -> None:
        """It has to open a connection first, so the server will see it later than now."""
        if self._keeper is not None and not self._opening:
            self._opening = True
            self._keeper.opening(self._number)

    def writing(self) -> None:
        """It is on its way. Where the event loop was too busy to write it at once, that is when it started."""
        if self._keeper is None:
            return
        if self._opening:
            self._opening = False
            # When exactly a server takes up a new connection only its answer can tell, but it won't be later than this.
            self._entry = self._until_seen = self._clock() + UNSEEN
            self._keeper.move(self._number, self._entry)
        else:
            written = self._clock() - LATE
            if written > self._entry:
                self._entry = written
                self._keeper.move(self._number, written)

    def settle(self, *, sent: bool) -> None:
        """Its answer began, or it failed; with `sent` False it provably never reached the server."""
        if self._keeper is None:
            return
        now = self._clock()
        if self._opening:
            self._opening = False
            if sent:
                self._keeper.move(self._number, now)
            else:
                self._keeper.forget(self._number)
        elif now < self._until_seen:
            self._until_seen = -math.inf
            self._keeper.move(self._number, now)
