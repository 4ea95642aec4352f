"""A budget in one loop, on virtual time: what the server sees, who waits for whom, what cancelling leaves behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ac_sms_async.budget.ledger import LATE
from ac_sms_async.budget.start import UNSEEN
from ac_sms_async.options import RateLimit
from tests.budget.budgets import let_go, paced

pytestmark = pytest.mark.anyio

FIVE = RateLimit(5)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


def most_in_a_second(times: Sequence[float]) -> int:
    times = sorted(times)
    return max(sum(1 for later in times[i:] if later - first < 1.0) for i, first in enumerate(times))


async def test_never_a_sixth_in_a_second_at_95_percent_of_the_rate() -> None:
    budget = paced(FIVE)
    starts: list[float] = []

    async def caller() -> None:
        for _ in range(30):
            await let_go(budget)
            starts.append(anyio.current_time())
            await anyio.sleep(0.05)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(caller)
    assert len(starts) == 300
    assert most_in_a_second(starts) == 5
    assert (300 - 5) / (starts[-1] - starts[0]) >= 0.95 * 5


@pytest.mark.parametrize("jitter", [0.0, 0.02])
async def test_the_server_never_sees_a_sixth_whatever_connects_fails_or_is_cancelled(jitter: float) -> None:
    budget = paced(FIVE)
    draw = Random(7)
    seen: list[float] = []

    async def request() -> None:
        start = await let_go(budget)
        fresh = draw.random() < 0.4
        fate = draw.random()
        sent = False
        try:
            if fresh:
                start.opening()
                await anyio.sleep(draw.uniform(0, 0.3))
                if fate < 0.2:
                    return
            sent = True
            if draw.random() < 0.3:
                # The loop is busy between the grant and the write.
                await anyio.sleep(draw.uniform(0, 0.4))
            start.writing()
            await anyio.sleep(draw.uniform(0, jitter))
            seen.append(anyio.current_time())
            await anyio.sleep(draw.uniform(0, 0.2))
        finally:
            start.settle(sent=sent)

    async def caller() -> None:
        for _ in range(25):
            with anyio.move_on_after(draw.uniform(0, 6) if draw.random() < 0.2 else math.inf):
                await request()

    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(caller)
    assert len(seen) > 200
    assert most_in_a_second(seen) <= 5


async def test_first_come_first_served() -> None:
    budget = paced(RateLimit(1, per=1.0))
    order: list[int] = []

    async def caller(number: int) -> None:
        await let_go(budget)
        order.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(caller, number)
            await anyio.sleep(0.01)
    assert order == list(range(8))


async def test_cancelled_waiters_lose_nothing() -> None:
    budget = paced(RateLimit(1, per=1.0, margin=0))
    started: list[float] = []

    async def caller(patience: float) -> None:
        with anyio.move_on_after(patience):
            await let_go(budget)
            started.append(anyio.current_time())

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        # The first goes at once. The next is at the head of the queue when it gives up, the third in the middle.
        for patience in (9.0, 0.5, 0.7, 9.0, 9.0):
            tasks.start_soon(caller, patience)
            await anyio.lowlevel.checkpoint()
    assert [round(at - began, 3) for at in started] == [0, 1, 2]


async def test_a_request_that_opens_a_connection_counts_until_its_answer_begins() -> None:
    budget = paced(RateLimit(2, per=1.0, margin=0))
    clock = anyio.current_time
    began = clock()
    first, second = await let_go(budget), await let_go(budget)
    first.opening()
    first.opening()
    second.opening()
    third: list[float] = []

    async def wait() -> None:
        await let_go(budget)
        third.append(clock() - began)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(5)
        assert third == []
        first.settle(sent=True)
        first.settle(sent=True)
        await anyio.sleep(0.5)
        # The second provably never reached the server: its turn is free at once.
        second.settle(sent=False)
    assert third == [5.5]


async def test_slow_answers_on_new_connections_hold_up_nobody_for_long() -> None:
    budget = paced(RateLimit(1, per=1.0, margin=0))
    clock = anyio.current_time
    slow = await let_go(budget)
    slow.opening()
    third: list[float] = []

    async def wait() -> None:
        await let_go(budget)
        third.append(clock() - written)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(3)
        written = clock()
        slow.writing()
        await anyio.sleep(30)
        slow.settle(sent=True)
    assert third == pytest.approx([UNSEEN + 1.0])


async def test_an_answer_on_a_new_connection_frees_the_next_in_time() -> None:
    budget = paced(RateLimit(1, per=1.0, margin=0))
    clock = anyio.current_time
    start = await let_go(budget)
    start.opening()
    await anyio.sleep(3)
    start.writing()
    ended: list[float] = []

    async def wait() -> None:
        await let_go(budget)
        ended.append(clock())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(0.2)
        start.settle(sent=True)
        ended.append(clock())
        start.settle(sent=True)
    assert ended[1] - ended[0] == pytest.approx(1.0)


async def test_a_request_written_late_counts_from_then() -> None:
    budget = paced(RateLimit(1, per=1.0, margin=0))
    clock = anyio.current_time
    late = await let_go(budget)
    await anyio.sleep(0.5)
    late.writing()
    again = clock()
    await let_go(budget)
    assert clock() - again == pytest.approx(1.0 - LATE, abs=1e-3)


async def test_a_request_written_a_window_late_counts_too() -> None:
    budget = paced(RateLimit(1, per=1.0, margin=0))
    clock = anyio.current_time
    late = await let_go(budget)
    await anyio.sleep(2)
    second = await let_go(budget)
    late.writing()
    began = clock()
    await let_go(budget)
    assert clock() - began == pytest.approx(1.0, abs=0.01)
    # It is gone from the log by now, and opening its connection is still counted.
    await anyio.sleep(2)
    second.opening()
    with anyio.move_on_after(10) as patience:
        await let_go(budget)
        await let_go(budget)
    assert patience.cancelled_caught


async def test_a_pause_stops_everybody_until_the_longest_that_was_asked_for() -> None:
    budget = paced(FIVE)
    clock = anyio.current_time
    began = clock()
    assert budget.pause(began, 3)
    assert not budget.pause(began, 2)
    assert budget.pause(began, 3.5)
    assert not budget.pause(began, 3.5)
    assert budget.paused_until == began + 3.5
    started: list[float] = []

    async def caller() -> None:
        await let_go(budget)
        started.append(clock() - began)

    async with anyio.create_task_group() as tasks:
        for _ in range(7):
            tasks.start_soon(caller)
    assert min(started) == pytest.approx(3.5)
    assert most_in_a_second(started) == 5


async def test_a_pause_that_comes_while_one_waits() -> None:
    budget = paced(RateLimit(1, per=1.0))
    clock = anyio.current_time
    began = clock()
    await let_go(budget)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(let_go, budget)
        await anyio.sleep(0.5)
        budget.pause(clock(), 4)
    assert clock() - began == pytest.approx(4.5)


async def test_without_a_limit_only_a_pause_makes_wait() -> None:
    budget = paced(None)
    clock = anyio.current_time
    began = clock()
    for _ in range(100):
        start = await let_go(budget)
        start.opening()
        start.writing()
        start.settle(sent=True)
    assert clock() == began
    budget.pause(began, 2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(let_go, budget)
        await anyio.sleep(1)
        budget.pause(clock(), 2)
    assert clock() - began == pytest.approx(3)


async def test_the_wait_that_is_expected_is_the_wait_that_comes() -> None:
    budget = paced(RateLimit(3, per=2.0, margin=0))
    clock = anyio.current_time
    waits: list[tuple[float, float]] = []

    async def wait(pause: float) -> None:
        await anyio.sleep(pause)
        expected, began = budget.expected_wait(clock(), "interactive"), clock()
        await let_go(budget)
        waits.append((expected, clock() - began))

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(wait, number * 0.37)
        await anyio.sleep(3)
        budget.pause(clock(), 0.1)
    assert [came for _, came in waits] == pytest.approx([expected for expected, _ in waits], abs=0.15)
    assert max(came for _, came in waits) > 5


def test_what_is_expected_of_a_pause() -> None:
    limited, free = paced(RateLimit(2, per=10.0, margin=0)), paced(None)
    assert free.expected_wait(0.0, "interactive") == 0.0
    for budget in (limited, free):
        budget.pause(0.0, 30.0)
        assert budget.expected_wait(1.0, "interactive") == 29.0
