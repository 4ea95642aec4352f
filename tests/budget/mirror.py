"""The ledger's rules, each turn of which is also taken in PostgreSQL, at the same made-up time."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import psycopg
import pytest
from attrs import define

from ac_sms_async.budget import ledger as rules
from ac_sms_async.budget.ledger import Ledger
from ac_sms_async.options import Priority, RateLimit

TURN = "SELECT * FROM ac_sms_budget.turn(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
LEDGER = (
    "SELECT starts, numbers, waiters, look_at, paused_until, let_go_at, since_bulk, interactive_at"
    " FROM ac_sms_budget.ledgers WHERE account = %s"
)


@define
class Mirror:
    """Hand `module` to a `Crowd`. `compare` sees that both ledgers are the same."""

    connection: psycopg.Connection[tuple[Any, ...]]
    account: str
    limit: RateLimit | None
    now: float = 0.0
    turns: int = 0

    def ledger(self) -> Ledger:
        self.connection.execute("INSERT INTO ac_sms_budget.ledgers (account) VALUES (%s)", (self.account,))
        return Ledger()

    @property
    def module(self) -> ModuleType:
        """As `ac_sms_async.budget.ledger`."""
        module = ModuleType("mirrored")
        module.__dict__.update(
            Ledger=self.ledger, look=self.look, enter=self.enter, leave=self.leave, move=self.move, pause=self.pause
        )
        return module

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
        limit = self.limit
        how = (None, None, 0) if limit is None else (limit.requests, limit.window, limit.reserve)
        values = (self.account, act, me, priority == "bulk", number, seconds, again, *how, self.now)
        row = self.connection.execute(TURN, values, prepare=True).fetchone()
        assert row is not None
        assert row[1] == self.now
        return float(row[0])

    def compare(self, ledger: Ledger) -> None:
        """Both know the same."""
        row = self.connection.execute(LEDGER, (self.account,), prepare=True).fetchone()
        assert row is not None
        starts, numbers, waiters, look_at, *rest = row
        assert numbers == [number for _, number in ledger.starts]
        assert starts == pytest.approx([moment for moment, _ in ledger.starts], abs=1e-9)
        assert waiters == [waiter.id * (-1 if waiter.priority == "bulk" else 1) for waiter in ledger.waiters]
        assert look_at == pytest.approx([waiter.look_at for waiter in ledger.waiters], abs=1e-9)
        until = ledger.paused_until
        expected = [until, ledger.let_go_at, ledger.since_bulk, ledger.interactive_at]
        assert [math.inf if math.isinf(value) else value for value in rest] == pytest.approx(
            [math.inf if math.isinf(value) else value for value in expected], abs=1e-9
        )
