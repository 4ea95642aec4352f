"""A server that notes when each request reached it, through a network that delays each by some chance."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import anyio
from attrs import define, field

from tests.faults.answers import minimal
from tests.faults.http11 import Answer, Request

LIMIT = 5
"""Requests that an account may make in a second."""
LOOK = 0.01
"""Seconds between two looks at how late a loop is."""


@define
class Account:
    """What one account's server saw and said."""

    jitter: float
    seed: int = 0
    enforce: bool = False
    """Answer 429 to a sixth request in a second, as the real server does."""
    fail_every: int = 0
    """Answer 503 to every so many-th request: retries have to keep to the budget too."""
    turn_away: int | None = None
    """Answer 429 to the request of this number (from 0), with `retry_after`."""
    retry_after: int = 2
    arrivals: list[float] = field(factory=list[float])
    refused: list[float] = field(factory=list[float])
    _draw: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    async def __call__(self, request: Request) -> Answer:
        await asyncio.sleep(self._draw.uniform(0, self.jitter))
        now = time.monotonic()
        number = len(self.arrivals)
        recent = sum(1 for arrival in self.arrivals if now - arrival < 1.0)
        self.arrivals.append(now)
        if self.turn_away == number or (self.enforce and recent >= LIMIT):
            self.refused.append(now)
            wait = self.retry_after if self.turn_away == number else 1
            return Answer.of({"message": "slow down"}, 429, Retry_After=str(wait))
        if self.fail_every and number % self.fail_every == self.fail_every - 1:
            return Answer.of({"message": "later"}, 503)
        return await minimal(request)


@define
class Lag:
    """How late event loops of this machine are at worst: that comes on top of the jitter which a test asks for."""

    worst: float = 0.0

    async def watch(self) -> None:
        """Watch the running loop until cancelled."""
        while True:
            due = time.monotonic() + LOOK
            await anyio.sleep(LOOK)
            self.worst = max(self.worst, time.monotonic() - due)


def most_in_a_second(arrivals: Sequence[float], *, less: float = 0.0) -> int:
    """The greatest number of arrivals in any sliding second, or in one that is shorter by `less`."""
    times = sorted(arrivals)
    return max(sum(1 for later in times[index:] if later - first < 1.0 - less) for index, first in enumerate(times))
