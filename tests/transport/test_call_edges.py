"""Calls at the very moment when something ends, and what is told of calls that don't begin with the clock."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ac_sms_async.errors import APIStatusError, RateLimitedError, ServerError, TransportError
from ac_sms_async.options import RateLimit, RetryPolicy
from ac_sms_async.transport.backends import Progress
from ac_sms_async.transport.events import AttemptFinished, CallFinished, Event
from tests.transport.conftest import Over
from tests.transport.fake_backend import FakeBackend, FakeExchange, Step
from tests.transport.requests import URL, reading

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


def told_to_wait(seconds: float, status: int = 429) -> FakeBackend:
    # A latency that adds up without a rounding error, so that moments can be the same.
    return FakeBackend([Step(status=status, headers={"retry-after": str(seconds)}, latency=0.25), Step.json(1)])


async def test_a_retry_that_would_begin_with_the_deadline_is_not_waited_for(over: Over) -> None:
    began = anyio.current_time()
    async with over(told_to_wait(10, 503), deadline=10.25) as transport:
        with pytest.raises(ServerError):
            await transport.send(reading())
    assert anyio.current_time() - began == 0.25


async def test_a_pause_as_long_as_one_is_ready_to_wait_is_waited_for(over: Over) -> None:
    began = anyio.current_time()
    backend = told_to_wait(16)
    transport = over(backend, retry=RetryPolicy(max_retry_after=16))
    async with transport, anyio.create_task_group() as tasks:
        tasks.start_soon(transport.send, reading())
        await anyio.sleep(0.25)
        for _ in range(20):
            # The answer is read in this very moment.
            await anyio.lowlevel.checkpoint()
        assert anyio.current_time() - began == 0.25
        assert (await transport.send(reading())).parsed == 1
        assert len(backend.times) == 3
    assert [at - began for at in backend.times] == [0, 16.25, 16.25]


@pytest.mark.parametrize("pause", [16.0, 0.75])
async def test_a_pause_that_ends_with_the_deadline_is_not_waited_for(over: Over, pause: float) -> None:
    began = anyio.current_time()
    errors: list[RateLimitedError] = []
    async with over(told_to_wait(pause), deadline=pause) as transport:
        for _ in range(2):
            with pytest.raises(RateLimitedError) as caught:
                await transport.send(reading())
            errors.append(caught.value)
    assert anyio.current_time() - began == 0.25
    assert [(error.status, error.retry_after) for error in errors] == [(429, pause)] * 2
    said = f"the account is paused for another {pause:.1f} s, because the server answered 429"
    assert errors[1].message == said


@pytest.mark.parametrize("status", [199, 300, 304])
async def test_only_200_to_299_are_a_success(over: Over, status: int) -> None:
    async with over(FakeBackend([Step(status=status), Step.json(1)]), retry=RetryPolicy(1)) as transport:
        with pytest.raises(APIStatusError) as caught:
            await transport.send(reading())
    assert caught.value.status == status


async def test_times_are_told_from_when_a_call_began(over: Over, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ac_sms_async")
    events: list[Event] = []
    backend = FakeBackend([Step(latency=2)])
    transport = over(backend, on_event=events.append, max_concurrency=1, rate_limit=RateLimit(1, per=5, margin=0))
    async with transport:
        await anyio.sleep(1000)
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(transport.send, reading())
    attempts = [event for event in events if isinstance(event, AttemptFinished)]
    assert [(round(e.queued, 3), round(e.paced, 3), round(e.duration, 3)) for e in attempts] == [(0, 0, 2), (2, 3, 2)]
    calls = [event for event in events if isinstance(event, CallFinished)]
    assert [round(event.duration, 3) for event in calls] == [2, 7]
    assert [record.getMessage() for record in caplog.records] == [
        "GET /sms/credits: 200 in 2000 ms (attempt 1)",
        "GET /sms/credits: 200 in 2000 ms (attempt 1)",
    ]


async def test_a_call_that_never_got_its_turn_has_no_status(over: Over) -> None:
    events: list[Event] = []
    transport = over(FakeBackend([Step(latency=50)]), on_event=events.append, max_concurrency=1)
    async with transport, anyio.create_task_group() as tasks:
        tasks.start_soon(transport.send, reading())
        await anyio.sleep(1)
        with anyio.move_on_after(1):
            await transport.send(reading())
    first, _ = (event for event in events if isinstance(event, CallFinished))
    assert (first.attempts, first.status, first.error) == (0, None, None)


class Untold(FakeExchange):
    """Opens a connection, and doesn't tell when it writes."""

    async def start(self, progress: Progress) -> None:
        progress.opening()
        self.sent = True
        await anyio.sleep(1)
        if isinstance(self._step.error, TransportError):
            raise self._step.error
        self.status = self._step.status


class UntoldBackend(FakeBackend):
    def exchange(self, request: Any) -> FakeExchange:
        self.times.append(anyio.current_time())
        self.open += 1
        return Untold(self, request, self.steps[0])  # type: ignore[index]  # a list


@pytest.mark.parametrize("step", [Step(), Step(error=TransportError("cut"))], ids=["answered", "cut"])
async def test_a_request_that_nobody_saw_being_written_counts_from_its_answer_on(over: Over, step: Step) -> None:
    backend = UntoldBackend([step])
    transport = over(backend, rate_limit=RateLimit(1, per=8, margin=0), retry=RetryPolicy(1), url=URL)
    async with transport:
        for _ in range(2):
            with suppress(TransportError):
                await transport.send(reading())
    assert backend.times[1] - backend.times[0] == pytest.approx(1 + 8)
