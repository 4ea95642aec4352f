"""An account's budget among all processes of a machine: a ledger in a file, and this event loop's lines. (Linux)"""

from __future__ import annotations

import math
import os
import time
from bisect import insort
from collections.abc import Callable
from typing import TypeVar

from ac_sms_async.budget.file import Busy, LedgerFile, clock
from ac_sms_async.budget.ledger import (
    Ledger,
    enter,
    expected_wait,
    forget,
    is_past,
    leave,
    look,
    move,
    pause,
)
from ac_sms_async.budget.limits import agree
from ac_sms_async.budget.lines import RETRY, Decide, Lines
from ac_sms_async.budget.start import Start
from ac_sms_async.options import Priority, RateLimit

__all__ = ["MachineBudget"]

T = TypeVar("T")

CONNECTING = 5.0
"""A connection is open within so many seconds, or fails. Whoever dies over it holds its place for no longer."""

LONGEST_PAUSE = 60.0
"""Seconds for which others pause at most, whatever one was told. Then one request finds out whether it holds still."""

TRIES = 20
"""A change that can't wait is tried so often, for 4 ms in all. After that it comes with the next one."""


class MachineBudget:
    """The first of each line looks at the file, and the others wait for it. Times in the ledger are `file.clock`'s.

    With `stands_in_for`, these lines' ledger is elsewhere, and the file's is used while it is gone.
    """

    def __init__(self, account: str, stands_in_for: Lines | None = None) -> None:
        self.limit: RateLimit | None = None
        self.file: LedgerFile = LedgerFile(account)
        self._lines = stands_in_for or Lines()
        self._stands_in = stands_in_for is not None
        self._registered: set[Priority] = set()
        self._late: list[Callable[[Ledger, float], object]] = []
        self._name = int.from_bytes(os.urandom(7))
        self.told_until: float = -math.inf
        """Somebody was told here that nobody may start before this time of the loop."""
        self.is_degraded: bool = False
        self._seen_until = -math.inf

    @property
    def paused_until(self) -> float:
        """Nobody starts before this time of the loop, as far as is known here."""
        return max(self.told_until, self._seen_until)

    def expected_wait(self, now: float, priority: Priority, more: int = 0) -> float:
        """As `LocalBudget.expected_wait`, as far as is known here."""
        ledger, there = self.file.known, clock()
        ahead = self._lines.count_ahead(ledger, priority) + more
        limit = agree(ledger.limits, self.limit, there)
        return max(expected_wait(ledger, limit, there, ahead), self.told_until - now)

    async def start(self, loop_clock: Callable[[], float], decide: Decide, priority: Priority) -> Start:
        """As `LocalBudget.start`."""
        return await self._lines.start(loop_clock, decide, priority, self._look, self.leave)

    async def _look(self, now: float, decide: Decide, priority: Priority) -> Start | float:
        return self.look(now, decide, priority)

    def look(self, now: float, decide: Decide, priority: Priority) -> Start | float:
        """A start, or after how many seconds to look again. A stand-in whose turn has passed says `RETRY`."""
        me = self._me()

        def change(ledger: Ledger, there: float) -> Start | float:
            if self._stands_in and ledger.gone_at == -math.inf:
                return RETRY
            limit = agree(ledger.limits, self.limit, there)
            wait = look(ledger, limit, there, me, priority)
            self._seen_until = now + ledger.paused_until - there
            if wait > 0:
                self._registered.add(priority)
                return wait
            if self.told_until > now:
                return self.told_until - now
            decide(now, 0.0)
            number = int.from_bytes(os.urandom(7))
            again = len(self._lines[priority]) > 1
            entry = enter(ledger, limit, there, me, priority, number, again=again)
            if not again:
                self._registered.discard(priority)
            return Start(None if limit is None else self, clock, number, entry)

        try:
            return self.turn(change)
        except Busy:
            return RETRY

    def leave(self, priority: Priority) -> None:
        """Nobody of this priority waits here any more."""
        if priority in self._registered:
            self._registered.remove(priority)
            me = self._me()
            self.change(lambda ledger, _: leave(ledger, me, priority))

    def _me(self) -> int:
        # A process that was forked off is somebody else.
        return self._name + os.getpid()

    def turn(self, change: Callable[[Ledger, float], T]) -> T:
        """What `change` of the ledger returns, which is told the time there. Raises `Busy`."""
        late = tuple(self._late)

        def with_late(ledger: Ledger, there: float) -> T:
            for one in late:
                one(ledger, there)
            return change(ledger, there)

        result = self.file.turn(with_late, places=0 if self.limit is None else self.limit.requests)
        del self._late[: len(late)]
        return result

    def change(self, change: Callable[[Ledger, float], object]) -> None:
        """From where nothing can be waited for: others must not count a request wrongly meanwhile."""
        for _ in range(TRIES):
            try:
                self.turn(change)
            except Busy:
                time.sleep(RETRY / 5)
            else:
                return
        self._late.append(change)

    def opening(self, number: int) -> None:
        """The request opens a connection first."""
        self.change(lambda ledger, there: move(ledger, number, there + CONNECTING))

    def move(self, number: int, moment: float) -> None:
        """The request counts from another moment."""
        self.change(lambda ledger, _: move(ledger, number, moment))

    def forget(self, number: int) -> None:
        """The request provably never reached the server."""
        self.change(lambda ledger, _: forget(ledger, number))
        self._lines.wake_first()

    def pause(self, now: float, seconds: float) -> bool:
        """Let nobody start for so long, and who waits here decide anew. False where nobody may for as long already."""

        def change(ledger: Ledger, there: float) -> None:
            until = there + min(seconds, LONGEST_PAUSE)
            limit = agree(ledger.limits, self.limit, there)
            if pause(ledger, until) and seconds > LONGEST_PAUSE and limit is not None:
                # All places but one are taken for a window from then on.
                for _ in range(limit.requests - 1):
                    insort(ledger.starts, (until, 0))

        longer = now + seconds > self.paused_until
        if longer:
            self.told_until = now + seconds
            self.change(change)
            self.wake()
        return longer

    def close(self) -> None:
        """Nothing is open."""

    def wake(self) -> None:
        """Let everybody who waits decide anew."""
        self._lines.wake_all()

    def is_idle(self, now: float) -> bool:
        """Whether forgetting it now would make no difference."""
        return self.told_until <= now and is_past(self.file.known, self.limit, clock())
