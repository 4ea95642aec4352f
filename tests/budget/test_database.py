"""A budget in a database, on virtual time: what machines share, and what they do while it is gone."""

from __future__ import annotations

import fcntl
import logging
import math
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import anyio
import pytest

if sys.platform != "linux":
    pytest.skip("what machines share is shared on Linux", allow_module_level=True)

from ac_sms_async import RateLimit
from ac_sms_async.budget.budget import make_budget
from ac_sms_async.budget.database import ASK_AGAIN, DatabaseBudget
from ac_sms_async.budget.file import FOLDER_VARIABLE
from ac_sms_async.budget.scope import Database
from ac_sms_async.budget.store import PATIENCE
from ac_sms_async.options import Priority
from tests.budget.budgets import let_go
from tests.budget.far import Server

pytestmark = pytest.mark.anyio

FIVE = RateLimit(5)
ONE = RateLimit(1, per=1.0, margin=0)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr("ac_sms_async.budget.database.link_to", server.link_to)
    return server


Make = Callable[..., DatabaseBudget]


@pytest.fixture
def make(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes budgets of one account, as if each were in a process of its own on the machine of this name."""
    for module in ("file", "machine", "database"):
        monkeypatch.setattr(f"ac_sms_async.budget.{module}.clock", anyio.current_time)

    def make(limit: RateLimit | None = FIVE, machine: str = "here") -> DatabaseBudget:
        monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / machine))
        budget = make_budget(Database("postgresql://me:secret@db/app", "postgresql://db/app"), "acme")
        assert isinstance(budget, DatabaseBudget)
        budget.limit = limit
        return budget

    return make


def gone(budget: DatabaseBudget) -> bool:
    """(A name for it, of which a type checker remembers nothing.)"""
    return budget.is_degraded


async def saturate(budget: DatabaseBudget, starts: list[float], priority: Priority = "interactive") -> None:
    async def task() -> None:
        while True:
            start = await let_go(budget, priority)
            start.writing()
            starts.append(anyio.current_time())
            start.settle(sent=True)
            await anyio.sleep(0.05)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(task)


def most_in_a_second(starts: list[float]) -> int:
    times = sorted(starts)
    return max((sum(1 for later in times[i : i + 20] if later - at <= 1.0) for i, at in enumerate(times)), default=0)


@pytest.mark.parametrize("distance", [0.0, 0.02, 0.1])
async def test_they_share_five_a_second_near_and_far(make: Make, server: Server, distance: float) -> None:
    server.distance = distance
    starts: list[float] = []
    with anyio.move_on_after(30):
        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(saturate, make(machine=f"machine {number % 3}"), starts)
    assert most_in_a_second(starts) <= 5
    assert len(starts) >= (0.93 if distance < 0.05 else 0.8) * 5 * 30
    assert server.ledger.waiters == []


async def test_interactive_calls_go_before_bulk_ones(make: Make) -> None:
    bulk: list[float] = []
    web = make(machine="another")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(saturate, make(), bulk, "bulk")
        await anyio.sleep(5)
        for _ in range(20):
            await anyio.sleep(1.3)
            came = anyio.current_time()
            await let_go(web)
            assert anyio.current_time() - came < 0.3
        tasks.cancel_scope.cancel()


async def test_a_connection_that_opens_holds_its_place(make: Make) -> None:
    one, two = make(ONE), make(ONE, machine="another")
    start = await let_go(one)
    start.opening()
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(let_go, two)
        await anyio.sleep(2)
        start.writing()
        await anyio.sleep(0.5)
        start.settle(sent=True)
    assert anyio.current_time() - began == pytest.approx(3.5, abs=0.02)
    unsent = await let_go(one)
    unsent.opening()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(let_go, one)
        await anyio.sleep(0.1)
        unsent.settle(sent=False)
        began = anyio.current_time()
    assert anyio.current_time() - began < 0.05


async def test_a_start_counts_from_when_it_was_written_where_the_database_is_far(make: Make, server: Server) -> None:
    budget = make(ONE)
    server.distance = 0.1
    start = await let_go(budget)
    start.writing()
    (moment, _), *_ = server.ledger.starts
    assert moment == pytest.approx(anyio.current_time() - 0.005)


async def test_it_asks_as_much_earlier_as_the_way_takes(make: Make, server: Server) -> None:
    budget = make(ONE)
    server.distance = 0.1
    starts: list[float] = []
    for _ in range(4):
        await let_go(budget)
        starts.append(server.ledger.starts[-1][0])
    assert starts[3] - starts[2] == pytest.approx(1.0, abs=0.02)


async def test_a_pause_holds_for_all_of_them(make: Make, server: Server) -> None:
    one, two = make(), make(machine="another")
    await let_go(one)
    await let_go(two)
    now = anyio.current_time()
    assert one.pause(now, 5)
    assert not one.pause(now, 4)
    started: list[float] = []

    async def start(budget: DatabaseBudget) -> None:
        await let_go(budget)
        started.append(anyio.current_time() - now)

    async with anyio.create_task_group() as tasks:
        for budget in (one, two):
            tasks.start_soon(start, budget)
        await anyio.sleep(1)
        assert one.paused_until == now + 5
        assert two.paused_until == pytest.approx(now + 5)
        assert one.expected_wait(now + 1, "interactive") == pytest.approx(4)
        assert two.expected_wait(now + 1, "interactive") == pytest.approx(4)
        assert not two.is_idle(now + 1)
    assert started == pytest.approx([5, 5], abs=0.05)
    await anyio.sleep(2)
    assert two.is_idle(anyio.current_time())


async def test_gone_each_machine_starts_one_in_a_window(
    make: Make, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    here: list[float] = []
    there: list[float] = []
    began = anyio.current_time()
    gone_at, back_at = began + 5, began + 15
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(saturate, make(), here)
        tasks.start_soon(saturate, make(machine="another"), there)
        await anyio.sleep(5)
        server.is_gone = True
        await anyio.sleep(10)
        server.is_gone = False
        await anyio.sleep(10)
        tasks.cancel_scope.cancel()
    assert most_in_a_second([*here, *there]) <= 5
    for starts in (here, there):
        meanwhile = [at for at in starts if gone_at < at < back_at]
        # The first one a whole window after the database was found to be gone.
        assert meanwhile[0] >= gone_at + 1.05
        assert most_in_a_second(meanwhile) == 1
        assert len(meanwhile) >= 7
    together = [at for at in (*here, *there) if at > back_at + ASK_AGAIN + 2 * PATIENCE + 1.1]
    assert len(together) >= 0.93 * 5 * 7
    assert caplog.text.count("is gone") == caplog.text.count("is there again") == 4
    assert "postgresql://db/app" in caplog.text
    assert "secret" not in caplog.text


async def test_gone_for_one_process_it_is_gone_for_the_machine(make: Make, server: Server) -> None:
    one, two = make(), make()
    await let_go(two)
    server.is_gone = True
    with anyio.move_on_after(0.5):
        await let_go(one)
    assert gone(one)
    assert not gone(two)
    server.is_gone = False
    # It has an answer, and doesn't go by it: the other one goes by the file.
    with anyio.move_on_after(0.1):
        await let_go(two)
    assert gone(two)
    assert server.told[-1] == "forget"
    assert two.expected_wait(anyio.current_time(), "interactive") == pytest.approx(1.05 - 0.35, abs=0.02)
    # What was started meanwhile is known to the database before anybody starts by that.
    await anyio.sleep(2)
    starts: list[float] = []
    with anyio.move_on_after(6):
        async with anyio.create_task_group() as tasks:
            for budget in (one, two):
                tasks.start_soon(saturate, budget, starts)
    assert not gone(one)
    assert not gone(two)
    assert most_in_a_second(starts) <= 5


async def test_what_was_started_meanwhile_counts_afterwards_and_a_pause_goes_on(make: Make, server: Server) -> None:
    one, two = make(), make()
    server.is_gone = True
    await let_go(one)
    started = anyio.current_time()
    with anyio.move_on_after(0.3):
        await let_go(two)
    one.pause(anyio.current_time(), 3)
    server.is_gone = False
    await anyio.sleep(1)
    # It wasn't told itself, finds the database again, and tells it what the machine knows.
    await let_go(two)
    assert not gone(two)
    assert anyio.current_time() - started == pytest.approx(3.3, abs=0.05)
    assert {"move", "pause", "return"} <= set(server.told)
    # The other one finds it so in the file.
    assert gone(one)
    await let_go(one)
    assert not gone(one)


async def test_who_starts_by_the_file_meanwhile_is_told_before_anybody_goes_by_the_database(
    make: Make, server: Server
) -> None:
    one, two = make(), make()
    server.is_gone = True
    await let_go(one)
    with anyio.move_on_after(0.3):
        await let_go(two)
    await anyio.sleep(2)
    two.ask_at = math.inf
    server.is_gone, server.distance = False, 0.2
    # One asks, and before it has the answer the other starts by the file.
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(let_go, one)
        await anyio.sleep(0.1)
        await let_go(two)
        assert gone(two)
    assert server.told.count("return") == 2
    assert not gone(one)
    # And the other one, which would start by the file next, sees that it is no longer used.
    two.ask_at = anyio.current_time() + 0.1
    await let_go(two)
    assert not gone(two)


async def test_gone_it_fails_closed_where_that_is_wanted(
    make: Make, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    budget = make(RateLimit(5, fallback=None))
    server.is_gone = True
    waits: list[float] = []

    def decide(now: float, wait: float) -> None:
        waits.append(wait)

    with anyio.move_on_after(20) as patience:
        await budget.start(anyio.current_time, decide, "interactive")
    assert patience.cancelled_caught
    assert set(waits) == {math.inf}
    assert budget.expected_wait(anyio.current_time(), "interactive") == math.inf
    assert "nothing is sent" in caplog.text
    server.is_gone = False
    with anyio.fail_after(3):
        await let_go(budget)


async def test_it_comes_back_without_a_start_meanwhile(make: Make, server: Server) -> None:
    budget = make(None)
    server.is_gone = True
    start = await let_go(budget)
    start.opening()
    assert gone(budget)
    server.is_gone = False
    await anyio.sleep(2)
    start = await let_go(budget)
    start.opening()
    start.settle(sent=True)
    assert not gone(budget)
    budget.pause(anyio.current_time(), 30)
    with anyio.move_on_after(1) as patience:
        await let_go(budget)
    assert patience.cancelled_caught


async def test_who_is_cancelled_or_refused_leaves_the_line_and_gives_its_place_back(make: Make, server: Server) -> None:
    budget = make(ONE)
    server.distance = 0.02
    with anyio.move_on_after(0.015):
        await let_go(budget)
    assert server.ledger.starts == []
    await let_go(budget)
    with anyio.move_on_after(0.3):
        await let_go(budget)
    assert server.ledger.waiters == []

    def decide(now: float, wait: float) -> None:
        if wait == 0:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await budget.start(anyio.current_time, decide, "bulk")
    assert server.ledger.starts == []
    assert server.ledger.waiters == []


async def test_the_file_may_be_busy(make: Make, server: Server) -> None:
    budget = make()
    await let_go(budget)
    path = budget.here.file.path
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        let: list[bool] = []

        async def wait() -> None:
            await let_go(budget)
            let.append(True)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.sleep(0.05)
            assert not let
            fcntl.flock(held, fcntl.LOCK_UN)
        assert let


async def test_closing_lets_go_of_the_connection_and_wakes_who_waits(make: Make, server: Server) -> None:
    budget = make(ONE)
    budget.close()
    budget.forget(1)
    await let_go(budget)
    decided: list[float] = []

    def decide(now: float, wait: float) -> None:
        decided.append(wait)

    with anyio.move_on_after(0.5):
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(budget.start, anyio.current_time, decide, "bulk")
            await anyio.sleep(0.1)
            del decided[:]
            budget.wake()
            await anyio.sleep(0.1)
    assert len(decided) == 2
    budget.close()
    assert server.links[0].is_closed


@pytest.mark.parametrize("distance", [0.0, 0.02])
async def test_a_web_app_hardly_waits_beside_bulk_work_of_other_machines(
    make: Make, server: Server, distance: float
) -> None:
    server.distance = distance
    draw, bulk, web = Random(3), list[float](), list[float]()
    waited: list[float] = []

    async def app(budget: DatabaseBudget) -> None:
        for _ in range(25):
            await anyio.sleep(draw.expovariate(1 / 3.0))
            came = anyio.current_time()
            start = await let_go(budget)
            waited.append(anyio.current_time() - came)
            web.append(anyio.current_time())
            start.writing()
            start.settle(sent=True)

    async with anyio.create_task_group() as tasks:
        for number in range(2):
            tasks.start_soon(saturate, make(machine=f"machine {number}"), bulk, "bulk")
        async with anyio.create_task_group() as apps:
            for number in range(4):
                apps.start_soon(app, make(machine=f"machine {number}"))
        tasks.cancel_scope.cancel()
    together = sorted([*bulk, *web])
    assert most_in_a_second(together) <= 5
    assert (len(together) - 5) / (together[-1] - together[0]) >= 0.93 * 5
    assert median(waited) < 0.15 + distance
    # As near as to a database on the same machine, but for the way there and back.
    assert sorted(waited)[95] < 0.4 + distance


async def test_the_strictest_limit_holds_on_all_machines(make: Make, server: Server) -> None:
    before, after = list[float](), list[float]()
    loose, strict = make(RateLimit(10)), make(FIVE, machine="another")
    with anyio.move_on_after(3):
        await saturate(loose, before)
    await let_go(strict)
    with anyio.move_on_after(30):
        await saturate(loose, after)
    assert most_in_a_second(before) == 10
    assert most_in_a_second(after) <= 5


async def test_who_has_no_limit_is_held_to_the_others(make: Make, server: Server) -> None:
    free, strict = make(None), make(ONE, machine="another")
    await let_go(strict)
    start = await let_go(free)
    # Its request counts, so it has to tell where it opens a connection.
    start.opening()
    assert server.told[-1] == "move"
    assert free.expected_wait(anyio.current_time(), "interactive") > 0
