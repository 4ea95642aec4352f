"""The ledger's rules, each turn of which is also taken in a database, at the same made-up time."""

from __future__ import annotations

import math
from types import ModuleType

import pytest
from attrs import define

from ac_sms_async.budget import ledger as rules
from ac_sms_async.budget.ledger import Ledger
from ac_sms_async.budget.limits import Held, agree
from ac_sms_async.options import Priority, RateLimit
from tests.budget.keepers import Keeper


@define
class Mirror:
    """Hand `module` and `agree` to a `Crowd`. `compare` sees that both ledgers are the same."""

    keeper: Keeper
    account: str
    limit: RateLimit | None = None
    """With which somebody looks now."""
    now: float = 0.0
    turns: int = 0

    def ledger(self) -> Ledger:
        self.keeper.begin(self.account)
        return Ledger()

    @property
    def module(self) -> ModuleType:
        """As `ac_sms_async.budget.ledger`."""
        module = ModuleType("mirrored")
        module.__dict__.update(
            Ledger=self.ledger, look=self.look, enter=self.enter, leave=self.leave, move=self.move, pause=self.pause
        )
        return module

    def agree(self, held: list[Held], limit: RateLimit | None, now: float) -> RateLimit | None:
        """As `ac_sms_async.budget.limits.agree`."""
        self.limit = limit
        return agree(held, limit, now)

    def look(self, ledger: Ledger, limit: RateLimit | None, now: float, me: int, priority: Priority) -> float:
        self.now = now
        wait = rules.look(ledger, limit, now, me, priority)
        if wait > 0:
            assert self._turn("look", me, priority, number=-1) == pytest.approx(wait, abs=1e-9)
            self.compare(ledger)
        return wait

    def enter(
        self,
        ledger: Ledger,
        limit: RateLimit | None,
        now: float,
        me: int,
        priority: Priority,
        number: int,
        *,
        again: bool = False,
    ) -> float:
        entry = rules.enter(ledger, limit, now, me, priority, number, again=again)
        assert self._turn("look", me, priority, number=number, again=again) == 0.0
        self.compare(ledger)
        return entry

    def leave(self, ledger: Ledger, me: int, priority: Priority) -> None:
        rules.leave(ledger, me, priority)
        self._turn("leave", me, priority)

    def move(self, ledger: Ledger, number: int, moment: float) -> None:
        rules.move(ledger, number, moment)
        self._turn("move", number=number, seconds=moment - self.now)

    def pause(self, ledger: Ledger, until: float) -> None:
        rules.pause(ledger, until)
        self._turn("pause", seconds=until - self.now)

    def _turn(
        self,
        act: str,
        me: int = 1,
        priority: Priority = "interactive",
        *,
        number: int = 0,
        seconds: float = 0.0,
        again: bool = False,
    ) -> float:
        self.turns += 1
        limit = self.limit if act == "look" else None
        what = (act, me, priority == "bulk", number, seconds, again)
        if limit is None:
            return self.keeper.turn(self.account, (*what, None, None, None), self.now)
        return self.keeper.turn(self.account, (*what, limit.requests, limit.window, limit.reserve), self.now)

    def compare(self, ledger: Ledger) -> None:
        """Both know the same."""
        kept = self.keeper.kept(self.account)
        assert [number for _, number in kept.starts] == [number for _, number in ledger.starts]
        assert _whos(kept) == _whos(ledger)
        assert _limits(kept, self.now) == _limits(ledger, self.now)
        assert kept.since_bulk == ledger.since_bulk
        assert _times(kept, self.now) == pytest.approx(_times(ledger, self.now), abs=1e-9)


def _whos(ledger: Ledger) -> list[tuple[int, Priority]]:
    return [(waiter.id, waiter.priority) for waiter in ledger.waiters]


def _held(ledger: Ledger, now: float) -> list[Held]:
    # Those that have passed are forgotten when somebody comes, and by either when it wants.
    return [held for held in ledger.limits if held.until > now]


def _limits(ledger: Ledger, now: float) -> list[tuple[int, int]]:
    return [(held.requests, held.reserve) for held in _held(ledger, now)]


def _times(ledger: Ledger, now: float) -> list[float]:
    times = [moment for moment, _ in ledger.starts] + [waiter.look_at for waiter in ledger.waiters]
    for held in _held(ledger, now):
        times += [held.window, held.until]
    times += [ledger.paused_until, ledger.let_go_at, ledger.interactive_at]
    return [math.copysign(1e18, time) if math.isinf(time) else time for time in times]
