"""What `on_event` and the log get to know: everything that happens, no body, no token."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from ac_sms_async.errors import ServerError
from ac_sms_async.options import RetryPolicy
from ac_sms_async.transport import Transport
from ac_sms_async.transport.events import (
    AccountPaused,
    AttemptFinished,
    CallFinished,
    CallStarted,
    Event,
    RetryScheduled,
)
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import TOKEN, URL, reading, writing

pytestmark = pytest.mark.anyio

Over = Callable[..., Transport]


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.fixture(autouse=True)
def full_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)


BUSY = Step(status=429, headers={"retry-after": "3", "ratelimit-limit": "5", "ratelimit-remaining": "0"})
LIMITS = {"ratelimit-limit": "five", "ratelimit-remaining": "\u0663"}


async def test_the_story_of_a_call(over: Over) -> None:
    events: list[Event] = []
    backend = FakeBackend([BUSY, Step(status=503), Step.json(1, headers=LIMITS)])
    async with over(backend, on_event=events.append, retry=RetryPolicy(initial=1)) as transport:
        await transport.send(reading())
    assert [type(event) for event in events] == [
        CallStarted,
        AttemptFinished,
        AccountPaused,
        RetryScheduled,
        AttemptFinished,
        RetryScheduled,
        AttemptFinished,
        CallFinished,
    ]
    started, first, paused, retry, second, again, third, finished = events
    assert isinstance(started, CallStarted)
    assert started.deadline == 300
    assert isinstance(first, AttemptFinished)
    assert (first.attempt, first.status, first.error) == (1, 429, "RateLimitedError")
    assert (first.rate_limit, first.rate_remaining) == (5, 0)
    assert (first.queued, first.paced, round(first.duration, 3)) == (0, 0, 0.1)
    assert isinstance(paused, AccountPaused)
    assert paused.seconds == 3
    assert isinstance(retry, RetryScheduled)
    assert (retry.attempt, retry.status, retry.error, retry.delay) == (1, 429, "RateLimitedError", 3)
    assert isinstance(second, AttemptFinished)
    assert (second.attempt, second.status, second.error) == (2, 503, "ServerError")
    assert isinstance(again, RetryScheduled)
    assert again.delay == 2
    assert isinstance(third, AttemptFinished)
    assert (third.status, third.error, third.rate_limit, third.rate_remaining) == (200, None, None, None)
    assert isinstance(finished, CallFinished)
    assert (finished.attempts, finished.status, finished.error) == (3, 200, None)
    assert finished.duration == pytest.approx(5.3)
    for event in events:
        assert (event.account, event.base_url, event.operation_id) == (URL, URL, "getSmsCreditData")
        assert (event.method, event.path, event.call_id) == ("GET", "/sms/credits", started.call_id)
        assert TOKEN not in repr(event)


async def test_waiting_is_told_apart(over: Over) -> None:
    events: list[Event] = []
    backend = FakeBackend([Step(latency=2)])
    transport = over(backend, on_event=events.append, max_concurrency=1, account="acme")
    async with transport, anyio.create_task_group() as tasks:
        tasks.start_soon(transport.send, reading())
        tasks.start_soon(transport.send, reading())
    finished = [event for event in events if isinstance(event, AttemptFinished)]
    assert [round(event.queued) for event in finished] == [0, 2]
    assert len({event.call_id for event in events}) == 2
    assert {event.account for event in events} == {"acme"}


async def test_how_a_call_ends(over: Over) -> None:
    events: list[Event] = []
    async with over(FakeBackend([Step(status=500)]), on_event=events.append) as transport:
        with pytest.raises(ServerError):
            await transport.send(writing())
        with pytest.raises(ServerError):
            async with transport.stream(writing()):
                pass
    for event in (events[2], events[5]):
        assert isinstance(event, CallFinished)
        assert (event.attempts, event.status, event.error) == (1, 500, "ServerError")

    events.clear()
    async with over(FakeBackend([Step(latency=99)]), on_event=events.append, deadline=50) as transport:
        for call in (lambda: transport.send(reading()), lambda: transport.stream(reading()).__aenter__()):
            with anyio.move_on_after(5):
                await call()
            attempt, finished = events[-2:]
            assert isinstance(attempt, AttemptFinished)
            assert (attempt.status, attempt.error) == (None, None)
            assert attempt.duration == pytest.approx(5)
            assert isinstance(finished, CallFinished)
            assert (finished.attempts, finished.status, finished.error) == (1, None, None)


async def test_a_handler_that_fails_breaks_nothing(over: Over, caplog: pytest.LogCaptureFixture) -> None:
    def handler(event: Event) -> None:
        raise KeyError(type(event).__name__)

    backend = FakeBackend([Step(status=503), Step.json(1)])
    async with over(backend, on_event=handler, max_concurrency=1) as transport:
        for _ in range(3):
            assert (await transport.send(reading())).parsed == 1
    assert "on_event failed on CallStarted" in caplog.text
    assert backend.open == 0


async def test_the_log(over: Over, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ac_sms_async")
    backend = FakeBackend([BUSY, Step(status=503), Step.json({"secret": "body"})])
    async with over(backend, retry=RetryPolicy(initial=1)) as transport:
        await transport.send(reading(query="search=555"))
    told = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "ac_sms_async"]
    assert told == [
        ("DEBUG", "GET /sms/credits: 429 in 100 ms (attempt 1)"),
        ("WARNING", f"{URL} answered 429: nothing is sent to it for 3.0 s"),
        ("INFO", "GET /sms/credits: trying again in 3.0 s, after HTTP 429"),
        ("DEBUG", "GET /sms/credits: 503 in 100 ms (attempt 2)"),
        ("INFO", "GET /sms/credits: trying again in 2.0 s, after HTTP 503"),
        ("DEBUG", "GET /sms/credits: 200 in 100 ms (attempt 3)"),
    ]


async def test_one_pause_is_told_once(over: Over, caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []
    backend = FakeBackend([BUSY, BUSY, BUSY, Step.json(1)])
    async with over(backend, on_event=events.append) as transport, anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(transport.send, reading())
    assert len([event for event in events if isinstance(event, AccountPaused)]) == 1
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
