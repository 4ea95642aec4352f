"""An account's budget as somebody sees it who doesn't draw on it: what it is like now, and a pause by hand. (Linux)"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol, TypeVar

import anyio
from attrs import frozen

from ac_sms_async.budget.file import Busy, LedgerFile
from ac_sms_async.budget.ledger import Ledger, pause, resume
from ac_sms_async.budget.lines import RETRY
from ac_sms_async.budget.page import MOST_STARTS
from ac_sms_async.budget.scope import Database
from ac_sms_async.errors import BudgetUnavailableError

__all__ = ["Desk", "Seen", "desk_of"]

T = TypeVar("T")


@frozen
class Seen:
    """A budget at one moment."""

    kept_in: str
    """The file, or the database without its secrets."""
    paused_for: float
    """Seconds that the pause still lasts; 0 where there is none."""
    starts: tuple[float, ...]
    """How many seconds ago each of the latest requests was started. Negative while a connection is opened."""
    interactive: int
    """Event loops in which interactive calls wait."""
    bulk: int


class Desk(Protocol):
    """Each raises `BudgetUnavailableError` where the budget can't be had."""

    async def show(self) -> Seen: ...

    async def pause(self, seconds: float) -> None: ...

    async def resume(self) -> None: ...


def desk_of(scope: Database | None, account: str) -> Desk:
    """Of the machine, or with `scope` of a database."""
    return _MachineDesk(account) if scope is None else _DatabaseDesk(scope, account)


class _MachineDesk:
    def __init__(self, account: str) -> None:
        self._file = LedgerFile(account)

    async def show(self) -> Seen:
        ledger, now = await self._turn(lambda ledger, now: (ledger, now))
        bulk = sum(waiter.priority == "bulk" for waiter in ledger.waiters)
        starts = tuple(now - start for start, _ in ledger.starts)
        paused_for = max(ledger.paused_until - now, 0.0)
        return Seen(str(self._file.path), paused_for, starts, len(ledger.waiters) - bulk, bulk)

    async def pause(self, seconds: float) -> None:
        await self._turn(lambda ledger, now: pause(ledger, now + seconds))

    async def resume(self) -> None:
        await self._turn(resume)

    async def _turn(self, change: Callable[[Ledger, float], T]) -> T:
        while True:
            try:
                done = self._file.turn(change, places=MOST_STARTS)
            except Busy:
                await anyio.sleep(RETRY)
                continue
            if not self._file.is_shared:
                raise BudgetUnavailableError(f"{self._file.path} can't be shared by processes, as the log says")
            return done


class _DatabaseDesk:
    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account

    async def show(self) -> Seen:
        return await self._ask("show")

    async def pause(self, seconds: float) -> None:
        await self._ask("pause", seconds)

    async def resume(self) -> None:
        await self._ask("resume")

    async def _ask(self, act: str, seconds: float = 0.0) -> Seen:
        from ac_sms_async.budget.file import clock
        from ac_sms_async.budget.link import link_to
        from ac_sms_async.budget.store import Request

        link = link_to(self._database, self)
        try:
            answer = await link.ask(Request(self._account, act, 1, until=clock() + seconds))
        finally:
            link.leave(self)
        if answer is None:
            raise BudgetUnavailableError(f"{self._database} doesn't answer ({link.trouble})")
        bulk = sum(waiter < 0 for waiter in answer.waiters)
        paused_for = answer.paused_for if answer.paused_for > 0 else 0.0
        starts = tuple(-start for start in answer.starts if math.isfinite(start))
        return Seen(str(self._database), paused_for, starts, len(answer.waiters) - bulk, bulk)
