"""Budgets for tests, and calls of them that wait for whatever there is to wait for."""

from __future__ import annotations

import anyio

from ac_sms_async.budget.budget import Budget
from ac_sms_async.budget.local import LocalBudget
from ac_sms_async.budget.start import Start
from ac_sms_async.options import Priority, RateLimit


def patient(now: float = 0.0, wait: float = 0.0) -> None:
    """Decides to wait on."""


def paced(limit: RateLimit | None) -> LocalBudget:
    """A budget of which nothing is used yet."""
    budget = LocalBudget()
    budget.limit = limit
    return budget


async def let_go(budget: Budget, priority: Priority = "interactive") -> Start:
    """A request that may start."""
    return await budget.start(anyio.current_time, patient, priority)
