"""A crowd that shares one ledger, each in a process of its own, on made-up time.

They come late to their turns, open connections first, are killed, stopped or cancelled: all that a ledger's users do to
each other. The ledger's rules are handed in, so that broken ones can be tried too.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from types import ModuleType

from attrs import define, field, frozen

from ac_sms_async.budget import ledger as rules
from ac_sms_async.budget.ledger import Ledger
from ac_sms_async.budget.limits import HELD_FOR, Held, agree
from ac_sms_async.options import Priority, RateLimit

FIVE = RateLimit(5)

Agree = Callable[[list[Held], RateLimit | None, float], RateLimit | None]


@define(eq=False)
class Caller:
    """One event loop's calls of one priority."""

    id: int
    priority: Priority = "interactive"
    thinks: float = 0.0
    """Seconds between an answer and the next call, on average. 0 for a line of calls that never ends."""
    cold: float = 0.0
    """The share of its requests that open a connection first."""
    limit: RateLimit | None = None
    """What it was given; None for that of the crowd."""
    late: float = 0.0
    """Its timers wake so many seconds late on average, and at most five times that."""
    busy_until: float = 0.0
    dead: bool = False
    came_at: float | None = None
    """When the call came that waits now."""
    timer: int = 0
    """Only the latest one rings."""


@frozen
class Started:
    """A request that was let go."""

    at: float
    caller: Caller
    waited: float


@define(eq=False)
class Crowd:
    """Callers and their ledger. `pass_time` lets things happen."""

    seed: int = 0
    limit: RateLimit = FIVE
    rules: ModuleType = rules
    agree: Agree = agree
    now: float = 1000.0
    said: dict[RateLimit, list[float]] = field(factory=dict[RateLimit, list[float]])
    """When somebody looked who was given this limit."""
    started: list[Started] = field(factory=list[Started])
    seen: list[float] = field(factory=list[float])
    """When the server saw each request."""
    held: float = 0.0
    """For how many seconds places were held beyond their window, because a connection was opened first."""
    looks: int = 0
    callers: list[Caller] = field(factory=list[Caller])
    ledger: Ledger = field(init=False)
    _draw: Random = field(init=False)
    _due: list[tuple[float, int, Callable[[], None]]] = field(factory=list[tuple[float, int, Callable[[], None]]])
    _numbers: count[int] = field(factory=count)

    def __attrs_post_init__(self) -> None:
        self._draw = Random(self.seed)
        self.ledger = self.rules.Ledger()

    def add(self, priority: Priority = "interactive", *, limit: RateLimit | None = None, **how: float) -> Caller:
        """One more, whose first call comes now."""
        caller = Caller(len(self.callers) + 1, priority, limit=limit, **how)  # type: ignore[arg-type]  # its numbers
        self.callers.append(caller)
        self._wake(caller, self.now)
        return caller

    def kill(self, caller: Caller) -> None:
        """It is gone, and nobody is told."""
        caller.dead = True

    def stop(self, caller: Caller, seconds: float) -> None:
        """It does nothing for so long."""
        caller.busy_until = self.now + seconds

    def cancel(self, caller: Caller) -> None:
        """Its calls are given up; others come in a second."""
        if caller.came_at is not None:
            caller.came_at = None
            self.rules.leave(self.ledger, caller.id, caller.priority)
            self._wake(caller, self.now + 1)

    def pause(self, seconds: float) -> None:
        """Somebody got a 429."""
        self.rules.pause(self.ledger, self.now + seconds)

    def pass_time(self, seconds: float) -> None:
        """What happens in so many seconds."""
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._due)
            happen()
        self.now = until

    def _at(self, moment: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._due, (moment, next(self._numbers), happen))

    def _wake(self, caller: Caller, moment: float) -> None:
        caller.timer += 1
        timer = caller.timer

        def ring() -> None:
            if caller.dead or timer != caller.timer:
                return
            if self.now < caller.busy_until:
                self._wake(caller, caller.busy_until)
            else:
                self._look(caller)

        late = min(self._draw.expovariate(1 / caller.late), 5 * caller.late) if caller.late else 0.0
        self._at(moment + late, ring)

    def _look(self, caller: Caller) -> None:
        self.looks += 1
        if caller.came_at is None:
            caller.came_at = self.now
        given = caller.limit or self.limit
        self.said.setdefault(given, []).append(self.now)
        limit = self.agree(self.ledger.limits, given, self.now)
        wait = self.rules.look(self.ledger, limit, self.now, caller.id, caller.priority)
        if wait > 0:
            self._wake(caller, self.now + wait)
            return
        number = next(self._numbers)
        more = not caller.thinks
        self.rules.enter(self.ledger, limit, self.now, caller.id, caller.priority, number, again=more)
        self.started.append(Started(self.now, caller, self.now - caller.came_at))
        if self._draw.random() < caller.cold:
            self._open(number)
        else:
            self.seen.append(self.now)
        caller.came_at = self.now if more else None
        self._wake(caller, self.now if more else self.now + self._draw.expovariate(1 / caller.thinks))

    def _open(self, number: int) -> None:
        """The request opens a connection; the server sees it when it is written, or later."""
        began = self.now
        # A process that dies meanwhile doesn't hold its place for ever.
        self.rules.move(self.ledger, number, began + 5)
        written = began + self._draw.uniform(0, 0.3)
        answered = written + self._draw.uniform(0, 0.1)
        self.seen.append(self._draw.uniform(written, answered))
        self.held += answered - began
        self._at(written, lambda: self.rules.move(self.ledger, number, written + 1.0))
        self._at(answered, lambda: self.rules.move(self.ledger, number, answered))

    @property
    def used(self) -> float:
        """The share of the places' time that was used, or held by connections which were being opened."""
        span = self.started[-1].at - self.started[0].at
        return (len(self.started) * self.limit.window + self.held) / (self.limit.requests * (span + self.limit.window))

    @property
    def idle(self) -> float:
        """Seconds for which a place was free though somebody waited for it, of a crowd that always wants more."""
        limit = self.limit
        times = [start.at for start in self.started]
        spaces = zip(times, times[limit.requests :], strict=False)
        return sum(later - earlier - limit.window for earlier, later in spaces)


def most_beyond_a_limit(crowd: Crowd, *, latest: int = 0) -> int:
    """By how many starts a window exceeds a limit that somebody had given before each of them, not long ago."""
    times = [start.at for start in crowd.started[-latest:]]
    most = -1
    for limit, said in crowd.said.items():
        for first, at in enumerate(times):
            within = 0
            for later in times[first:]:
                latest_said = bisect_left(said, later) - 1
                holds = said[0] < at and later - said[latest_said] < HELD_FOR
                if not holds or later - at > limit.per:
                    break
                within += 1
            most = max(most, within - limit.requests)
    return most


def share_of_bulk(started: Sequence[Started]) -> float:
    return sum(start.caller.priority == "bulk" for start in started) / len(started)


def waits(started: Sequence[Started], priority: Priority) -> list[float]:
    """How long those of one priority waited, the shortest first."""
    return sorted(start.waited for start in started if start.caller.priority == priority)


def most_in_a_second(times: Sequence[float]) -> int:
    """The greatest number in any sliding second."""
    times = sorted(times)
    return max(
        (sum(1 for later in times[i : i + 20] if later - first < 1.0) for i, first in enumerate(times)), default=0
    )
