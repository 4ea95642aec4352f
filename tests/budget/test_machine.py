"""A budget in a file, on virtual time: several event loops' worth of it side by side, in one."""

from __future__ import annotations

import fcntl
import math
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import anyio
import pytest

from ac_sms_async import RateLimit
from ac_sms_async.budget.budget import make_budget
from ac_sms_async.budget.local import LocalBudget
from ac_sms_async.options import Priority
from ac_sms_async.transport.account import account_state
from tests.budget.budgets import patient
from tests.transport.accounts import Client

if sys.platform != "linux":
    pytest.skip("what processes share is shared on Linux", allow_module_level=True)

from ac_sms_async.budget.file import FOLDER_VARIABLE, Busy
from ac_sms_async.budget.limits import HELD_FOR
from ac_sms_async.budget.machine import CONNECTING, LONGEST_PAUSE, TRIES, MachineBudget
from ac_sms_async.budget.start import Start

pytestmark = pytest.mark.anyio

FIVE = RateLimit(5)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


Make = Callable[..., MachineBudget]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes budgets of one account, as if each were in a process of its own, whose common clock is the loop's."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "budget"))
    for module in ("file", "machine"):
        monkeypatch.setattr(f"ac_sms_async.budget.{module}.clock", anyio.current_time)

    def make(limit: RateLimit | None = FIVE) -> MachineBudget:
        budget = MachineBudget("acme")
        budget.limit = limit
        return budget

    return make


async def let_go(budget: MachineBudget, priority: Priority = "interactive") -> Start:
    return await budget.start(anyio.current_time, patient, priority)


async def saturate(budget: MachineBudget, priority: Priority, starts: list[float], tasks: int = 4) -> None:
    async def task() -> None:
        while True:
            await let_go(budget, priority)
            starts.append(anyio.current_time())
            await anyio.sleep(0.05)

    async with anyio.create_task_group() as group:
        for _ in range(tasks):
            group.start_soon(task)


async def test_they_share_five_a_second_and_the_rate_is_used(make: Make) -> None:
    starts: list[list[float]] = [[] for _ in range(6)]
    with anyio.move_on_after(30):
        async with anyio.create_task_group() as tasks:
            for times in starts:
                tasks.start_soon(saturate, make(), "interactive", times)
    together = sorted(at for times in starts for at in times)
    assert len(together) >= 0.93 * 5 * 30
    assert all(later - earlier > 1.0 for earlier, later in zip(together, together[5:], strict=False))
    # Once all wait, they take turns.
    counts = [sum(at > 2 for at in times) for times in starts]
    assert max(counts) - min(counts) <= 2


async def test_interactive_calls_of_one_go_before_bulk_ones_of_another(make: Make) -> None:
    bulk: list[float] = []
    waited: list[float] = []
    web, draw = make(), Random(2)
    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(saturate, make(), "bulk", bulk)
        for _ in range(60):
            await anyio.sleep(draw.expovariate(1 / 2.5))
            came = anyio.current_time()
            await let_go(web)
            waited.append(anyio.current_time() - came)
        tasks.cancel_scope.cancel()
    assert median(waited) < 0.15
    assert sorted(waited)[55] < 0.3


async def test_a_connection_that_opens_holds_its_place_among_all(make: Make) -> None:
    one, two = make(RateLimit(1, per=1.0, margin=0)), make(RateLimit(1, per=1.0, margin=0))
    start = await let_go(one)
    start.opening()
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(let_go, two)
        await anyio.sleep(2)
        start.writing()
        await anyio.sleep(0.5)
        start.settle(sent=True)
    assert anyio.current_time() - began == pytest.approx(3.5, abs=0.01)
    # One that never reached the server gives its place back; one whose process dies does in time.
    unsent = await _after(two, 1.0)
    unsent.opening()
    unsent.settle(sent=False)
    lost = await let_go(one)
    lost.opening()
    again = anyio.current_time()
    await let_go(two)
    assert anyio.current_time() - again == pytest.approx(CONNECTING + 1.0, abs=0.01)


async def _after(budget: MachineBudget, seconds: float) -> Start:
    began = anyio.current_time()
    start = await let_go(budget)
    assert anyio.current_time() - began == pytest.approx(seconds, abs=0.01)
    return start


async def test_who_waits_here_is_woken_when_a_place_is_given_back(make: Make) -> None:
    budget = make(RateLimit(1, per=10.0, margin=0))
    start = await let_go(budget)
    start.opening()
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(let_go, budget)
        await anyio.sleep(3)
        start.settle(sent=False)
    assert anyio.current_time() - began == pytest.approx(3)


async def test_a_pause_holds_for_all_of_them(make: Make) -> None:
    one, two = make(), make()
    now = anyio.current_time()
    assert one.pause(now, 5)
    assert not one.pause(now, 4)
    async with anyio.create_task_group() as tasks:
        for budget in (one, two):
            tasks.start_soon(let_go, budget)
        await anyio.sleep(1)
        assert two.paused_until == pytest.approx(now + 5)
        assert two.expected_wait(now + 1, "interactive") == pytest.approx(4)
    assert anyio.current_time() == pytest.approx(now + 5, abs=0.02)


async def test_a_pause_of_an_hour_is_tried_by_one_request_a_minute(make: Make) -> None:
    one, two = make(), make()
    now = anyio.current_time()
    await let_go(two)
    one.pause(now, 3600)
    starts: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(saturate, two, "interactive", starts)
        await anyio.sleep(LONGEST_PAUSE + 0.5)
        assert [at - now for at in starts] == pytest.approx([LONGEST_PAUSE])
        # Whoever was told itself waits for all of it.
        assert one.paused_until == now + 3600
        with anyio.move_on_after(1):
            await let_go(one)
        assert len(starts) == 6
        tasks.cancel_scope.cancel()


async def test_who_is_cancelled_or_refused_leaves_the_line(make: Make) -> None:
    one, two = make(RateLimit(1, per=4.0, margin=0)), make(RateLimit(1, per=4.0, margin=0))
    await let_go(one)

    def decide(now: float, wait: float) -> None:
        raise TimeoutError

    with anyio.move_on_after(1):
        await let_go(one)
    with pytest.raises(TimeoutError):
        await one.start(anyio.current_time, decide, "bulk")
    assert two.file.turn(lambda ledger, _: ledger.waiters, places=1) == []
    await _after(two, 3.0)


async def test_it_may_be_refused_when_its_turn_has_come(make: Make) -> None:
    budget = make(RateLimit(1, per=1.0, margin=0))
    await let_go(budget)

    def decide(now: float, wait: float) -> None:
        if wait == 0:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await budget.start(anyio.current_time, decide, "interactive")
    # Nothing of it was entered.
    await _after(budget, 0.0)


async def test_who_comes_while_another_has_its_turn_looks_again(make: Make) -> None:
    budget = make()
    start = await let_go(budget)
    with budget.file.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(let_go, budget)
            await anyio.sleep(0.01)
            # What can't wait goes along with the next look.
            start.opening()
            fcntl.flock(held, fcntl.LOCK_UN)
    starts = budget.file.turn(lambda ledger, now: [when > now for when, _ in ledger.starts], places=5)
    assert starts == [False, True]


async def test_a_change_is_tried_for_a_moment(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = make()
    start = await let_go(budget)
    tries = 0
    turn = budget.file.turn

    def busy(*how: Any, **more: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < TRIES:
            raise Busy
        return turn(*how, **more)

    monkeypatch.setattr(budget.file, "turn", busy)
    start.opening()
    assert budget.file.known.starts[-1][0] == pytest.approx(anyio.current_time() + CONNECTING)


async def test_a_process_that_was_forked_off_is_somebody_else(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = make(RateLimit(1))
    await let_go(budget)
    with anyio.move_on_after(0.1):
        await let_go(budget)
    seen: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(let_go, budget)
        await anyio.sleep(0.1)
        seen += budget.file.turn(lambda ledger, _: [waiter.id for waiter in ledger.waiters], places=1)
        monkeypatch.setattr("os.getpid", lambda: 4711)
        tasks.start_soon(let_go, budget, "bulk")
        await anyio.sleep(0.1)
        seen += budget.file.turn(lambda ledger, _: [waiter.id for waiter in ledger.waiters][1:], places=1)
        tasks.cancel_scope.cancel()
    assert len(set(seen)) == 2


async def test_without_a_limit_only_a_pause_makes_wait(make: Make) -> None:
    budget = make(None)
    for _ in range(20):
        start = await _after(budget, 0.0)
        start.opening()
        start.settle(sent=True)
    assert budget.is_idle(anyio.current_time())
    budget.pause(anyio.current_time(), 3600)
    assert not budget.is_idle(anyio.current_time())


async def test_it_is_idle_when_its_window_has_passed(make: Make) -> None:
    budget = make()
    assert budget.is_idle(anyio.current_time())
    await let_go(budget)
    assert not budget.is_idle(anyio.current_time())
    await anyio.sleep(1.06)
    assert budget.is_idle(anyio.current_time())
    assert budget.expected_wait(anyio.current_time(), "interactive") == 0.0


async def test_closing_wakes_who_waits(make: Make) -> None:
    budget = make(RateLimit(1, per=100))
    await let_go(budget)
    decided: list[float] = []

    def decide(now: float, wait: float) -> None:
        decided.append(wait)

    with anyio.move_on_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(budget.start, anyio.current_time, decide, "bulk")
            await anyio.sleep(1)
            del decided[:]
            budget.wake()
            await anyio.sleep(1)
            assert sorted(decided) == [pytest.approx(99, abs=0.1), math.inf]


def test_elsewhere_than_on_linux_it_is_that_of_the_loop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert isinstance(make_budget("machine", "acme"), LocalBudget)
    assert "that works on Linux only" in caplog.text


async def test_accounts_of_both_kinds_are_forgotten(make: Make) -> None:
    now = anyio.current_time()
    kept = Client()
    shared = account_state("acme", kept, FIVE, now, "machine")
    for number in range(80):
        account_state(f"many {number}", Client(), FIVE, now, "machine")
    assert account_state("acme", kept, FIVE, now, "machine") is shared
    assert account_state("acme", kept, FIVE, now) is not shared


async def test_the_strictest_limit_holds_for_all_of_them_until_two_minutes_after_it_was_said(make: Make) -> None:
    loose, strict = make(RateLimit(10)), make(RateLimit(2))
    starts: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(saturate, loose, "interactive", starts, 12)
        await anyio.sleep(5)
        assert len(starts) > 40
        del starts[:]
        await let_go(strict)
        said = anyio.current_time()
        # It is idle from now on, and is heeded.
        await anyio.sleep(60)
        together = sorted([said, *starts])
        assert all(later - earlier > 1.0 for earlier, later in zip(together, together[2:], strict=False))
        assert loose.expected_wait(anyio.current_time(), "interactive") > 1
        await anyio.sleep(said + HELD_FOR + 1 - anyio.current_time())
        del starts[:]
        await anyio.sleep(10)
        assert len(starts) > 80
        tasks.cancel_scope.cancel()


async def test_who_has_no_limit_is_held_to_the_others(make: Make) -> None:
    free, strict = make(None), make(RateLimit(1, per=1.0, margin=0))
    await let_go(strict)
    await _after(free, 1.0)
    start = await _after(free, 1.0)
    start.opening()
    assert free.expected_wait(anyio.current_time(), "interactive") > 0
    free.pause(anyio.current_time(), 0.5)
    start.settle(sent=False)
    await _after(strict, 0.5)
