"""Pacing at the very moment when something ends, and limits that are stricter in one way and looser in another."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import anyio
import pytest

from ac_sms_async import RateLimit
from ac_sms_async.budget.budget import Budget
from ac_sms_async.budget.ledger import LATE, Ledger, enter, look
from ac_sms_async.budget.local import LocalBudget
from ac_sms_async.budget.start import UNSEEN, Start
from tests.budget.budgets import let_go, paced, patient
from tests.transport.accounts import shared


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.mark.parametrize("turn", [1, -1])
def test_the_rate_of_one_limit_and_the_burst_of_another_both_hold(turn: int) -> None:
    slow, quick = RateLimit(20, per=10.0, margin=0), RateLimit(5, per=1.0, margin=0)
    account, _clients = shared(*(slow, quick)[::turn])
    assert account.budget.limit == RateLimit(5, per=2.5, margin=0)


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_equal_rates_the_smaller_burst_is_stricter(turn: int) -> None:
    burst, even = RateLimit(10, per=2.0, margin=0), RateLimit(5, per=1.0, margin=0)
    account, _clients = shared(*(burst, even)[::turn])
    assert account.budget.limit == even


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_equal_limits_the_one_that_keeps_more_places_is_stricter(turn: int) -> None:
    keeping, plain = RateLimit(5, reserve=2), RateLimit(5)
    account, _clients = shared(*(keeping, plain)[::turn])
    assert account.budget.limit == keeping


async def _let_go(budget: Budget, moment: float) -> Start:
    return await budget.start(lambda: moment, patient, "interactive")


@pytest.mark.anyio
async def test_an_account_is_idle_from_the_moment_that_its_last_window_ends() -> None:
    account, clients = shared(RateLimit(5, per=1.0, margin=0.5))
    assert not account.is_idle(100.0)
    clients.clear()
    account.pause(0.0, 3.0)
    assert not account.is_idle(2.9)
    assert account.is_idle(3.0)
    start = await _let_go(account.budget, 3.0)
    start.opening()
    assert not account.is_idle(9.0)
    assert isinstance(account.budget, LocalBudget)
    account.budget.move(0, 10.0)
    assert not account.is_idle(11.4)
    assert account.is_idle(11.5)


@pytest.mark.anyio
async def test_a_connection_that_is_open_takes_nothing_from_the_budget_any_more() -> None:
    waits: list[float] = []
    budget = paced(RateLimit(1, per=1.0, margin=0))

    def decide(now: float, wait: float) -> None:
        waits.append(wait)
        raise TimeoutError

    for moment in (0.0, 5.0, 10.0):
        start = await _let_go(budget, moment)
        start.opening()
        with pytest.raises(TimeoutError):
            await budget.start(lambda: moment, decide, "interactive")  # noqa: B023 - called before the next one
        start.settle(sent=False)
    assert waits == [math.inf] * 3
    await _let_go(budget, 10.0)


def test_who_has_slept_as_long_as_it_was_told_may_start() -> None:
    draw = Random(11)
    for _ in range(2000):
        limit = RateLimit(1, per=draw.uniform(0.1, 60), margin=draw.uniform(0, 1))
        ledger = Ledger()
        # Small ones, where sums are rounded most.
        began = draw.uniform(0, 2)
        enter(ledger, limit, began, 0, "interactive", 1)
        now = began + draw.uniform(0, limit.window)
        assert look(ledger, limit, now + look(ledger, limit, now, 0, "interactive"), 0, "interactive") == 0.0


async def _next_start(budget: LocalBudget) -> float:
    """How long it waits for its turn."""
    began = anyio.current_time()
    await let_go(budget)
    return anyio.current_time() - began


TWO = RateLimit(2, per=8.0, margin=0)


@pytest.mark.anyio
async def test_a_timer_that_wakes_late_takes_nothing_from_the_window_after_it() -> None:
    budget = paced(RateLimit(1, per=8.0, margin=0))
    busy = 0.0

    def clock() -> float:
        return anyio.current_time() + busy

    await budget.start(clock, patient, "interactive")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(budget.start, clock, patient, "interactive")
        await anyio.sleep(7)
        # The loop does something else for five seconds, while the request's turn comes.
        busy = 5.0
    at = clock()
    await budget.start(clock, patient, "interactive")
    assert clock() - at == pytest.approx(8.0 - LATE)


@pytest.mark.anyio
async def test_nobody_overtakes_who_is_due_and_has_not_woken_up() -> None:
    budget = paced(RateLimit(1, per=8.0, margin=0))
    busy = 0.0
    order: list[int] = []

    def clock() -> float:
        return anyio.current_time() + busy

    async def caller(number: int) -> None:
        await budget.start(clock, patient, "interactive")
        order.append(number)

    await budget.start(clock, patient, "interactive")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller, 1)
        await anyio.sleep(7)
        # The first one's turn has come while the loop did something else.
        busy = 5.0
        await caller(2)
    assert order == [1, 2]


@pytest.mark.anyio
async def test_a_request_written_late_counts_once() -> None:
    budget = paced(TWO)
    late = await let_go(budget)
    await anyio.sleep(4)
    late.writing()
    assert await _next_start(budget) == 0
    assert await _next_start(budget) == pytest.approx(8 - LATE)


@pytest.mark.anyio
async def test_a_request_written_to_a_dead_connection_counts_from_the_new_one_on() -> None:
    budget = paced(RateLimit(1, per=8.0, margin=0))
    start = await let_go(budget)
    await anyio.sleep(4)
    start.writing()
    start.opening()
    await anyio.sleep(20)
    start.writing()
    start.settle(sent=True)
    assert await _next_start(budget) == pytest.approx(8)


@pytest.mark.anyio
@pytest.mark.parametrize("written", [False, True])
async def test_an_answer_on_a_new_connection_counts_once_however_often_its_end_is_told(written: bool) -> None:
    budget = paced(TWO)
    start = await let_go(budget)
    start.opening()
    if written:
        start.writing()
    start.settle(sent=True)
    await anyio.sleep(4)
    start.settle(sent=True)
    assert await _next_start(budget) == 0
    assert await _next_start(budget) == pytest.approx(4)
    assert await _next_start(budget) == pytest.approx(4)
    await anyio.sleep(20)
    assert [await _next_start(budget) for _ in range(3)] == pytest.approx([0, 0, 8])


@pytest.mark.anyio
async def test_a_new_connection_without_an_answer_holds_up_nothing_but_its_own_turn() -> None:
    budget = paced(TWO)
    start = await let_go(budget)
    start.opening()
    start.writing()
    # The other one of two goes at once. Its turn comes again after a window, and the first one's that much later.
    assert await _next_start(budget) == 0
    assert await _next_start(budget) == pytest.approx(8)
    assert await _next_start(budget) == pytest.approx(UNSEEN)
