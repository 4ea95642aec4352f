"""Those who wait for a slot or the budget: what wakes them, what they are told, and what it costs when they leave."""

from __future__ import annotations

import gc
import weakref
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ac_sms_async.errors import ConfigurationError, RateLimitedError, SMSError
from ac_sms_async.options import RateLimit, RetryPolicy
from ac_sms_async.transport import Transport
from ac_sms_async.transport.account import account_state
from ac_sms_async.transport.slots import Slots
from tests.budget.budgets import let_go, paced, patient
from tests.transport.accounts import Client
from tests.transport.conftest import Over
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import URL, reading

pytestmark = pytest.mark.anyio

SLOW = RateLimit(1, per=100, margin=0)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


class Ends:
    """How calls end, and when."""

    def __init__(self) -> None:
        self.began = anyio.current_time()
        self.errors: list[tuple[float, SMSError]] = []
        self.answers: list[float] = []

    @property
    def elapsed(self) -> float:
        return anyio.current_time() - self.began

    async def of(self, transport: Transport, request: Any = None) -> None:
        try:
            await transport.send(request or reading())
        except SMSError as error:
            self.errors.append((self.elapsed, error))
        else:
            self.answers.append(self.elapsed)


@pytest.mark.parametrize("where", ["queue", "budget", "pause"])
async def test_a_pause_wakes_who_waits_and_each_decides_anew(over: Over, where: str) -> None:
    """They wait for a slot, for the budget, or for a shorter pause to end."""
    held = FakeBackend([Step(latency=30), Step.json(1)])
    turned_away = FakeBackend(
        [Step(status=429, headers={"retry-after": "5"}), Step(429, headers={"retry-after": "300"})]
    )
    ends = Ends()
    limit = {"queue": RateLimit(20), "budget": RateLimit(1, per=20, margin=0), "pause": None}[where]
    patient = RetryPolicy(max_retry_after=1000)
    sharer = Client()
    waiting = over(held, rate_limit=limit, max_concurrency=1 if where == "queue" else 10, deadline=1000)
    other = over(turned_away, rate_limit=None)
    async with waiting, other, anyio.create_task_group() as tasks:
        tasks.start_soon(ends.of, waiting.with_options(retry=patient))
        await anyio.sleep(1)
        if where == "pause":
            await ends.of(other.with_options(retry=RetryPolicy(1)))
            ends.errors.clear()
        # One can't wait for so long, one doesn't want to, and one is ready to.
        tasks.start_soon(ends.of, waiting.with_options(deadline=250, retry=patient))
        tasks.start_soon(ends.of, waiting)
        tasks.start_soon(ends.of, waiting.with_options(retry=patient))
        await anyio.sleep(1)
        now = anyio.current_time()
        account_state(URL, sharer, None, now).pause(now, 300)
        await anyio.wait_all_tasks_blocked()
        assert [(round(at, 1) // 1, type(error)) for at, error in ends.errors] == [(2, RateLimitedError)] * 2
        assert [error.retry_after for _, error in ends.errors if isinstance(error, RateLimitedError)] == [300, 300]
        assert [error.attempts for _, error in ends.errors] == [0, 0]
    assert len(ends.errors) == 2
    assert [at >= 302 for at in ends.answers] == [False, True]


@pytest.mark.parametrize("options", [{"rate_limit": SLOW}, {"max_concurrency": 1}], ids=str)
async def test_closing_refuses_who_waits_at_once(over: Over, options: dict[str, Any]) -> None:
    backend = FakeBackend([Step(latency=30)])
    ends = Ends()
    transport = over(backend, **options)
    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(ends.of, transport)
        await anyio.sleep(1)
        await transport.aclose()
        await anyio.wait_all_tasks_blocked()
        assert [(at, type(error), error.attempts) for at, error in ends.errors] == [(1.0, ConfigurationError, 0)] * 3
    assert len(backend.requests) == 1


async def test_closing_refuses_who_backs_off(over: Over) -> None:
    backend = FakeBackend([Step(status=503, headers={"retry-after": "30"})])
    ends = Ends()
    transport = over(backend)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ends.of, transport)
        await anyio.sleep(1)
        await transport.aclose()
    assert [type(error) for _, error in ends.errors] == [ConfigurationError]
    assert len(backend.requests) == 1


async def test_a_limit_leaves_with_its_client(over: Over) -> None:
    backend = FakeBackend([Step.json(1)])
    ends = Ends()

    async def many(transport: Transport) -> float:
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(ends.of, transport)
        return anyio.current_time() - began

    quick, free = over(backend), over(backend, rate_limit=None)
    async with quick:
        async with over(backend, rate_limit=RateLimit(1)) as strict:
            await ends.of(strict)
            assert await many(quick) > 9
        assert await many(quick) < 3
    async with free:
        assert await many(free) == pytest.approx(0.1)
    async with quick, over(backend, rate_limit=RateLimit(1)) as again:
        assert await many(again) > 9


async def test_a_limit_that_leaves_wakes_who_waits(over: Over) -> None:
    backend = FakeBackend([Step.json(1)])
    ends = Ends()
    strict = over(backend, rate_limit=SLOW)
    async with over(backend) as quick:
        await ends.of(strict)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ends.of, quick)
            await anyio.sleep(1)
            await strict.aclose()
        assert ends.answers == pytest.approx([0.1, 1.2])


@pytest.mark.parametrize("line", ["slots", "budget"])
@pytest.mark.parametrize("backwards", [False, True])
async def test_leaving_costs_the_same_however_many_wait(line: str, backwards: bool) -> None:
    """A line that looks for whoever leaves compares it with all in front."""

    async def comparisons(waiting: int) -> float:
        slots = Slots(1)
        budget = paced(SLOW)
        compared = 0

        class Turn:
            def __init__(self) -> None:
                self.granted = False
                self._event = anyio.Event()

            def wake(self) -> None:
                self._event.set()

            async def sleep(self, seconds: float = 0) -> None:
                await self._event.wait()

            def __hash__(self) -> int:
                return id(self)

            def __eq__(self, other: object) -> bool:
                nonlocal compared
                compared += 1
                return self is other

        async def wait(scope: anyio.CancelScope) -> None:
            with scope:
                if line == "slots":
                    await slots.acquire(patient, "bulk")
                else:
                    await let_go(budget)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ac_sms_async.line.Turn", Turn)
            scopes = [anyio.CancelScope() for _ in range(waiting)]
            async with anyio.create_task_group() as tasks:
                for scope in scopes:
                    tasks.start_soon(wait, scope)
                    await anyio.lowlevel.checkpoint()
                await anyio.wait_all_tasks_blocked()
                for scope in scopes[::-1] if backwards else scopes:
                    scope.cancel()
        return compared / waiting

    assert await comparisons(400) <= 2 * max(await comparisons(40), 1)


async def test_leaving_from_the_middle_keeps_the_order() -> None:
    slots = Slots(1)
    order: list[int] = []
    scopes = [anyio.CancelScope() for _ in range(6)]

    async def wait(number: int) -> None:
        with scopes[number]:
            await slots.acquire(patient, "bulk")
            order.append(number)
            slots.release()

    await slots.acquire(patient, "bulk")
    async with anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(wait, number)
            await anyio.wait_all_tasks_blocked()
        scopes[0].cancel()
        scopes[3].cancel()
        await anyio.wait_all_tasks_blocked()
        slots.release()
    assert order == [1, 2, 4, 5]


class Page:
    """What a request of a web app is about."""


_page: ContextVar[Page] = ContextVar("page")


@pytest.mark.parametrize("ended", ["answered", "in line", "resting"])
async def test_an_ended_call_keeps_nothing_of_its_context(over: Over, ended: str) -> None:
    steps = {"answered": Step.json(1), "in line": Step(latency=30), "resting": Step(503, headers={"retry-after": "30"})}
    backend = FakeBackend([steps[ended]])
    ends = Ends()
    pages: list[weakref.ref[Page]] = []
    async with over(backend, max_concurrency=1) as transport:

        async def request() -> None:
            page = Page()
            pages.append(weakref.ref(page))
            _page.set(page)
            with anyio.move_on_after(5):
                await ends.of(transport)

        async with anyio.create_task_group() as tasks:
            # A timer in front, behind which asyncio keeps those that were cancelled.
            tasks.start_soon(anyio.sleep, 20)
            if ended == "in line":
                tasks.start_soon(ends.of, transport)
                await anyio.wait_all_tasks_blocked()
            tasks.start_soon(request)
            await anyio.sleep(6)
            gc.collect()
            # Deadlines are minutes away, and timers that were cancelled stay in the loop until then.
            assert [page() for page in pages] == [None]
            tasks.cancel_scope.cancel()
