"""Pacing at the very moment when something ends, and limits that are stricter in one way and looser in another."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import anyio
import pytest

from ac_sms_async import RateLimit
from ac_sms_async.transport.pacing import LATE, UNSEEN, Account
from tests.transport.accounts import paced, patient


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


def _account(*limits: RateLimit) -> Account:
    account, clients = paced(*limits)
    _alive.append(clients)
    return account


_alive: list[object] = []


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    _alive.clear()


@pytest.mark.parametrize("turn", [1, -1])
def test_fewer_requests_per_second_are_stricter_however_many_they_are(turn: int) -> None:
    slow, quick = RateLimit(20, per=10.0), RateLimit(5, per=1.0)
    assert _account(*(slow, quick)[::turn]).limit == slow


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_equal_rates_the_smaller_burst_is_stricter(turn: int) -> None:
    burst, even = RateLimit(10, per=2.0, margin=0), RateLimit(5, per=1.0, margin=0)
    assert _account(*(burst, even)[::turn]).limit == even


def test_a_pause_that_ends_now_has_ended() -> None:
    account = _account()
    assert account.pause(10.0, 5.0)
    assert not account.pause(14.9, 1.0)
    assert account.paused_until == 15.9
    assert account.pause(15.9, 1.0)


def test_an_account_is_idle_from_the_moment_that_its_last_window_ends() -> None:
    limit = RateLimit(5, per=1.0, margin=0.5)
    account = _account(limit)
    # Its client goes.
    _alive.clear()
    account.pause(0.0, 3.0)
    assert not account.is_idle(2.9)
    assert account.is_idle(3.0)
    account.opening(0.0)
    assert not account.is_idle(9.0)
    account.opened(10.0)
    assert not account.is_idle(11.4)
    assert account.is_idle(11.5)


def test_a_connection_that_is_open_takes_nothing_from_the_budget_any_more() -> None:
    limit = RateLimit(1, per=1.0, margin=0)
    account = _account(limit)
    for moment in (0.0, 5.0, 10.0):
        assert account.wait(moment) == 0.0
        account.opening(moment)
        assert account.wait(moment) == float("inf")
        account.opened(None)
    assert account.wait(10.0) == 0.0


def test_who_has_slept_as_long_as_it_was_told_may_start() -> None:
    draw = Random(11)
    for _ in range(2000):
        limit = RateLimit(1, per=draw.uniform(0.1, 60), margin=draw.uniform(0, 1))
        account = _account(limit)
        # Small ones, where sums are rounded most.
        started = draw.uniform(0, 2)
        account.opening(started)
        account.opened(started)
        now = started + draw.uniform(0, limit.window)
        assert account.wait(now + account.wait(now)) == 0.0


async def _next_start(account: Account) -> float:
    """How long it waits for its turn."""
    began = anyio.current_time()
    await account.start(anyio.current_time, patient)
    return anyio.current_time() - began


TWO = RateLimit(2, per=8.0, margin=0)


@pytest.mark.anyio
async def test_a_timer_that_wakes_late_takes_nothing_from_the_window_after_it() -> None:
    account = _account(RateLimit(1, per=8.0, margin=0))
    busy = 0.0

    def clock() -> float:
        return anyio.current_time() + busy

    await account.start(clock, patient)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(account.start, clock, patient)
        await anyio.sleep(7)
        # The loop does something else for five seconds, while the request's turn comes.
        busy = 5.0
    at = clock()
    await account.start(clock, patient)
    assert clock() - at == pytest.approx(8.0 - LATE)


@pytest.mark.anyio
async def test_nobody_overtakes_who_is_due_and_has_not_woken_up() -> None:
    account = _account(RateLimit(1, per=8.0, margin=0))
    busy = 0.0
    order: list[int] = []

    def clock() -> float:
        return anyio.current_time() + busy

    async def caller(number: int) -> None:
        await account.start(clock, patient)
        order.append(number)

    await account.start(clock, patient)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller, 1)
        await anyio.sleep(7)
        # The first one's turn has come while the loop did something else.
        busy = 5.0
        await caller(2)
    assert order == [1, 2]


@pytest.mark.anyio
async def test_a_request_written_late_counts_once() -> None:
    account = _account(TWO)
    late = await account.start(anyio.current_time, patient)
    await anyio.sleep(4)
    late.writing()
    assert await _next_start(account) == 0
    assert await _next_start(account) == pytest.approx(8 - LATE)


@pytest.mark.anyio
async def test_a_request_written_to_a_dead_connection_counts_from_the_new_one_on() -> None:
    account = _account(RateLimit(1, per=8.0, margin=0))
    start = await account.start(anyio.current_time, patient)
    await anyio.sleep(4)
    start.writing()
    start.opening()
    await anyio.sleep(20)
    start.writing()
    start.settle(sent=True)
    assert await _next_start(account) == pytest.approx(8)


@pytest.mark.anyio
@pytest.mark.parametrize("written", [False, True])
async def test_an_answer_on_a_new_connection_counts_once_however_often_its_end_is_told(written: bool) -> None:
    account = _account(TWO)
    start = await account.start(anyio.current_time, patient)
    start.opening()
    if written:
        start.writing()
    start.settle(sent=True)
    await anyio.sleep(4)
    start.settle(sent=True)
    assert await _next_start(account) == 0
    assert await _next_start(account) == pytest.approx(4)
    assert await _next_start(account) == pytest.approx(4)
    await anyio.sleep(20)
    assert [await _next_start(account) for _ in range(3)] == pytest.approx([0, 0, 8])


@pytest.mark.anyio
async def test_a_new_connection_without_an_answer_holds_up_nothing_but_its_own_turn() -> None:
    account = _account(TWO)
    start = await account.start(anyio.current_time, patient)
    start.opening()
    start.writing()
    # The other one of two goes at once. Its turn comes again after a window, and the first one's that much later.
    assert await _next_start(account) == 0
    assert await _next_start(account) == pytest.approx(8)
    assert await _next_start(account) == pytest.approx(UNSEEN)
