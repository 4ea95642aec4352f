"""Pacing: how many requests an account may start per second, how many run at once, and the pause after a 429.

Everything here lives in one event loop and takes time from it, so it needs no lock and runs on virtual time too.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Callable
from weakref import WeakSet

import anyio
from anyio.lowlevel import RunVar

from ac_sms_async.options import RateLimit

__all__ = ["Account", "Slots", "Start", "account_state"]

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
    """At most `free` calls at a time, first come, first served. A caller that is cancelled takes nothing with it."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._waiting: deque[anyio.Event] = deque()

    async def acquire(self) -> None:
        """Wait for a slot; without giving up control when one is free."""
        if self._free and not self._waiting:
            self._free -= 1
            return
        turn = anyio.Event()
        self._waiting.append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.release()
            else:
                self._waiting.remove(turn)
            raise

    def release(self) -> None:
        """Hand the slot to whoever waits longest, or keep it free."""
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._free += 1


def _strictness(limit: RateLimit) -> tuple[float, int]:
    return limit.requests / limit.window, limit.requests


class Account:
    """The request budget and the 429 pause of one account, shared by its clients in one event loop.

    A sliding log of the latest request starts: the next one waits until fewer than `limit.requests` of them lie within
    `limit.window`. Only the longest waiter looks at the clock, all others wait for it, and nothing is reserved before
    it is used, so cancelled waiters lose nothing.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.limit: RateLimit | None = None
        self.paused_until: float = -math.inf
        self.clients: WeakSet[object] = WeakSet()
        self._starts: deque[float] = deque()
        self._opening = 0
        self._waiting: deque[anyio.Event] = deque()
        self._changed: anyio.Event | None = None

    def restrict(self, limit: RateLimit) -> None:
        """Hold to `limit` from now on, unless a stricter one holds already: the fewer requests per second."""
        if self.limit is None or _strictness(limit) < _strictness(self.limit):
            self.limit = limit

    def wait(self, now: float, limit: RateLimit) -> float:
        """How many seconds until a request may start: 0 for at once, inf where only an answer can tell."""
        pause = self.paused_until - now
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

    async def start(self, clock: Callable[[], float]) -> Start:
        """Wait until a request may start, and enter it in the log. Send it at once."""
        limit = self.limit
        if limit is None:
            # It may grow while it is slept through.
            while (wait := self.paused_until - clock()) > 0:  # noqa: ASYNC110  # waits for a time, not for an event
                await anyio.sleep(wait)
            return Start(self, clock, None)
        now = clock()
        if not self._waiting and self.wait(now, limit) <= 0:
            # In its place: what is written to a new connection counts from a moment that is still to come.
            insort(self._starts, now)
            return Start(self, clock, now)
        turn = anyio.Event()
        self._waiting.append(turn)
        try:
            if self._waiting[0] is not turn:
                await turn.wait()
            return Start(self, clock, await self._next_start(clock, limit))
        finally:
            first = self._waiting[0] is turn
            self._waiting.remove(turn)
            if first and self._waiting:
                self._waiting[0].set()

    async def _next_start(self, clock: Callable[[], float], limit: RateLimit) -> float:
        due = now = clock()
        # A stricter client may come while this one waits, so the limit is read again each time.
        while (wait := self.wait(now, self.limit or limit)) > 0:
            due = now + wait
            await self._sleep(wait)
            now = clock()
        entry = max(min(due, now), now - LATE)
        insort(self._starts, entry)
        return entry

    async def _sleep(self, seconds: float) -> None:
        """Sleep that long, or until an opened connection changes the budget."""
        self._changed = anyio.Event()
        try:
            with anyio.move_on_after(seconds):
                await self._changed.wait()
        finally:
            self._changed = None

    def move(self, entry: float, moment: float) -> None:
        """The request that counted as started at `entry` starts at another moment."""
        self._forget(entry)
        insort(self._starts, moment)
        if self._changed is not None:
            self._changed.set()

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
        if self._changed is not None:
            self._changed.set()

    def pause(self, now: float, seconds: float) -> bool:
        """Let nobody start for that long, or longer where that was asked for before. False if a pause ran already."""
        first = self.paused_until <= now
        self.paused_until = max(self.paused_until, now + min(seconds, LONGEST_PAUSE))
        return first

    def is_idle(self, now: float) -> bool:
        """Whether forgetting the account now would make no difference."""
        return (
            not self.clients
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


def account_state(key: str, client: object, limit: RateLimit | None, now: float) -> Account:
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
    account.clients.add(client)
    if limit is not None:
        account.restrict(limit)
    return account
