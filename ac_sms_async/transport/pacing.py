"""Pacing: how many requests an account may start per second, how many run at once, and the pause after a 429.

Everything here lives in one event loop and takes time from it, so it needs no lock and runs on virtual time too.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol
from weakref import ref

from anyio.lowlevel import RunVar

from ac_sms_async.options import RateLimit
from ac_sms_async.transport.answer_times import AnswerTimes
from ac_sms_async.transport.line import Line

__all__ = ["Account", "Sharer", "Slots", "Start", "account_state", "wait_behind"]

LATE = 0.005
"""Timers wake a little late. Up to this much of it is taken from the margin, or every window would lose it again."""

UNSEEN = 1.0
"""A request that is written to a new connection counts from its answer on, but from so many seconds later at most:
five slow answers must not hold up the whole account."""

NEGLIGIBLE = 1e-6
"""Waits below this are rounding errors of the clock; sleeping them again and again could go on for ever."""

LONGEST_PAUSE = 3600.0
"""A Retry-After gone mad must not silence an account for good."""


class Slots:
    """At most `size` calls at a time, first come, first served. A caller that is cancelled takes nothing with it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._held = 0.0
        self._line = Line()

    @property
    def is_free(self) -> bool:
        """Whether there is one for who comes now."""
        return self._free > 0

    async def acquire(self, decide: Callable[[], None]) -> None:
        """Wait for a slot; without giving up control when one is free.

        Whoever waits and is woken calls `decide`, which raises where it isn't worth to wait on.
        """
        if self._free:
            self._free -= 1
            return
        turn = self._line.join()
        try:
            while True:
                await turn.sleep()
                if turn.granted:
                    return
                decide()
        except BaseException:
            if turn.granted:
                self.release()
            else:
                self._line.leave(turn)
            raise

    def release(self, held: float | None = None) -> None:
        """Hand the slot to whoever waits longest, or keep it free. `held` is for how many seconds it was taken."""
        if held is not None:
            self._held += (held - self._held) / 8
        first = self._line.first
        if first is None:
            self._free += 1
        else:
            self._line.leave(first)
            first.granted = True
            first.wake()

    def expected_wait(self) -> float:
        """Some seconds until one who comes now has a slot. Rather too few: it is looked at again then."""
        return 0.0 if self._free else len(self._line) * self._held / self.size

    def wake(self) -> None:
        """Let everybody who waits decide anew."""
        self._line.wake_all()


class Sharer(Protocol):
    """A client, as an account knows it."""

    def wake(self) -> None:
        """Something has changed for all: let those of its calls that wait decide anew."""
        ...


def _strictness(limit: RateLimit) -> tuple[float, int]:
    return limit.requests / limit.window, limit.requests


def wait_behind(ahead: int, starts: Sequence[float], opening: int, limit: RateLimit, now: float) -> float:
    """Seconds until one may start who has `ahead` others in front, all of whom start as soon as they may.

    `starts` are the latest ones, sorted; `opening` requests more count as running, and are taken to start now.
    """
    rounds, place = divmod(ahead, limit.requests)
    excess = len(starts) + opening + place - limit.requests
    if excess < 0:
        first = 0.0
    elif excess < len(starts):
        first = starts[excess] + limit.window - now
    else:
        first = limit.window
    return first + rounds * limit.window


class Account:
    """The request budget and the 429 pause of one account, shared by its clients in one event loop.

    A sliding log of the latest request starts: the next one waits until fewer than `limit.requests` of them lie within
    `limit.window`. Only the longest waiter looks at the clock, all others wait for it, and nothing is reserved before
    it is used, so cancelled waiters lose nothing.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.limit: RateLimit | None = None
        """The strictest of its clients' limits: the fewest requests per second."""
        self.paused_until: float = -math.inf
        self._clients: dict[ref[Sharer], RateLimit | None] = {}
        self._starts: deque[float] = deque()
        self._opening = 0
        self._line = Line()
        self._answers: dict[str, AnswerTimes] = {}

    def join(self, client: Sharer, limit: RateLimit | None) -> None:
        """Hold to the client's limit for as long as it lives, or until it leaves."""
        # Whoever is forgotten by its program leaves by itself.
        self._clients[ref(client, self._without)] = limit
        self._settle_limit()

    def leave(self, client: Sharer) -> None:
        """The client is closed: its limit no longer counts."""
        self._without(ref(client))
        self._line.wake_first()

    def _without(self, client: ref[Sharer]) -> None:
        self._clients.pop(client, None)
        self._settle_limit()

    def _settle_limit(self) -> None:
        limits = [limit for limit in self._clients.values() if limit is not None]
        # Nobody's is nobody's to loosen: the last one's stays for the log's sake.
        if self._clients:
            self.limit = min(limits, key=_strictness, default=None)

    def answers(self, operation: str) -> AnswerTimes:
        """How long this operation's answers take; "" for those of all."""
        known = self._answers.get(operation)
        if known is None:
            known = self._answers[operation] = AnswerTimes()
        return known

    def wait(self, now: float) -> float:
        """How many seconds until a request may start: 0 for at once, inf where only an answer can tell."""
        pause = self.paused_until - now
        limit = self.limit
        if limit is None:
            return max(pause, 0.0)
        starts = self._starts
        since = now - limit.window + NEGLIGIBLE
        while starts and starts[0] <= since:
            starts.popleft()
        excess = len(starts) + self._opening - limit.requests
        if excess < 0:
            return max(pause, 0.0)
        if excess >= len(starts):
            return math.inf
        # Slept in full, though a little less is enough: aiming at that little less could miss it by a rounding error.
        return max(pause, starts[excess] + limit.window - now)

    def expected_wait(self, now: float) -> float:
        """Seconds until a request may start that comes now, behind all who wait; 0 for at once."""
        ahead = len(self._line)
        wait = self.wait(now)
        if wait <= 0 and not ahead:
            return 0.0
        pause = max(self.paused_until - now, 0.0)
        limit = self.limit
        if limit is None:
            return pause
        behind = wait_behind(ahead, self._starts, self._opening, limit, now)
        return max(behind, pause + ahead // limit.requests * limit.window)

    async def start(self, clock: Callable[[], float], decide: Callable[[float, float], None]) -> Start:
        """Wait until a request may start, and enter it in the log. Send it at once.

        Who waits calls `decide(now, wait)` each time that something has changed, which raises where that isn't worth
        it. `wait` is for how many seconds more; 0 when its turn has come, inf where that isn't known.
        """
        now = clock()
        if not self._line and self.wait(now) <= 0:
            return self._enter(clock, now)
        line = self._line
        turn = line.join()
        due = now
        try:
            while True:
                wait = self.wait(now) if line.first is turn else math.inf
                decide(now, wait)
                if wait <= 0:
                    return self._enter(clock, max(min(due, now), now - LATE))
                due = now + wait
                await turn.sleep(wait)
                now = clock()
        finally:
            first = line.first is turn
            line.leave(turn)
            if first:
                line.wake_first()

    def _enter(self, clock: Callable[[], float], entry: float) -> Start:
        if self.limit is None:
            return Start(self, clock, None)
        # In its place: what is written to a new connection counts from a moment that is still to come.
        insort(self._starts, entry)
        return Start(self, clock, entry)

    def move(self, entry: float, moment: float) -> None:
        """The request that counted as started at `entry` starts at another moment."""
        self._forget(entry)
        insort(self._starts, moment)
        self._line.wake_first()

    def opening(self, entry: float) -> None:
        """The request that was to start at `entry` opens a connection first: it counts as running until `opened`."""
        self._forget(entry)
        self._opening += 1

    def _forget(self, entry: float) -> None:
        # After a whole window it is no longer there.
        if entry in self._starts:
            self._starts.remove(entry)

    def opened(self, entry: float | None) -> None:
        """It is open, and the request counts from `entry` on; None if it provably never reached the server."""
        self._opening -= 1
        if entry is not None:
            insort(self._starts, entry)
        self._line.wake_first()

    def pause(self, now: float, seconds: float) -> bool:
        """Let nobody start for that long, or longer where that was asked for before. False if a pause ran already."""
        first = self.paused_until <= now
        until = now + min(seconds, LONGEST_PAUSE)
        if until > self.paused_until:
            self.paused_until = until
            self.wake()
        return first

    def wake(self) -> None:
        """Let everybody who waits decide anew."""
        self._line.wake_all()
        for client in filter(None, [known() for known in self._clients]):
            client.wake()

    def is_idle(self, now: float) -> bool:
        """Whether forgetting the account now would make no difference."""
        return (
            not self._clients
            and self.paused_until <= now
            and not self._opening
            and (self.limit is None or not self._starts or self._starts[-1] <= now - self.limit.window)
        )


class Start:
    """A request that was let go, and what becomes of its entry in the account's log."""

    __slots__ = ("_account", "_clock", "_entry", "_opening", "_until_seen")

    def __init__(self, account: Account, clock: Callable[[], float], entry: float | None) -> None:
        self._account = account
        self._clock = clock
        self._entry = entry
        self._opening = False
        self._until_seen = -math.inf

    def opening(self) -> None:
        """It has to open a connection first, so the server will see it later than now."""
        if self._entry is not None and not self._opening:
            self._opening = True
            self._account.opening(self._entry)

    def writing(self) -> None:
        """It is on its way. Where the event loop was too busy to write it at once, that is when it started."""
        if self._opening:
            self._opening = False
            # When exactly a server takes up a new connection only its answer can tell, but it won't be later than this.
            self._entry = self._until_seen = self._clock() + UNSEEN
            self._account.opened(self._entry)
        elif self._entry is not None:
            written = self._clock() - LATE
            if written > self._entry:
                self._account.move(self._entry, written)
                self._entry = written

    def settle(self, *, sent: bool) -> None:
        """Its answer began, or it failed; with `sent` False it provably never reached the server."""
        now = self._clock()
        if self._opening:
            self._opening = False
            self._account.opened(now if sent else None)
        elif now < self._until_seen:
            self._account.move(self._until_seen, now)
            self._until_seen = -math.inf


_accounts: RunVar[dict[str, Account]] = RunVar("ac_sms_async.accounts")


def account_state(key: str, client: Sharer, limit: RateLimit | None, now: float) -> Account:
    """The running event loop's state of the account, which `client` shares as long as it lives."""
    try:
        accounts = _accounts.get()
    except LookupError:
        accounts = dict[str, Account]()
        _accounts.set(accounts)
    account = accounts.get(key)
    if account is None:
        # Accounts stay beyond their clients, so that a new client can't start another budget in the same second; here
        # is the moment to forget those for which it no longer matters.
        if len(accounts) % 64 == 63:
            for idle in [known for known in accounts.values() if known.is_idle(now)]:
                del accounts[idle.key]
        account = accounts[key] = Account(key)
    account.join(client, limit)
    return account
