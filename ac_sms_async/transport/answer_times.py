"""How long answers usually take: learned from the latest ones, those included that were not waited for."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import deque

__all__ = ["AnswerTimes"]

KEPT = 64
"""As many answers are remembered: enough to know what one in twenty takes, few enough to notice a change soon."""

USUAL = 0.95
"""The share of answers that takes no longer than "usual"."""

ENOUGH = 5
"""From so many answers on, one is ready to believe that none will come in time."""

FORGOTTEN_AFTER = 60.0
"""Seconds without an answer, after which nothing is known any more: the server may be another by now."""


class AnswerTimes:
    """The latest answers' times, in seconds."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque()
        self._sorted: list[float] = []
        self._heard_at = -math.inf

    def add(self, seconds: float, now: float) -> None:
        """An answer took so long."""
        if now - self._heard_at > FORGOTTEN_AFTER:
            self._latest.clear()
            self._sorted.clear()
        self._heard_at = now
        if len(self._latest) == KEPT:
            self._sorted.remove(self._latest.popleft())
        self._latest.append(seconds)
        insort(self._sorted, seconds)

    @property
    def is_known(self) -> bool:
        """Whether there was an answer."""
        return bool(self._sorted)

    def usual(self, within: float) -> float:
        """How long an answer usually takes that comes within so many seconds at all; 0.0 where none is known to."""
        count = bisect_right(self._sorted, within)
        return self._sorted[math.ceil(count * USUAL) - 1] if count else 0.0

    def none_within(self, seconds: float) -> bool:
        """Whether the latest answers all took longer than that."""
        return len(self._sorted) >= ENOUGH and self._sorted[0] > seconds

    def asked_again(self, now: float, after: float) -> bool:
        """Whether nothing was heard for so long that it is worth to ask again; True for one who asks, then it waits."""
        if now - self._heard_at < after:
            return False
        self._heard_at = now
        return True
