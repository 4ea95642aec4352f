"""What a budget is to whoever draws on it, and which one an option means."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Protocol

from ac_sms_async.budget.local import LocalBudget
from ac_sms_async.budget.scope import TRIED_ON, Database, Scope
from ac_sms_async.budget.start import Start
from ac_sms_async.options import Priority, RateLimit

__all__ = ["Budget", "make_budget", "maker_of"]

_logger = logging.getLogger("ac_sms_async")


class Budget(Protocol):
    """One account's budget, as one event loop draws on it. `now` is the loop's time."""

    limit: RateLimit | None
    is_degraded: bool
    """Whether what is to keep it is gone."""

    @property
    def paused_until(self) -> float: ...

    def expected_wait(self, now: float, priority: Priority, more: int = 0) -> float: ...

    async def start(
        self, clock: Callable[[], float], decide: Callable[[float, float], None], priority: Priority, /
    ) -> Start: ...

    def pause(self, now: float, seconds: float) -> bool: ...

    def wake(self) -> None: ...

    def is_idle(self, now: float) -> bool: ...

    def close(self) -> None: ...


def make_budget(scope: Scope, account: str) -> Budget:
    """The budget of this account that is shared so far."""
    if scope != "loop" and sys.platform not in TRIED_ON:
        _logger.warning("the budget of %s is shared with no other process: that works on Linux only", account)
        scope = "loop"
    return maker_of(scope)(account)


def maker_of(scope: Scope) -> Callable[[str], Budget]:
    """What makes budgets of this scope. The first call imports it: with a client, and not in the middle of a call."""
    if scope == "loop" or sys.platform not in TRIED_ON:
        return _make_local
    if isinstance(scope, Database):
        from ac_sms_async.budget.database import DatabaseBudget
        from ac_sms_async.budget.link import opener_of

        opener_of(scope)
        return partial(DatabaseBudget, database=scope)
    from ac_sms_async.budget.machine import MachineBudget

    return MachineBudget


def _make_local(_: str) -> Budget:
    return LocalBudget()
