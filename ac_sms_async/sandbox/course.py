"""When answers come: minutes to weeks after a broadcast was sent, most of them soon, by a curve that has no memory."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from attrs import frozen

HOUR = 3600
DAY = 24 * HOUR
#: Slowness is in ten-thousandths: this much is as fast as the curves say, none at all is at once.
USUAL = 10_000

#: Which percentage has happened so many seconds after the last message went out.
CLICKS = ((0, 20), (50, HOUR // 2), (80, 6 * HOUR), (95, 2 * DAY), (100, 14 * DAY))
REPLIES = ((0, 30), (60, HOUR), (90, DAY), (100, 7 * DAY))
OPT_OUTS = ((0, 30), (70, HOUR), (100, 7 * DAY))
#: A phone that is switched off is given up on after hours or days.
LATE_FAILURES = ((0, 60), (40, 4 * HOUR), (100, 3 * DAY))
#: Who clicks again does it so much later, and once more so much later; as do those who reply again.
CLICK_AGAIN, CLICK_ONCE_MORE, REPLY_AGAIN = HOUR, DAY, 60
#: When all is over.
LAST = CLICKS[-1][1] + CLICK_ONCE_MORE


def stretched(seconds: int, slowness: int) -> int:
    return seconds * slowness // USUAL


@frozen
class Course:
    """`total` events of one kind along a curve, which `slowness` stretches; whole seconds everywhere."""

    curve: tuple[tuple[int, int], ...]
    total: int
    slowness: int = USUAL

    def at(self, number: int) -> int:
        """Seconds from the end of sending to the event of this number, from 0; later ones are never sooner."""
        share, whole = 100 * (2 * number + 1), 2 * self.total
        (low, begin), (high, end) = next(piece for piece in pairwise(self.curve) if share < piece[1][0] * whole)
        return stretched(begin + (end - begin) * (share - low * whole) // ((high - low) * whole), self.slowness)

    def reached(self, seconds: int) -> int:
        """How many have happened so many seconds after the end of sending."""
        if seconds >= stretched(self.curve[-1][1], self.slowness):
            return self.total
        return bisect_right(range(self.total), seconds, key=self.at)
