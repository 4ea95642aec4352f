"""Waiting: how often it asks, when it ends, and what comes out."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from ac_sms_async.errors import (
    ConfigurationError,
    ConnectError,
    DeadlineExceededError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    SMSError,
    TransportError,
    WaitTimeoutError,
    status_error_class,
)
from ac_sms_async.polling import poll_until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


class Job:
    """Something that is done at a time; keeps when it was asked."""

    def __init__(self, done_at: float = math.inf, *, takes: float = 0) -> None:
        self.start = anyio.current_time()
        self.done_at = done_at
        self.takes = takes
        self.asked: list[float] = []
        self.error: Callable[[float], SMSError | None] = lambda elapsed: None

    @property
    def elapsed(self) -> float:
        return anyio.current_time() - self.start

    async def state(self) -> str:
        self.asked.append(round(self.elapsed, 6))
        await anyio.sleep(self.takes)
        error = self.error(self.elapsed)
        if error is not None:
            raise error
        return "done" if self.elapsed >= self.done_at else f"working {len(self.asked)}"

    def wait(self, timeout: float = 600, **options: Any) -> Awaitable[str]:
        options.setdefault("rng", lambda: 0.0)
        return poll_until(self.state, lambda state: state == "done", timeout=timeout, **options)


async def test_what_is_done_is_not_waited_for() -> None:
    job = Job(0)
    assert await job.wait() == "done"
    assert job.asked == [0]


async def test_pauses_grow_by_half_to_twenty_seconds() -> None:
    job = Job(100)
    assert await job.wait() == "done"
    pauses = [later - earlier for earlier, later in zip(job.asked, job.asked[1:], strict=False)]
    assert pauses == pytest.approx([1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 11.390625, 17.0859375, 20, 20, 20])


async def test_the_schedule_can_be_set() -> None:
    job = Job(30)
    await job.wait(first=4, factor=2, maximum=10)
    assert job.asked == [0, 4, 12, 22, 32]
    job = Job(3)
    await job.wait(first=5, maximum=2)
    assert job.asked == [0, 2, 4]


async def test_without_jitter_pauses_are_exact() -> None:
    job = Job(2)
    await poll_until(job.state, lambda state: state == "done", timeout=60, jitter=0)
    assert job.asked == [0, 1, 2.5]


async def test_jitter_shortens_pauses_by_up_to_its_share() -> None:
    job = Job(4)
    await job.wait(factor=1, jitter=0.5, rng=iter([0, 1, 0.5, 0, 0]).__next__)
    assert job.asked == [0, 1, 1.5, 2.25, 3.25, 4.25]
    job = Job(200)
    await poll_until(job.state, lambda state: state == "done", timeout=300)
    pauses = [later - earlier for earlier, later in zip(job.asked, job.asked[1:], strict=False)]
    assert all(16 <= pause <= 20 for pause in pauses[9:])
    assert len(set(pauses[9:])) > 1


async def test_a_wait_that_runs_out_of_time_says_what_it_saw_last() -> None:
    job = Job()
    with pytest.raises(WaitTimeoutError, match="the job was not done within 10 s") as caught:
        await job.wait(10, what="the job")
    assert isinstance(caught.value, TimeoutError)
    # The last pause is cut short, so that the time is used.
    assert job.asked == [0, 1, 2.5, 4.75, 8.125, 9.5, 9.75]
    assert caught.value.last == "working 7"
    assert job.elapsed <= 10


@pytest.mark.parametrize("timeout", [0.001, 0.3, 1, 7, 60, 1000])
@pytest.mark.parametrize("takes", [0, 0.2, 3])
async def test_no_wait_takes_longer_than_its_timeout(timeout: float, takes: float) -> None:
    job = Job(takes=takes)
    with pytest.raises(WaitTimeoutError):
        await job.wait(timeout)
    assert timeout * 0.95 <= job.elapsed <= timeout + 1e-6


async def test_the_timeout_bounds_a_check_under_way() -> None:
    job = Job(takes=1000)
    with pytest.raises(WaitTimeoutError) as caught:
        await job.wait(5)
    assert job.elapsed == pytest.approx(5)
    assert caught.value.last is None


async def test_a_slow_check_gets_its_time_before_the_end() -> None:
    job = Job(9.8, takes=0.5)
    assert await job.wait(10) == "done"
    assert job.asked == [0, 1.5, 3.5, 6.25, 9.375]


async def test_an_error_of_the_check_ends_the_wait() -> None:
    job = Job()
    job.error = lambda elapsed: InvalidResponseError("no JSON") if elapsed > 3 else None
    with pytest.raises(InvalidResponseError):
        await job.wait()
    assert job.asked == [0, 1, 2.5, 4.75]


def status(number: int) -> SMSError:
    return status_error_class(number)(f"HTTP {number}", status=number)


OUTAGES = [
    *(status(number) for number in (408, 429, 500, 502, 503, 520)),
    ConnectError("refused"),
    TransportError("reset"),
    DeadlineExceededError("too slow"),
    OverloadedError("booked"),
]


@pytest.mark.parametrize("outage", OUTAGES, ids=str)
async def test_an_outage_is_waited_out(outage: SMSError) -> None:
    job = Job(100)
    job.error = lambda elapsed: outage if elapsed < 60 else None
    assert await job.wait() == "done"
    job = Job()
    job.error = lambda elapsed: outage if elapsed > 60 else None
    with pytest.raises(WaitTimeoutError, match=f"within 100 s; the last look at it failed: {outage}") as caught:
        await job.wait(100)
    assert caught.value.__cause__ is outage
    assert caught.value.last.startswith("working")
    assert job.elapsed >= 99


@pytest.mark.parametrize(
    "final",
    [*(status(number) for number in (301, 400, 401, 402, 403, 404, 409, 422, 499)), ConfigurationError("closed")],
    ids=str,
)
async def test_what_asking_again_does_not_change_ends_the_wait(final: SMSError) -> None:
    job = Job()
    job.error = lambda elapsed: final if elapsed > 3 else None
    with pytest.raises(type(final)):
        await job.wait()
    assert job.asked == [0, 1, 2.5, 4.75]


async def test_errors_that_are_tolerated_are_waited_out() -> None:
    def tolerate(error: SMSError, elapsed: float) -> bool:
        return isinstance(error, NotFoundError) and elapsed < 10

    job = Job(20)
    job.error = lambda elapsed: NotFoundError("not yet", status=404) if elapsed < 9 else None
    seen: list[str] = []
    assert await job.wait(tolerate=tolerate, on_poll=seen.append) == "done"
    assert seen == ["working 6", "done"]

    job = Job(20)
    job.error = lambda elapsed: NotFoundError("gone", status=404)
    with pytest.raises(NotFoundError):
        await job.wait(tolerate=tolerate)
    assert 10 <= job.elapsed < 14

    job = Job(20)
    job.error = lambda elapsed: NotFoundError("not yet", status=404)
    with pytest.raises(WaitTimeoutError) as caught:
        await job.wait(8, tolerate=tolerate)
    assert caught.value.last is None
    assert isinstance(caught.value.__cause__, NotFoundError)


def tolerate_all(error: SMSError, elapsed: float) -> bool:
    return True


async def test_an_error_that_was_overcome_is_no_cause() -> None:
    job = Job()
    job.error = lambda elapsed: NotFoundError("not yet", status=404) if elapsed < 2 else None
    with pytest.raises(WaitTimeoutError) as caught:
        await job.wait(8, tolerate=tolerate_all)
    assert caught.value.__cause__ is None
    assert caught.value.last == "working 6"
    assert str(caught.value) == "what was waited for was not done within 8 s"


async def test_what_the_judge_raises_ends_the_wait() -> None:
    job = Job()

    def judge(state: str) -> bool:
        raise KeyError(state)

    with pytest.raises(KeyError, match="working 1"):
        await poll_until(job.state, judge, timeout=5)


async def test_cancelling_the_wait_ends_it_at_once() -> None:
    job = Job()
    with anyio.move_on_after(3) as scope:
        await job.wait()
    assert scope.cancelled_caught
    assert job.elapsed == pytest.approx(3)


async def test_a_wait_without_end_has_to_be_asked_for() -> None:
    job = Job(10_000)
    assert await job.wait(math.inf) == "done"


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": math.nan},
        {"timeout": None},
        {"timeout": True},
        {"timeout": "5"},
        {"first": 0},
        {"maximum": 0},
        {"factor": 0.5},
        {"factor": math.nan},
        {"jitter": 1},
        {"jitter": -0.1},
        {"jitter": math.nan},
    ],
)
async def test_bad_options_are_refused_before_anything_is_asked(options: dict[str, Any]) -> None:
    job = Job(0)
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        await job.wait(**options)
    assert job.asked == []
