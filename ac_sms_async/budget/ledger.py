"""The ledger of an account's requests, and the rules by which the next one starts.

There is no clock, lock or I/O in it: each function is told what time it is, and changes the ledger that it is given. So
the rules are the same wherever a ledger is kept; whoever keeps it lets its users come one at a time. Who waits looks at
it (`look`), and sleeps for as long as that says: each can tell when its turn may come, so nobody has to be woken.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque

from attrs import define, field

from ac_sms_async.budget.limits import Held
from ac_sms_async.options import Priority, RateLimit

__all__ = [
    "LATE",
    "Ledger",
    "Waiter",
    "count_ahead",
    "enter",
    "expected_wait",
    "forget",
    "is_past",
    "leave",
    "look",
    "move",
    "pause",
    "resume",
]

SHARE = 5
"""Of so many starts one is a bulk one, however many interactive calls wait."""

SPREAD = 0.95
"""Bulk starts come this much of `window / requests` after the start before them, while interactive calls are about.
Places used in one burst are free again in one burst, and who comes in between waits; spread, one is always near."""

ABOUT = 60.0
"""Interactive calls are about for so many seconds after the latest one. Then bulk ones make room for nobody."""

LATE = 0.005
"""Timers wake a little late. Up to this much of it is taken from the margin, or every window would lose it again."""

NEGLIGIBLE = 1e-6
"""Waits below this are rounding errors of the clock; sleeping them again and again could go on for ever."""

GRACE = 0.025
"""Whoever doesn't look when it was to is waited for so long. Then the others go on: it is busy, or dead."""

STAGGER = 0.002
"""Whoever is behind another looks so much later, and takes the place should that one not have come."""

SOON = 0.01
"""Nobody looks later than that for the same place, so whoever is to look within this time comes for it, too."""

AGAIN = 0.004
"""Seconds after which one looks again who sees a place that somebody before it is coming for."""

FORGOTTEN_AFTER = 60.0
"""Whoever hasn't looked for so long has lost its turn."""


@define(eq=False)
class Waiter:
    """One who waits: the first of an event loop's calls of one priority, with the turn of all those behind it."""

    id: int
    priority: Priority
    look_at: float
    """When it looks again."""


@define(eq=False)
class Ledger:
    """All that has to be known of an account's requests."""

    starts: list[tuple[float, int]] = field(factory=list[tuple[float, int]])
    """The latest: from when each counts, in this order, and its number. inf where only its answer can tell."""
    waiters: list[Waiter] = field(factory=list[Waiter])
    """In the order of their turns. Whoever has started is last again: they take turns, whatever each of them wants."""
    paused_until: float = -math.inf
    let_go_at: float = -math.inf
    """When the latest request was let go, whatever it counts from."""
    since_bulk: int = 0
    """How many were let go after the latest bulk one."""
    interactive_at: float = -math.inf
    """When an interactive call looked last."""
    gone_at: float = -math.inf
    """Of one that stands in for another: when that was found to be gone. -inf where it is there."""
    limits: list[Held] = field(factory=list[Held])
    """Those of all who share it, for `limits.agree`."""


def look(
    ledger: Ledger, limit: RateLimit | None, now: float, me: int, priority: Priority, *, woken: bool = False
) -> float:
    """Seconds until `me` is to look again; 0.0 where it may start, which it has to `enter` at once.

    Whoever has to wait is in the line from then on, until it starts or leaves. With `woken` all who wait are sure to
    come, and are woken by each change; inf says that they have to wait for one.
    """
    _forget_past(ledger, limit, now)
    place = wait = expected_wait(ledger, limit, now, 0)
    if priority == "interactive":
        ledger.interactive_at = now
    elif limit is not None and ledger.since_bulk < SHARE - 1 and now < ledger.interactive_at + ABOUT:
        wait = max(expected_wait(ledger, limit, now, limit.reserve), _spread(ledger, limit, now))
    waiters = ledger.waiters
    if wait <= 0 and not waiters:
        return 0.0
    mine = _waiter(ledger, me, priority)
    if mine is None:
        mine = Waiter(me, priority, now)
        waiters.append(mine)
    if woken:
        if _ahead(ledger, waiters, mine) or (place > 0 and _only_an_answer_can_tell(ledger, limit)):
            wait = math.inf
    else:
        waiters[:] = [waiter for waiter in waiters if now <= waiter.look_at + FORGOTTEN_AFTER or waiter is mine]
        here = [waiter for waiter in waiters if now <= waiter.look_at + GRACE or waiter is mine]
        if place > 0:
            ahead = _ahead(ledger, here, mine)
            if ahead:
                wait = _wait_behind(ledger, limit, now, mine, ahead, wait)
        elif _ahead(ledger, [waiter for waiter in here if waiter.look_at <= now + SOON or waiter is mine], mine):
            # Others before it sleep, as they reckoned with a later place. This one is free, and isn't kept for them.
            wait = AGAIN
    if wait <= 0:
        return 0.0
    mine.look_at = now + wait
    return wait


def enter(
    ledger: Ledger,
    limit: RateLimit | None,
    now: float,
    me: int,
    priority: Priority,
    number: int,
    *,
    again: bool = False,
) -> float:
    """`me` starts the request of this number. Returns from when it counts.

    With `again` another one waits behind it, and has its turn after all others that wait.
    """
    entry = now
    mine = _waiter(ledger, me, priority) if ledger.waiters else None
    if mine is not None:
        entry = max(min(mine.look_at, now), now - LATE)
        ledger.waiters.remove(mine)
        if again:
            mine.look_at = now
            ledger.waiters.append(mine)
    ledger.let_go_at = now
    ledger.since_bulk = 0 if priority == "bulk" else ledger.since_bulk + 1
    if limit is not None:
        # In its place: what is written to a new connection counts from a moment that is still to come.
        insort(ledger.starts, (entry, number))
    return entry


def leave(ledger: Ledger, me: int, priority: Priority) -> None:
    """`me` waits no longer."""
    mine = _waiter(ledger, me, priority)
    if mine is not None:
        ledger.waiters.remove(mine)


def move(ledger: Ledger, number: int, moment: float) -> None:
    """The request of this number counts from another moment; inf where only its answer can tell."""
    forget(ledger, number)
    insort(ledger.starts, (moment, number))


def forget(ledger: Ledger, number: int) -> None:
    """The request of this number doesn't count. After a whole window it is no longer there."""
    ledger.starts[:] = [start for start in ledger.starts if start[1] != number]


def pause(ledger: Ledger, until: float) -> bool:
    """Let nobody start until then. False where nobody may for as long already."""
    if until <= ledger.paused_until:
        return False
    ledger.paused_until = until
    return True


def resume(ledger: Ledger, now: float) -> None:
    """End a pause, and with it what held places from its end on."""
    ledger.paused_until = -math.inf
    while ledger.starts and ledger.starts[-1][0] > now and ledger.starts[-1][1] == 0:
        del ledger.starts[-1]


def expected_wait(ledger: Ledger, limit: RateLimit | None, now: float, ahead: int) -> float:
    """Seconds until one may start who has `ahead` others in front, all of whom start as soon as they may.

    Rather too few: what counts from a moment still to come, or from nobody knows when, is taken to count from now.
    """
    wait = ledger.paused_until - now
    if wait < 0:
        wait = 0.0
    if limit is None:
        return wait
    starts, expected = ledger.starts, 0.0
    # `limit` keeps each of these, but what was started before it came kept only some.
    limits: list[RateLimit | Held] = [limit, *ledger.limits] if ledger.limits else [limit]
    for one in limits:
        window = one.window
        rounds, place = divmod(ahead, one.requests) if ahead else (0, 0)
        excess = len(starts) + place - one.requests
        until = wait
        if excess >= 0 and starts[excess][0] > now - window + NEGLIGIBLE:
            # Slept in full, though a little less is enough: aiming at that could miss it by a rounding error.
            until = max(wait, min(starts[excess][0], now) + window - now)
        until += rounds * window
        if until > expected:
            expected = until
    return expected


def count_ahead(ledger: Ledger, priority: Priority, interactive: int, bulk: int) -> int:
    """How many start before one who comes now, where so many wait."""
    if priority == "bulk":
        return interactive + bulk
    turns_of_bulk = (min(ledger.since_bulk, SHARE - 1) + interactive) // (SHARE - 1)
    return interactive + min(bulk, turns_of_bulk)


def is_past(ledger: Ledger, limit: RateLimit | None, now: float) -> bool:
    """Whether nothing in it has a bearing on who starts from now on."""
    starts = ledger.starts
    return ledger.paused_until <= now and (limit is None or not starts or starts[-1][0] <= now - limit.window)


def _forget_past(ledger: Ledger, limit: RateLimit | None, now: float) -> None:
    """Forget what no limit counts any more: that of the longest window may hold alone once the others have gone."""
    if limit is not None:
        starts, window = ledger.starts, limit.window
        for held in ledger.limits:
            window = max(window, held.window)
        gone = now - window + NEGLIGIBLE
        while starts and starts[0][0] <= gone:
            del starts[0]


def _spread(ledger: Ledger, limit: RateLimit, now: float) -> float:
    """Seconds until the latest start is far enough away for a bulk one."""
    wait = ledger.let_go_at + SPREAD * limit.window / limit.requests - now
    return wait if wait > NEGLIGIBLE else 0.0


def _wait_behind(
    ledger: Ledger, limit: RateLimit | None, now: float, mine: Waiter, ahead: list[Waiter], wait: float
) -> float:
    """Seconds after which `mine` stands in for the last of those ahead of it, should that one have gone by then."""
    wait = max(wait, expected_wait(ledger, limit, now, len(ahead) - 1))
    bulk = sum(waiter.priority == "bulk" for waiter in ahead)
    if mine.priority == "bulk" and bulk < len(ahead):
        # There may come more interactive calls than wait now, and the places that bring bulk its share.
        share = SHARE - 1 - min(ledger.since_bulk, SHARE - 1) + SHARE * bulk
        wait = min(wait, expected_wait(ledger, limit, now, max(share - 1, 0)))
    return wait + min(STAGGER * len(ahead), SOON)


def _only_an_answer_can_tell(ledger: Ledger, limit: RateLimit | None) -> bool:
    """Whether the next place is that of a request of which nobody knows from when it counts."""
    if limit is None:
        return False
    excess = len(ledger.starts) - limit.requests
    return excess >= 0 and ledger.starts[excess][0] == math.inf


def _ahead(ledger: Ledger, waiters: list[Waiter], mine: Waiter) -> list[Waiter]:
    """Who of these is to start before `mine`: interactive calls before bulk ones, of `SHARE` starts a bulk one."""
    interactive = deque(waiter for waiter in waiters if waiter.priority == "interactive")
    bulk = deque(waiter for waiter in waiters if waiter.priority == "bulk")
    ahead: list[Waiter] = []
    since_bulk = ledger.since_bulk
    while True:
        is_bulk = bool(bulk) and (not interactive or since_bulk >= SHARE - 1)
        first = (bulk if is_bulk else interactive).popleft()
        if first is mine:
            return ahead
        ahead.append(first)
        since_bulk = 0 if is_bulk else since_bulk + 1


def _waiter(ledger: Ledger, me: int, priority: Priority) -> Waiter | None:
    for waiter in ledger.waiters:
        if waiter.id == me and waiter.priority == priority:
            return waiter
    return None
