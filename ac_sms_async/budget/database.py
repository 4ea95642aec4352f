"""An account's budget among machines: a ledger in a database, this event loop's lines, the machine's file beside it.

The database's answer comes within a quarter of a second, or it counts as gone. Then each machine starts very few
requests, by its file, and the database is asked again each second. Whether it is gone is written in that file, so that
the processes of a machine agree on it: none starts by the one while another starts by the other.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import anyio
from attrs import evolve

from ac_sms_async.budget.file import Busy, clock
from ac_sms_async.budget.ledger import Ledger, expected_wait, is_past
from ac_sms_async.budget.limits import strictest
from ac_sms_async.budget.lines import RETRY, Decide, Lines
from ac_sms_async.budget.link import Link, link_to
from ac_sms_async.budget.machine import CONNECTING, MachineBudget
from ac_sms_async.budget.scope import Database
from ac_sms_async.budget.start import Start
from ac_sms_async.budget.store import PATIENCE, Answer, Request
from ac_sms_async.options import Priority, RateLimit

__all__ = ["DatabaseBudget"]

T = TypeVar("T")

ASK_AGAIN = 1.0
"""Seconds after which a database that is gone is asked again."""

TRAVEL = 0.03
"""So many seconds an answer may take, and `LATE` more, before its request counts from when it was written: the margin
has room for that. Farther away, each start costs a little of the rate."""

_logger = logging.getLogger("ac_sms_async")


class DatabaseBudget:
    """The first of each line asks the database, and the others wait for it. Times are `file.clock`'s."""

    def __init__(self, account: str, database: Database) -> None:
        self._account = account
        self._database = database
        self.limit: RateLimit | None = None
        self._lines = Lines()
        self._stand_in = MachineBudget(f"{account} at {database}", self._lines)
        self._stands_in_for: RateLimit | None = None
        self._link: Link | None = None
        self._known = Ledger()
        self._agreed: RateLimit | None = None
        """What held for all who share it, when it was asked last."""
        self._registered: set[Priority] = set()
        self._name = int.from_bytes(os.urandom(7))
        self._seen_until = -math.inf
        self.ask_at: float = -math.inf
        """Where it is gone, it is asked again at this time of `clock`."""
        self._travel = math.inf
        self.is_degraded: bool = False

    @property
    def here(self) -> MachineBudget:
        """What the machine has instead, under the limit that is to hold then."""
        limit = self.limit
        if limit is not self._stands_in_for:
            self._stands_in_for = limit
            self._stand_in.limit = limit and evolve(limit, requests=limit.fallback or 1, reserve=0, fallback=1)
        return self._stand_in

    @property
    def paused_until(self) -> float:
        """Nobody starts before this time of the loop, as far as is known here."""
        return max(self._seen_until, self.here.paused_until)

    def expected_wait(self, now: float, priority: Priority, more: int = 0) -> float:
        """As `LocalBudget.expected_wait`, as far as is known here."""
        if self.is_degraded:
            return math.inf if self._fails_closed else self.here.expected_wait(now, priority, more)
        ahead = self._lines.count_ahead(self._known, priority) + more
        limit = strictest([limit for limit in (self.limit, self._agreed) if limit is not None])
        return max(expected_wait(self._known, limit, clock(), ahead), self.here.told_until - now)

    async def start(self, loop_clock: Callable[[], float], decide: Decide, priority: Priority) -> Start:
        """As `LocalBudget.start`."""
        return await self._lines.start(loop_clock, decide, priority, self._look, self._leave)

    async def _look(self, now: float, decide: Decide, priority: Priority) -> Start | float:
        if self.here.told_until > now:
            return self.here.told_until - now
        if not self.is_degraded or clock() >= self.ask_at:
            self.ask_at = clock() + ASK_AGAIN
            if not self.is_degraded or await self._has_returned():
                found = await self._look_there(now, decide, priority)
                if found is not None:
                    return found
        if self._fails_closed:
            return math.inf
        found = self.here.look(now, decide, priority)
        if found == RETRY:
            # Others have found it again, maybe.
            await self._agree()
        return found if isinstance(found, Start) else min(found, max(self.ask_at - clock(), RETRY))

    async def _look_there(self, now: float, decide: Decide, priority: Priority) -> Start | float | None:
        """What the database says; None where it is gone."""
        number = int.from_bytes(os.urandom(7))
        again = len(self._lines[priority]) > 1
        link = self._linked()
        asked_at = clock()
        is_kept = False
        try:
            answer = await link.ask(self._request("look", priority, number=number, again=again))
            if answer is None:
                await self._lose(link.trouble)
                return None
            self._take_in(answer, now, clock() - asked_at)
            if answer.wait > 0:
                self._registered.add(priority)
                is_kept = True
                return max(answer.wait - self._travel, RETRY) + RETRY
            if not again:
                self._registered.discard(priority)
            decide(now, 0.0)
            await self._agree()
            is_kept = not self.is_degraded
            return Start(None if self._agreed is None else self, clock, number, asked_at + TRAVEL) if is_kept else None
        finally:
            if not is_kept:
                # It was entered, or may have been; nobody starts it.
                link.tell(self._request("forget", number=number))

    def _take_in(self, answer: Answer, now: float, took: float) -> None:
        there = clock()
        self._seen_until = now + answer.paused_for
        self._known = Ledger(
            [(there + start, 0) for start in answer.starts],
            paused_until=there + answer.paused_for,
            since_bulk=answer.since_bulk,
        )
        if answer.limit is None:
            self._agreed = None
        else:
            requests, window = answer.limit
            self._agreed = RateLimit(requests, per=window, margin=0.0)
        # The quickest, which slowly gives way.
        self._travel = min(took, self._travel * 1.1 + RETRY)

    async def _turn(self, change: Callable[[Ledger, float], T]) -> T:
        while True:
            try:
                return self.here.turn(change)
            except Busy:
                await anyio.sleep(RETRY)

    async def _agree(self) -> None:
        """See whether others of this machine have found the database gone, or there again."""
        self._note(await self._turn(lambda ledger, _: ledger.gone_at > -math.inf), "another process found it so")

    def _note(self, is_gone: bool, why: str) -> None:
        if is_gone and not self.is_degraded:
            self._registered.clear()
            self.ask_at = clock() + ASK_AGAIN
            _logger.warning(
                "the budget of %s in %s is gone (%s): meanwhile %s",
                self._account,
                self._database,
                why,
                "nothing is sent" if self._fails_closed else "each machine sends very little",
            )
        elif self.is_degraded and not is_gone:
            _logger.warning("the budget of %s in %s is there again", self._account, self._database)
        self.is_degraded = is_gone

    async def _lose(self, why: str) -> None:
        """The database is gone. It may have allowed something a moment ago, so the first start comes a window later."""
        places = 0 if self.here.limit is None else self.here.limit.requests

        def lose(ledger: Ledger, there: float) -> None:
            if ledger.gone_at == -math.inf:
                ledger.gone_at = there
                ledger.waiters.clear()
                ledger.starts[:] = [(there, 0)] * places

        await self._turn(lose)
        self._note(True, why)

    async def _has_returned(self) -> bool:
        """Whether the database is there again. Before anybody starts by it, it is told what was started without it."""
        link = self._linked()
        while True:
            gone, starts, pause = await self._turn(
                lambda ledger, _: (ledger.gone_at > -math.inf, list(ledger.starts), ledger.paused_until)
            )
            if gone:
                # Those without a number only hold places.
                for moment, number in filter(lambda start: start[1], starts):
                    link.tell(self._request("move", number=number, until=moment))
                if pause > clock():
                    link.tell(self._request("pause", until=pause))
                # Those of other machines that ask each second have found it by then, too.
                until = clock() + ASK_AGAIN + PATIENCE
                if await link.ask(self._request("return", until=until), patience=PATIENCE) is None:
                    return False
            if await self._turn(partial(_come_back, starts)):
                self._note(False, "")
                return True

    @property
    def _fails_closed(self) -> bool:
        return self.limit is not None and self.limit.fallback is None

    def _linked(self) -> Link:
        self._link = link_to(self._database, self)
        return self._link

    def _request(
        self, act: str, priority: Priority = "interactive", *, number: int = 0, until: float = 0.0, again: bool = False
    ) -> Request:
        # A process that was forked off is somebody else.
        me, limit = self._name + os.getpid(), self.limit
        how = (None, 0.0, 0) if limit is None else (limit.requests, limit.window, limit.reserve)
        return Request(self._account, act, me, priority == "bulk", number, until, again, *how)

    def _tell(self, act: str, priority: Priority = "interactive", *, number: int = 0, until: float = 0.0) -> None:
        if self._link is not None and not self.is_degraded:
            self._link.tell(self._request(act, priority, number=number, until=until))

    def _leave(self, priority: Priority) -> None:
        if priority in self._registered:
            self._registered.remove(priority)
            self._tell("leave", priority)
        self.here.leave(priority)

    def opening(self, number: int) -> None:
        """The request opens a connection first."""
        self._tell("move", number=number, until=clock() + CONNECTING)

    def move(self, number: int, moment: float) -> None:
        """The request counts from another moment."""
        self._tell("move", number=number, until=moment)

    def forget(self, number: int) -> None:
        """The request provably never reached the server."""
        self._tell("forget", number=number)
        self._lines.wake_first()

    def pause(self, now: float, seconds: float) -> bool:
        """Let nobody start for so long, and who waits here decide anew. False where nobody may for as long already."""
        longer = self.here.pause(now, seconds)
        if longer:
            self._tell("pause", until=clock() + seconds)
        return longer

    def wake(self) -> None:
        """Let everybody who waits decide anew."""
        self._lines.wake_all()

    def is_idle(self, now: float) -> bool:
        """Whether forgetting it now would make no difference."""
        return self.here.is_idle(now) and is_past(self._known, self._agreed, clock())

    def close(self) -> None:
        """No client is left: let go of the connection."""
        if self._link is not None:
            self._link.leave(self)
            self._link = None


def _come_back(known: list[tuple[float, int]], ledger: Ledger, _: float) -> bool:
    """Go by the database from now on, unless something was started that it doesn't know."""
    if any(start not in known for start in ledger.starts):
        return False
    ledger.gone_at = -math.inf
    return True
