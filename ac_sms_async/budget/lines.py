"""An event loop's lines of those who wait for a budget: one for each priority."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ac_sms_async.budget.ledger import Ledger, count_ahead
from ac_sms_async.budget.start import Start
from ac_sms_async.line import Line
from ac_sms_async.options import Priority

__all__ = ["RETRY", "Decide", "Lines", "Look"]

RETRY = 0.001
"""Seconds after which one looks again where another has its turn."""

ASK_AGAIN = 1.0
"""Seconds after which one looks again where nobody knows when to."""

Decide: TypeAlias = Callable[[float, float], None]
"""Told the loop's time and for how many seconds one waits on; raises where that isn't worth it."""

Look: TypeAlias = Callable[[float, Decide, Priority], Awaitable[Start | float]]
"""Told the loop's time. A start, or for how many seconds one waits; inf where nobody knows."""


class Lines:
    """`lines[priority]` is a line; of each, only the first looks at the ledger, and the others wait for it."""

    def __init__(self) -> None:
        self._lines: dict[Priority, Line] = {"interactive": Line(), "bulk": Line()}

    def __getitem__(self, priority: Priority) -> Line:
        return self._lines[priority]

    async def start(
        self,
        clock: Callable[[], float],
        decide: Decide,
        priority: Priority,
        look: Look,
        leave: Callable[[Priority], None],
    ) -> Start:
        """Wait in a line whose first one looks at what others change, too; `leave` is called when nobody is left."""
        line = self._lines[priority]
        turn = line.join()
        has_waited = False
        try:
            while True:
                now = clock()
                wait = math.inf
                if line.first is turn:
                    found = await look(now, decide if has_waited else _at_once, priority)
                    if isinstance(found, Start):
                        return found
                    wait = found
                if wait != RETRY:
                    decide(clock(), wait)
                    has_waited = True
                await turn.sleep(min(wait, ASK_AGAIN) if line.first is turn and wait == math.inf else wait)
        finally:
            first = line.first is turn
            line.leave(turn)
            if first:
                if not line:
                    leave(priority)
                line.wake_first()

    def count_ahead(self, ledger: Ledger, priority: Priority) -> int:
        """How many of this loop start before one who comes now."""
        return count_ahead(ledger, priority, len(self._lines["interactive"]), len(self._lines["bulk"]))

    def wake_first(self) -> None:
        """Let the first of each line look again."""
        for line in self._lines.values():
            line.wake_first()

    def wake_all(self) -> None:
        """Let everybody who waits decide anew."""
        for line in self._lines.values():
            line.wake_all()


def _at_once(now: float, wait: float) -> None:
    """Decides nothing: whoever hasn't waited decided before it came."""
