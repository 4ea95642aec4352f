"""Clients of one account, some of which somebody waits for: what `priority` is, and what it makes of the waits."""

from __future__ import annotations

from random import Random
from statistics import median
from typing import Any

import anyio
import pytest

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.options import Priority, RateLimit, shown
from ac_sms_async.transport import Transport
from ac_sms_async.transport.events import AttemptFinished, Event
from tests.transport.conftest import Over
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import TOKEN, URL, reading

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


class Paced:
    """How long attempts of each priority waited for the budget."""

    def __init__(self) -> None:
        self.waits: dict[Priority, list[float]] = {"interactive": [], "bulk": []}

    def __call__(self, event: Event) -> None:
        if isinstance(event, AttemptFinished):
            self.waits[event.priority].append(event.paced)


async def bulk_work(transport: Transport) -> None:
    """More than the account may make, until cancelled."""

    async def task() -> None:
        while True:
            await transport.send(reading())

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(task)


@pytest.mark.parametrize("same_client", [True, False])
async def test_calls_that_somebody_waits_for_go_first(over: Over, same_client: bool) -> None:
    backend, paced, draw = FakeBackend([Step(latency=0.05)]), Paced(), Random(1)
    web = over(backend, on_event=paced)
    job = web.with_options(priority="bulk") if same_client else over(backend, on_event=paced, priority="bulk")
    async with web, job, anyio.create_task_group() as tasks:
        tasks.start_soon(bulk_work, job)
        for _ in range(100):
            await anyio.sleep(draw.expovariate(1 / 2.5))
            await web.send(reading())
        tasks.cancel_scope.cancel()
    waits = sorted(paced.waits["interactive"])
    assert len(waits) == 100
    assert median(waits) < 0.15
    assert waits[94] < 0.3
    # Nothing of the rate is lost over it.
    starts = backend.times
    assert (len(starts) - 5) / (starts[-1] - starts[0]) >= 0.93 * 5


async def test_bulk_work_keeps_a_fifth(over: Over) -> None:
    backend, paced = FakeBackend([Step(latency=0.05)]), Paced()
    web, job = over(backend, on_event=paced), over(backend, on_event=paced, priority="bulk")
    async with web, job:
        with anyio.move_on_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(bulk_work, job)
                tasks.start_soon(bulk_work, web)
    bulk, together = len(paced.waits["bulk"]), len(backend.times)
    assert 0.18 <= bulk / together <= 0.22
    assert together >= 0.93 * 5 * 60


async def test_a_place_is_kept_free(over: Over) -> None:
    backend, paced = FakeBackend([Step(latency=0.05)]), Paced()
    web = over(backend, on_event=paced, rate_limit=RateLimit(5, reserve=1))
    job = over(backend, on_event=paced, priority="bulk")
    async with web, job, anyio.create_task_group() as tasks:
        tasks.start_soon(bulk_work, job)
        for _ in range(50):
            await anyio.sleep(2)
            await web.send(reading())
        tasks.cancel_scope.cancel()
    # The very first came before anybody was known to be about.
    assert max(paced.waits["interactive"][1:]) < 0.01


async def test_a_view_keeps_its_priority_until_it_is_given_another(over: Over) -> None:
    paced = Paced()
    transport = over(FakeBackend(), on_event=paced, rate_limit=None)
    async with transport:
        bulk = transport.with_options(priority="bulk")
        for view, priority in [
            (transport, "interactive"),
            (bulk, "bulk"),
            (bulk.with_options(timeout=3), "bulk"),
            (bulk.with_options(priority="interactive"), "interactive"),
        ]:
            before = {name: len(waits) for name, waits in paced.waits.items()}
            await view.send(reading())
            assert [name for name, waits in paced.waits.items() if len(waits) > before[name]] == [priority]


@pytest.mark.parametrize("value", ["", "Bulk", 1, None, ["bulk"], 10**5000], ids=shown)
def test_what_is_no_priority_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r'^priority must be "interactive" or "bulk", not '):
        Transport(URL, TOKEN, priority=value)
    if value is not None:
        with pytest.raises(ConfigurationError, match="priority must be"):
            Transport(URL, TOKEN).with_options(priority=value)
