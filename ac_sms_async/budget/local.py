"""An account's budget within one event loop.

The loop runs one task at a time, so the ledger needs no lock; it takes time from the loop, so it runs on virtual time
too. Whoever waits is woken when something changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

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
from ac_sms_async.budget.lines import Lines
from ac_sms_async.budget.start import Start
from ac_sms_async.options import Priority, RateLimit

__all__ = ["LocalBudget"]

ME = 0
"""Nobody else has this ledger."""


class LocalBudget:
    """Keeps a ledger in memory, and a line for each priority.

    Only the first of a line looks at the ledger, all others wait for it, and nothing is reserved before it is used, so
    cancelled waiters lose nothing.
    """

    def __init__(self) -> None:
        self.limit: RateLimit | None = None
        self.is_degraded: bool = False
        self._ledger = Ledger()
        self._lines = Lines()
        self._numbers = count()

    @property
    def paused_until(self) -> float:
        """Nobody starts before this time of the loop."""
        return self._ledger.paused_until

    def expected_wait(self, now: float, priority: Priority, more: int = 0) -> float:
        """Seconds until a request may start that comes now, behind all who wait and `more` others; 0 for at once.

        Rather too few.
        """
        ledger, ahead = self._ledger, more
        if ledger.waiters:
            ahead += self._lines.count_ahead(ledger, priority)
        return expected_wait(ledger, self.limit, now, ahead)

    async def start(
        self, clock: Callable[[], float], decide: Callable[[float, float], None], priority: Priority
    ) -> Start:
        """Wait until a request may start, and enter it. Send it at once.

        Who waits calls `decide(now, wait)` each time that something has changed, which raises where that isn't worth
        it. `wait` is for how many seconds more; 0 when its turn has come, inf where that isn't known.
        """
        now = clock()
        ledger, line = self._ledger, self._lines[priority]
        if not line and look(ledger, self.limit, now, ME, priority, woken=True) <= 0:
            return self._enter(clock, now, priority)
        turn = line.join()
        try:
            while True:
                wait = math.inf
                if line.first is turn:
                    wait = look(ledger, self.limit, now, ME, priority, woken=True)
                decide(now, wait)
                if wait <= 0:
                    return self._enter(clock, now, priority, again=len(line) > 1)
                await turn.sleep(wait)
                now = clock()
        finally:
            first = line.first is turn
            line.leave(turn)
            if first:
                if not line:
                    leave(ledger, ME, priority)
                self._lines.wake_first()

    def _enter(self, clock: Callable[[], float], now: float, priority: Priority, *, again: bool = False) -> Start:
        number = next(self._numbers)
        entry = enter(self._ledger, self.limit, now, ME, priority, number, again=again)
        return Start(None if self.limit is None else self, clock, number, entry)

    def opening(self, number: int) -> None:
        """The request opens a connection first: it counts as running until its answer, or until it is written."""
        move(self._ledger, number, math.inf)

    def move(self, number: int, moment: float) -> None:
        """The request counts from another moment."""
        move(self._ledger, number, moment)
        self._lines.wake_first()

    def forget(self, number: int) -> None:
        """The request provably never reached the server."""
        forget(self._ledger, number)
        self._lines.wake_first()

    def pause(self, now: float, seconds: float) -> bool:
        """Let nobody start for so long, and who waits decide anew. False where nobody may for as long already."""
        longer = pause(self._ledger, now + seconds)
        if longer:
            self.wake()
        return longer

    def wake(self) -> None:
        """Let everybody who waits decide anew."""
        self._lines.wake_all()

    def close(self) -> None:
        """Nothing is open."""

    def is_idle(self, now: float) -> bool:
        """Whether forgetting it now would make no difference."""
        return is_past(self._ledger, self.limit, now)
