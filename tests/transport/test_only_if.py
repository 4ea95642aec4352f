"""A policy's own word: it is asked where a retry is allowed, takes retries away, and gives none."""

from __future__ import annotations

import os
from typing import Any

import anyio
import pytest
from attrs import frozen
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ac_sms_async.errors import (
    ConfigurationError,
    ConnectError,
    RequestInfo,
    ServerError,
    SMSError,
    TransportError,
)
from ac_sms_async.options import RetryPolicy
from ac_sms_async.transport.backends import WireRequest
from tests.transport.conftest import Over
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import reading, writing

EXAMPLES = 1000 if os.environ.get("AC_SMS_DEEP") else 60


@pytest.fixture(autouse=True)
def full_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """No chance in the jitter: it is always the whole."""
    monkeypatch.setattr("random.random", lambda: 1.0)


@frozen
class Told:
    """How a call went: when its attempts began, what it came to, and what the policy was asked."""

    times: list[float]
    end: str
    asked: list[SMSError]


def play(
    over: Over, virtual_backend: Any, steps: list[Step], safe: bool, words: list[bool] | None, deadline: float = 40
) -> Told:
    told = Told([], "", [])
    ends: list[str] = []
    name, options = virtual_backend

    def only_if(error: SMSError) -> bool:
        told.asked.append(error)
        return bool(words and words[(len(told.asked) - 1) % len(words)])

    async def call() -> None:
        begun = anyio.current_time()

        def answer(_: WireRequest) -> Step:
            told.times.append(round(anyio.current_time() - begun, 6))
            return steps[min(len(told.times), len(steps)) - 1]

        policy = RetryPolicy(max_attempts=4, initial=1, only_if=None if words is None else only_if)
        async with over(FakeBackend(steps=answer), rate_limit=None, retry=policy, deadline=deadline) as transport:
            try:
                await transport.send(reading() if safe else writing())
            except SMSError as error:
                ends.append(f"{error!r} {error.attempts} {error.maybe_applied}")

    anyio.run(call, backend=name, backend_options=options)
    return Told(told.times, "".join(ends), told.asked)


STEPS = st.builds(
    Step,
    status=st.sampled_from([200, 400, 408, 429, 500, 503]),
    headers=st.sampled_from([{}, {"retry-after": "3"}, {"retry-after": "30"}, {"retry-after": "90"}]),
    error=st.sampled_from([None, None, ConnectError("refused"), TransportError("reset")]),
)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    steps=st.lists(STEPS, min_size=1, max_size=5),
    safe=st.booleans(),
    words=st.lists(st.booleans(), min_size=1),
    deadline=st.sampled_from([1.0, 40.0, 400.0]),
)
@example(steps=[Step(status=503)], safe=False, words=[True], deadline=40)
@example(steps=[Step(status=503)], safe=True, words=[True, False], deadline=40)
@example(steps=[Step(status=503, headers={"retry-after": "90"})], safe=True, words=[True], deadline=400)
@example(steps=[Step(status=503, headers={"retry-after": "30"})], safe=True, words=[True], deadline=20)
def test_it_takes_retries_away_and_gives_none(
    over: Over, virtual_backend: Any, steps: list[Step], safe: bool, words: list[bool], deadline: float
) -> None:
    plain = play(over, virtual_backend, steps, safe, None, deadline)
    always = play(over, virtual_backend, steps, safe, [True], deadline)
    told = play(over, virtual_backend, steps, safe, words, deadline)
    assert (always.times, always.end) == (plain.times, plain.end)
    # Asked once for each attempt that is repeated without it, and for no other.
    assert len(always.asked) == len(plain.times) - 1
    refusals = [index for index in range(len(plain.times) - 1) if not words[index % len(words)]]
    assert told.times == plain.times[: refusals[0] + 1 if refusals else None]


def test_it_is_told_which_call_it_is_about(over: Over, virtual_backend: Any) -> None:
    told = play(over, virtual_backend, [Step(status=503), Step(status=500), Step()], True, [True])
    assert told.end == ""
    assert [(type(error), error.attempts, error.request) for error in told.asked] == [
        (ServerError, attempt, RequestInfo("GET", "/sms/credits", "getSmsCreditData")) for attempt in (1, 2)
    ]


def test_what_it_raises_ends_the_call_and_says_what_it_was_asked(over: Over, virtual_backend: Any) -> None:
    def fail(error: SMSError) -> bool:
        raise KeyError(error.attempts)

    async def call() -> None:
        backend = FakeBackend(steps=[Step(status=503)])
        async with over(backend, retry=RetryPolicy(only_if=fail)) as transport:
            with pytest.raises(KeyError) as caught:
                await transport.send(reading())
            assert isinstance(caught.value.__context__, ServerError)
            assert (len(backend.requests), backend.open) == (1, 0)

    name, options = virtual_backend
    anyio.run(call, backend=name, backend_options=options)


async def later(error: SMSError) -> bool:
    return bool(error)


@pytest.mark.parametrize("wrong", [3, "always", True, later])
def test_what_is_no_plain_function_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^RetryPolicy.only_if must be a (plain )?function"):
        RetryPolicy(only_if=wrong)
