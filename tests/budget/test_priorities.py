"""Interactive calls and bulk ones of one loop, on virtual time: who goes first, and that nobody is left waiting."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random
from statistics import median
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ac_sms_async.budget.local import LocalBudget
from ac_sms_async.options import Priority, RateLimit
from tests.budget.budgets import let_go, paced, patient

pytestmark = pytest.mark.anyio

FIVE = RateLimit(5)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


async def saturate(budget: LocalBudget, priority: Priority, starts: list[float], tasks: int = 20) -> None:
    """So many tasks that always want more."""

    async def task() -> None:
        while True:
            await let_go(budget, priority)
            starts.append(anyio.current_time())
            await anyio.sleep(0.05)

    async with anyio.create_task_group() as group:
        for _ in range(tasks):
            group.start_soon(task)


async def test_an_interactive_call_hardly_waits_beside_bulk_work() -> None:
    budget, draw = paced(FIVE), Random(3)
    bulk: list[float] = []
    waited: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(saturate, budget, "bulk", bulk)
        for _ in range(200):
            await anyio.sleep(draw.expovariate(1 / 2.5))
            came = anyio.current_time()
            await let_go(budget)
            waited.append(anyio.current_time() - came)
        tasks.cancel_scope.cancel()
    assert median(waited) < 0.15
    assert sorted(waited)[int(0.95 * len(waited))] < 0.3
    assert (len(bulk) + len(waited) - 5) / (bulk[-1] - bulk[0]) >= 0.93 * 5


async def test_bulk_keeps_a_fifth_when_interactive_calls_want_everything() -> None:
    budget = paced(FIVE)
    starts: dict[Priority, list[float]] = {"interactive": [], "bulk": []}
    with anyio.move_on_after(60):
        async with anyio.create_task_group() as tasks:
            for priority, times in starts.items():
                tasks.start_soon(saturate, budget, priority, times)
    together = len(starts["interactive"]) + len(starts["bulk"])
    assert together >= 0.95 * 5 * 60
    # The first places belong to whoever is there.
    later = {priority: sum(at > 2 for at in times) for priority, times in starts.items()}
    assert 0.19 <= later["bulk"] / (later["interactive"] + later["bulk"]) <= 0.21


async def test_bulk_is_spread_while_interactive_calls_are_about() -> None:
    budget = paced(FIVE)
    await let_go(budget)
    for quiet in (2, 61):
        await anyio.sleep(quiet)
        starts: list[float] = []
        with anyio.move_on_after(20):
            await saturate(budget, "bulk", starts)
        assert len(starts) >= 0.95 * 5 * 20
        first = [later - earlier for earlier, later in pairwise(starts[:5])]
        assert first == pytest.approx([0.1995] * 4 if quiet == 2 else [0.0] * 4)


async def test_interactive_calls_go_first_and_bulk_ones_in_their_order() -> None:
    budget = paced(RateLimit(1))
    order: list[str] = []

    async def call(name: str, priority: Priority) -> None:
        await let_go(budget, priority)
        order.append(name)

    async with anyio.create_task_group() as tasks:
        await let_go(budget)
        for number in range(7):
            tasks.start_soon(call, f"bulk {number}", "bulk")
            await anyio.sleep(0.001)
            tasks.start_soon(call, f"web {number}", "interactive")
            await anyio.sleep(0.001)
    web, bulk = [f"web {number}" for number in range(7)], [f"bulk {number}" for number in range(7)]
    # One was let go before, so bulk's share comes after three.
    assert order == [*web[:3], bulk[0], *web[3:7], *bulk[1:]]


@pytest.mark.parametrize("gone", ["cancelled", "refused"])
async def test_who_goes_makes_room_for_the_other_kind(gone: str) -> None:
    budget = paced(RateLimit(1, per=1.0, margin=0))
    started: list[float] = []
    began = anyio.current_time()

    async def bulk() -> None:
        await let_go(budget, "bulk")
        started.append(anyio.current_time() - began)

    def decide(now: float, wait: float) -> None:
        if now - began > 0.5:
            raise TimeoutError

    async def web() -> None:
        with anyio.move_on_after(0.6 if gone == "cancelled" else math.inf):
            try:
                await budget.start(anyio.current_time, patient if gone == "cancelled" else decide, "interactive")
            except TimeoutError:
                return

    await let_go(budget)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(web)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(bulk)
        await anyio.sleep(0.6)
        budget.wake()
    assert started == pytest.approx([1.0])


async def test_whatever_is_cancelled_nobody_is_left_waiting() -> None:
    budget, draw = paced(FIVE), Random(5)
    started: list[float] = []

    async def caller(priority: Priority) -> None:
        for _ in range(20):
            with anyio.move_on_after(draw.choice([0.0, 0.01, 0.2, 1.0, math.inf])):
                start = await let_go(budget, priority)
                started.append(anyio.current_time())
                if draw.random() < 0.3:
                    start.opening()
                    await anyio.lowlevel.checkpoint()
                    start.settle(sent=draw.random() < 0.5)
            if draw.random() < 0.02:
                budget.pause(anyio.current_time(), 2)

    with anyio.fail_after(1000):
        async with anyio.create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(caller, "bulk" if number % 3 else "interactive")
    assert len(started) > 100
    # Nothing of them is left in the line either.
    assert budget.expected_wait(anyio.current_time() + 10, "interactive") == 0.0


async def test_what_is_expected_beside_the_other_kind_comes_about() -> None:
    budget = paced(RateLimit(2, per=1.0, margin=0))
    waits: list[tuple[float, float]] = []

    async def call(priority: Priority) -> None:
        expected, came = budget.expected_wait(anyio.current_time(), priority), anyio.current_time()
        await let_go(budget, priority)
        waits.append((expected, anyio.current_time() - came))

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(call, "bulk" if number % 2 else "interactive")
            await anyio.lowlevel.checkpoint()
    # Rather too few seconds, but not by more than interactive calls that come later take.
    assert all(expected <= came + 0.01 for expected, came in waits)
    assert max(came - expected for expected, came in waits) <= 8


async def test_without_a_limit_nothing_is_spread() -> None:
    budget = paced(None)
    began = anyio.current_time()
    for _ in range(20):
        await let_go(budget, "bulk")
    budget.pause(began, 3)
    async with anyio.create_task_group() as tasks:
        for priority in ("bulk", "interactive", "bulk"):
            tasks.start_soon(let_go, budget, priority)
    assert anyio.current_time() - began == pytest.approx(3)
