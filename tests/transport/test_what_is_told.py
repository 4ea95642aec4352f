"""What a call's end tells: what took its time, what may have been applied, for how long the budget is booked."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ac_sms_async.errors import (
    ConfigurationError,
    ConnectError,
    DeadlineExceededError,
    OverloadedError,
    RateLimitedError,
    ServerError,
    SMSError,
    TransportError,
)
from ac_sms_async.options import RateLimit, RetryPolicy
from ac_sms_async.transport import Transport
from ac_sms_async.transport.events import AccountPaused, CallFinished, Event
from ac_sms_async.transport.stopwatch import Stopwatch, in_words
from tests.transport.conftest import Over
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import URL, reading, writing

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


async def fails(transport: Transport, request: Any) -> Any:
    with pytest.raises(SMSError) as caught:
        await transport.send(request)
    return caught.value


@pytest.mark.parametrize(
    ("step", "spent", "says"),
    [
        (Step(connect=100), {"connect": 10}, "10.0 s connecting"),
        (Step(connect=2, write=100), {"connect": 2, "write": 8}, "2.0 s connecting, 8.0 s sending the request"),
        (Step(latency=100), {"wait": 10}, "10.0 s waiting for the answer"),
        (
            Step(write=1, latency=3, pieces=(b" ",) * 50, piece_latency=1),
            {"write": 1, "wait": 3, "read": 6},
            "1.0 s sending the request, 3.0 s waiting for the answer, 6.0 s reading the answer",
        ),
        (Step(connect=0.04, latency=100), {"connect": 0.04, "wait": 9.96}, "10.0 s waiting for the answer"),
        (Step(connect=0.1, latency=100), {"connect": 0.1, "wait": 9.9}, "0.1 s connecting, 9.9 s waiting for the"),
    ],
)
async def test_the_deadline_tells_what_took_the_time(
    over: Over, step: Step, spent: dict[str, float], says: str
) -> None:
    async with over(FakeBackend([step]), deadline=10) as transport:
        error = await fails(transport, writing())
    assert type(error) is DeadlineExceededError
    assert dict(error.spent) == pytest.approx(spent)
    assert error.message.startswith(f"the deadline of 10 s passed: {says}")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert again.spent == error.spent


async def test_time_in_line_and_between_attempts_is_told_too(over: Over) -> None:
    backend = FakeBackend(
        [Step(latency=4), Step(status=503, headers={"retry-after": "2"}, latency=1), Step(latency=100)]
    )
    transport = over(backend, max_concurrency=1, rate_limit=RateLimit(1, per=5, margin=0), deadline=20)
    async with transport, anyio.create_task_group() as tasks:
        tasks.start_soon(transport.send, reading())
        await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
        error = await fails(transport, reading())
        # In line for 4 s, then 1 s for the budget; answered after 1 s; two seconds' rest, 2 s for the budget again.
        assert dict(error.spent) == pytest.approx({"queue": 4, "budget": 3, "backoff": 2, "wait": 11})
        assert list(error.spent) == ["queue", "budget", "backoff", "wait"]
        assert isinstance(error.__cause__, ServerError)


def test_words_for_what_is_worth_it() -> None:
    watch = Stopwatch(0.0)
    watch.enter("budget", 1.0)
    watch.enter("queue", 3.0)
    assert watch.spent(99.0) == {"queue": 97.0, "budget": 2.0}
    assert watch.spent(100.0) == {"queue": 98.0, "budget": 2.0}
    assert in_words({"queue": 99.01, "budget": 0.99}) == "99.0 s in line for a slot (max_concurrency)"
    assert (
        in_words({"budget": 1.0, "wait": 99.0})
        == "1.0 s in line for the account's budget, 99.0 s waiting for the answer"
    )


def ends(events: list[Event]) -> list[tuple[str | None, bool]]:
    return [(event.error, event.maybe_applied) for event in events if isinstance(event, CallFinished)]


@pytest.mark.parametrize(
    ("step", "request_", "after", "told"),
    [
        (Step(latency=9), writing(), 1, True),
        (Step(latency=9), reading(), 1, False),
        (Step(connect=9), writing(), 1, False),
        (Step(pieces=(b"x",), piece_latency=9), writing(), 1, True),
        (Step(status=500, pieces=(b"x",), piece_latency=9), writing(), 1, True),
        (Step(status=408, pieces=(b"x",), piece_latency=9), writing(), 1, True),
        (Step(status=400, pieces=(b"x",), piece_latency=9), writing(), 1, False),
        (Step(status=302, pieces=(b"x",), piece_latency=9), writing(), 1, False),
        (Step(status=429, headers={"retry-after": "5"}), writing(), 1, False),
    ],
)
async def test_a_cancelled_write_that_was_handed_over_is_told(
    over: Over, step: Step, request_: Any, after: float, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Event] = []
    async with over(FakeBackend([step]), on_event=events.append) as transport:
        with anyio.move_on_after(after):
            await transport.send(request_)
    assert ends(events) == [(None, told)]
    lines = [record.getMessage() for record in caplog.records if "may have taken effect" in record.getMessage()]
    assert len(lines) == told
    if told:
        assert lines[0].startswith("POST /sms/broadcasts was ended by Cancelled")
        assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_events_say_of_failed_calls_what_their_errors_say(over: Over) -> None:
    events: list[Event] = []
    for error in (ConnectError("refused"), TransportError("reset")):
        async with over(FakeBackend([Step(error=error)]), on_event=events.append, retry=RetryPolicy(1)) as transport:
            await fails(transport, writing())
    assert ends(events) == [("ConnectError", False), ("TransportError", True)]


@pytest.mark.parametrize("status", [400, 302, 429])
async def test_a_deadline_within_a_refusal_leaves_no_doubt(over: Over, status: int) -> None:
    async with over(FakeBackend([Step(status=status, pieces=(b"x",), piece_latency=4)]), deadline=3) as transport:
        assert not (await fails(transport, writing())).maybe_applied


@pytest.mark.parametrize(("asked", "kept"), [(7, 7), (3600, 3600), (86400, 3600)])
async def test_what_is_told_of_a_pause_is_what_is_kept(
    over: Over, asked: int, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Event] = []
    backend = FakeBackend([Step(status=429, headers={"retry-after": str(asked)})])
    async with over(backend, on_event=events.append, retry=RetryPolicy(1)) as transport:
        error = await fails(transport, reading())
        assert error.retry_after == asked
        assert [event.seconds for event in events if isinstance(event, AccountPaused)] == [kept]
        assert [record.getMessage() for record in caplog.records] == [
            f"{URL} answered 429: nothing is sent to it for {kept}.0 s"
        ]
        again = await fails(transport, reading())
        assert isinstance(again, RateLimitedError)
        assert again.retry_after == pytest.approx(kept)


async def test_a_budget_that_is_booked_is_told_with_a_hint(over: Over) -> None:
    backend = FakeBackend([Step(latency=0.5)])
    async with (
        over(backend, rate_limit=RateLimit(1, per=10, margin=0), deadline=35) as transport,
        anyio.create_task_group() as tasks,
    ):
        await transport.send(reading())
        for _ in range(3):
            tasks.start_soon(transport.send, reading())
        await anyio.wait_all_tasks_blocked()
        error = await fails(transport, writing())
        assert type(error) is OverloadedError
        # Ten seconds for each of four, less the half that has passed; half a second each answer; 35 s to spend.
        assert error.message == (
            "the account's budget is booked for the next 39.5 s, an answer usually takes 0.5 s, "
            "and this call has 35.0 s left"
        )
        assert (error.booked_for, error.retry_after) == pytest.approx((39.5, 5.0))
        assert (error.attempts, error.maybe_applied, error.spent) == (0, False, {})
        again = pickle.loads(pickle.dumps(error))
        assert (again.booked_for, again.retry_after, again.message) == (39.5, 5.0, error.message)
        # Who has just as much time as it takes is let in.
        tasks.start_soon(transport.with_options(deadline=40.1).send, writing())
    assert len(backend.requests) == 5


async def test_less_than_a_second_is_no_hint(over: Over) -> None:
    backend = FakeBackend([Step(latency=0.5)])
    async with over(backend, rate_limit=RateLimit(1, per=10, margin=0), deadline=9.9) as transport:
        await transport.send(reading())
        error = await fails(transport, writing())
        assert type(error) is OverloadedError
        assert (error.booked_for, error.retry_after) == pytest.approx((9.5, 1.0))


async def test_no_write_starts_with_less_time_than_an_answer_takes(over: Over) -> None:
    answers = [Step(latency=2), Step(status=429, headers={"retry-after": "2"}), Step(latency=2)]
    for deadline, sent in ((4.5, 3), (4.0, 2)):
        backend = FakeBackend(answers)
        async with over(backend, account=str(deadline), deadline=deadline) as transport:
            await transport.send(writing())
            if sent == 3:
                await transport.send(writing())
            else:
                error = await fails(transport, writing())
                assert type(error) is OverloadedError
                assert isinstance(error.__cause__, RateLimitedError)
                assert (error.attempts, error.maybe_applied) == (1, False)
        assert len(backend.requests) == sent


async def test_a_write_leaves_time_for_its_answer_before_any_is_known(over: Over) -> None:
    for deadline, wait, sent in ((4.0, 2, 2), (3.5, 3, 1), (3.2, 2, 2), (3.0, 2, 1)):
        backend = FakeBackend([Step(status=429, headers={"retry-after": str(wait)}), Step(latency=0.2)])
        async with over(backend, account=f"{deadline}", deadline=deadline) as transport:
            if sent == 2:
                await transport.send(writing())
            else:
                error = await fails(transport, writing())
                assert type(error) is OverloadedError
                assert "an answer may take 1.0 s" in error.message
                assert (error.attempts, error.maybe_applied) == (1, False)
        assert len(backend.requests) == sent
    # One that never waited always goes, and a read does no harm.
    async with over(FakeBackend([Step(latency=0.1)]), account="short", deadline=0.2) as transport:
        await transport.send(writing())
    turned_away = [Step(status=429, headers={"retry-after": "2"}), Step(latency=0.2)]
    async with over(FakeBackend(turned_away), account="read", deadline=2.5) as transport:
        assert (await transport.send(reading())).status == 200


async def test_what_is_always_too_slow_is_asked_for_now_and_then(over: Over) -> None:
    for request_, pause in ((reading(), 10), (writing(), 60)):
        backend = FakeBackend([Step(latency=8)])
        async with over(backend, account=str(pause), deadline=5) as transport:
            for _ in range(5):
                assert type(await fails(transport, request_)) is DeadlineExceededError
            ended = anyio.current_time()
            error = await fails(transport, request_)
            assert type(error) is OverloadedError
            assert error.message == "the latest answers took longer than the 5 s that this call has"
            assert error.retry_after == pause
            # Who has more time is asked for nothing.
            await transport.with_options(deadline=9).send(request_)
            await anyio.sleep(pause - 1 - (anyio.current_time() - ended) % pause)
            while anyio.current_time() - ended < pause + 8 - 0.5:
                assert type(await fails(transport, request_)) is OverloadedError
                await anyio.sleep(0.25)
            await anyio.sleep(1)
            # One tries. The others still don't.
            outcomes: list[type] = []

            async def one(transport: Transport = transport, request: Any = request_, outcomes: Any = outcomes) -> None:
                outcomes.append(type(await fails(transport, request)))

            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(one)
            assert sorted(outcomes, key=str) == [DeadlineExceededError, *[OverloadedError] * 3]
            # It has become quicker: the first one who is let through again finds out.
            backend.steps = lambda request: Step(latency=1)
            await anyio.sleep(pause)
            for _ in range(10):
                await transport.send(request_)


def nothing(*_: Any) -> None: ...


async def nothing_async(*_: Any) -> None: ...


class Asynchronous:
    async def __call__(self, *_: Any) -> None: ...


@pytest.mark.parametrize("name", ["on_event", "before_start", "json_loads"])
@pytest.mark.parametrize("wrong", [nothing_async, Asynchronous()])
def test_an_async_callback_is_refused(name: str, wrong: Any) -> None:
    def make(function: Any) -> Transport:
        options: dict[str, Any] = {name: function}
        return Transport(URL, "token", **options)

    with pytest.raises(ConfigurationError, match=f"^{name} must be a plain function, not `async def`"):
        make(wrong)
    make(nothing)
    with pytest.raises(ConfigurationError, match=f"^{name} must be a function$"):
        make(5)


@pytest.mark.parametrize(
    "given",
    [
        {"json": {"status": "pending_review"}},
        {"json": {"status": "pending_review "}},
        {"json": {"status": "\tPending_Review\n"}},
        {"json": {"status": "PENDING_REVIEW\u200b\u00a0"}},
        {"json": {"status": "\uff50ending_review"}},
        {"json": {"broadcast": [{"deep": {"status": ("pending_review",)}}]}},
        {"json": {"pending_review": True}},
        {"json": '{"status": "pending_review"}'},
        {"json": {"body": '{"status":\t"pending_review "}'}},
        {"json": {"body": '"{\\"status\\": \\"pending_review\\"}"'}},
        {"params": {"status": "pending_review"}},
        {"params": {"status": [None, "Pending_review "]}},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["PUT", "post", "PATCH", "DELETE"])
async def test_nothing_sends_but_send(over: Over, given: dict[str, Any], method: str) -> None:
    backend = FakeBackend()
    async with over(backend) as transport:
        with pytest.raises(ConfigurationError, match=r"call broadcasts.send instead"):
            await transport.request(method, "/sms/broadcasts/3", **given)
        await transport.request("GET", "/sms/broadcasts", params={"status": "pending_review"})
        await transport.request(method, "/x", json={"name": "in pending_review again", "x": ["pending", "review"]})
    assert [request.method for request in backend.requests] == ["GET", method.upper()]


async def test_what_is_no_json_is_refused_before_anything_is_sent(over: Over) -> None:
    loop: list[Any] = []
    loop.append(loop)
    async with over(FakeBackend()) as transport:
        for wrong in (loop, {("a",): 1}):
            with pytest.raises(ConfigurationError, match="must be what JSON can hold"):
                await transport.request("PUT", "/x", json=wrong)
