"""The account's budget on virtual time: what the server sees, who waits for whom, what cancelling leaves behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ac_sms_async.options import RateLimit
from ac_sms_async.transport.pacing import LATE, LONGEST_PAUSE, UNSEEN, Account, Slots, account_state
from tests.transport.accounts import Client, patient

pytestmark = pytest.mark.anyio

FIVE = RateLimit(5)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


def paced(limit: RateLimit | None = FIVE) -> Account:
    account = Account("acme")
    # It has gone by now, and what it asked for stays with the log until the next one comes.
    account.join(Client(), limit)
    return account


def most_in_a_second(times: Sequence[float]) -> int:
    times = sorted(times)
    return max(sum(1 for later in times[i:] if later - first < 1.0) for i, first in enumerate(times))


async def test_never_a_sixth_in_a_second_at_95_percent_of_the_rate() -> None:
    account = paced()
    starts: list[float] = []

    async def caller() -> None:
        for _ in range(30):
            await account.start(anyio.current_time, patient)
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
    account = paced()
    draw = Random(7)
    seen: list[float] = []

    async def request() -> None:
        start = await account.start(anyio.current_time, patient)
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
    account = paced(RateLimit(1, per=1.0))
    order: list[int] = []

    async def caller(number: int) -> None:
        await account.start(anyio.current_time, patient)
        order.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(caller, number)
            await anyio.sleep(0.01)
    assert order == list(range(8))


async def test_cancelled_waiters_lose_nothing() -> None:
    account = paced(RateLimit(1, per=1.0, margin=0))
    started: list[float] = []

    async def caller(patience: float) -> None:
        with anyio.move_on_after(patience):
            await account.start(anyio.current_time, patient)
            started.append(anyio.current_time())

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        # The first goes at once. The next is at the head of the queue when it gives up, the third in the middle.
        for patience in (9.0, 0.5, 0.7, 9.0, 9.0):
            tasks.start_soon(caller, patience)
            await anyio.lowlevel.checkpoint()
    assert [round(at - began, 3) for at in started] == [0, 1, 2]


async def test_a_request_that_opens_a_connection_counts_until_its_answer_begins() -> None:
    account = paced(RateLimit(2, per=1.0, margin=0))
    clock = anyio.current_time
    began = clock()
    first, second = await account.start(clock, patient), await account.start(clock, patient)
    first.opening()
    first.opening()
    second.opening()
    third: list[float] = []

    async def wait() -> None:
        await account.start(clock, patient)
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
    account = paced(RateLimit(1, per=1.0, margin=0))
    clock = anyio.current_time
    slow = await account.start(clock, patient)
    slow.opening()
    third: list[float] = []

    async def wait() -> None:
        await account.start(clock, patient)
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
    account = paced(RateLimit(1, per=1.0, margin=0))
    clock = anyio.current_time
    start = await account.start(clock, patient)
    start.opening()
    await anyio.sleep(3)
    start.writing()
    ended: list[float] = []

    async def wait() -> None:
        await account.start(clock, patient)
        ended.append(clock())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(0.2)
        start.settle(sent=True)
        ended.append(clock())
        start.settle(sent=True)
    assert ended[1] - ended[0] == pytest.approx(1.0)


async def test_a_request_written_late_counts_from_then() -> None:
    account = paced(RateLimit(1, per=1.0, margin=0))
    clock = anyio.current_time
    late = await account.start(clock, patient)
    await anyio.sleep(0.5)
    late.writing()
    again = clock()
    await account.start(clock, patient)
    assert clock() - again == pytest.approx(1.0 - LATE, abs=1e-3)


async def test_a_request_written_a_window_late_counts_too() -> None:
    account = paced(RateLimit(1, per=1.0, margin=0))
    clock = anyio.current_time
    late = await account.start(clock, patient)
    await anyio.sleep(2)
    second = await account.start(clock, patient)
    late.writing()
    began = clock()
    await account.start(clock, patient)
    assert clock() - began == pytest.approx(1.0, abs=0.01)
    # It is gone from the log by now, and opening its connection is still counted.
    await anyio.sleep(2)
    second.opening()
    with anyio.move_on_after(10) as patience:
        await account.start(clock, patient)
        await account.start(clock, patient)
    assert patience.cancelled_caught


async def test_a_pause_stops_everybody_until_the_longest_that_was_asked_for() -> None:
    account = paced()
    clock = anyio.current_time
    began = clock()
    assert account.pause(began, 3)
    assert not account.pause(began, 2)
    assert not account.pause(began + 1, 2.5)
    assert not account.pause(began + 1, 0.5)
    started: list[float] = []

    async def caller() -> None:
        await account.start(clock, patient)
        started.append(clock() - began)

    async with anyio.create_task_group() as tasks:
        for _ in range(7):
            tasks.start_soon(caller)
    assert min(started) == pytest.approx(3.5)
    assert most_in_a_second(started) == 5
    account.pause(clock(), 1e9)
    assert account.paused_until == clock() + LONGEST_PAUSE


async def test_a_pause_that_comes_while_one_waits() -> None:
    account = paced(RateLimit(1, per=1.0))
    clock = anyio.current_time
    began = clock()
    await account.start(clock, patient)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(account.start, clock, patient)
        await anyio.sleep(0.5)
        account.pause(clock(), 4)
    assert clock() - began == pytest.approx(4.5)


async def test_without_a_limit_only_a_pause_makes_wait() -> None:
    account = paced(None)
    clock = anyio.current_time
    began = clock()
    for _ in range(100):
        start = await account.start(clock, patient)
        start.opening()
        start.writing()
        start.settle(sent=True)
    assert clock() == began
    account.pause(began, 2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(account.start, clock, patient)
        await anyio.sleep(1)
        account.pause(clock(), 2)
    assert clock() - began == pytest.approx(3)


async def test_the_stricter_of_two_limits_holds_also_for_those_who_wait_already() -> None:
    clients = [Client(), Client(), Client()]
    account = Account("acme")
    account.join(clients[0], RateLimit(10))
    account.join(clients[1], RateLimit(20))
    assert account.limit == RateLimit(10)
    clock = anyio.current_time
    began = clock()
    started: list[float] = []

    async def caller() -> None:
        await account.start(clock, patient)
        started.append(clock() - began)

    async with anyio.create_task_group() as tasks:
        for _ in range(14):
            tasks.start_soon(caller)
        await anyio.sleep(0.1)
        account.join(clients[2], RateLimit(1))
    assert account.limit == RateLimit(1)
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(started[10:]))


async def test_clients_of_one_account_share_its_state_in_one_loop() -> None:
    now = anyio.current_time()
    one, two, other = Client(), Client(), Client()
    shared = account_state("acme", one, FIVE, now)
    assert account_state("acme", two, None, now) is shared
    assert account_state("other", other, FIVE, now) is not shared
    assert shared.limit == FIVE


async def test_accounts_are_forgotten_once_that_makes_no_difference() -> None:
    now = anyio.current_time()
    kept = Client()
    in_use = account_state("in use", kept, FIVE, now)
    spent, paused, opening, unlimited = (
        account_state(name, Client(), limit, now)
        for name, limit in (("spent", FIVE), ("paused", FIVE), ("opening", FIVE), ("unlimited", None))
    )
    await spent.start(anyio.current_time, patient)
    paused.pause(now, 5)
    begun = await opening.start(anyio.current_time, patient)
    begun.opening()
    # Clients die here at once, by their last reference.
    for number in range(80):
        account_state(f"many {number}", Client(), FIVE, now)
    assert account_state("in use", kept, FIVE, now) is in_use
    assert account_state("spent", kept, FIVE, now) is spent
    assert account_state("paused", kept, FIVE, now) is paused
    assert account_state("opening", kept, FIVE, now) is opening
    assert account_state("unlimited", kept, None, now) is not unlimited


async def test_slots_go_to_who_waits_longest() -> None:
    slots = Slots(2)
    order: list[int] = []
    running: list[int] = []

    async def caller(number: int) -> None:
        await slots.acquire(patient)
        order.append(number)
        running.append(number)
        assert len(running) <= 2
        await anyio.sleep(1 + number / 10)
        running.remove(number)
        slots.release()

    for _ in range(2):
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(caller, number)
                await anyio.wait_all_tasks_blocked()
        assert order == list(range(6))
        assert anyio.current_time() - began < 5
        order.clear()


async def test_a_slot_is_never_lost_to_a_cancelled_waiter() -> None:
    slots = Slots(1)

    async def caller() -> None:
        await slots.acquire(patient)
        slots.release()

    await slots.acquire(patient)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller)
        await anyio.wait_all_tasks_blocked()
        # Cancelled first, then handed the slot before it gets to run.
        tasks.cancel_scope.cancel()
        slots.release()
    with anyio.fail_after(1):
        await slots.acquire(patient)
