"""`before_start`: asked at the last moment before each request, with the power to refuse it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from ac_sms_async import ConfigurationError, RateLimit, RetryPolicy
from ac_sms_async.transport import Transport
from tests.transport.fake_backend import FakeBackend, Step

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


class TooLateError(Exception):
    """What a lease that ran out would raise."""


async def test_it_is_called_before_each_request_and_each_retry(over: Any) -> None:
    calls: list[float] = []
    backend = FakeBackend([Step(status=503), Step()])
    sms: Transport = over(backend, before_start=lambda: calls.append(anyio.current_time()))
    async with sms:
        await sms.request("GET", "/sms/lists")
        await sms.request("GET", "/sms/lists")
    assert len(calls) == 3


async def test_what_it_raises_ends_the_call_and_nothing_is_sent(over: Any) -> None:
    backend = FakeBackend([Step()])

    def refuse() -> None:
        raise TooLateError

    sms: Transport = over(backend, before_start=refuse, max_concurrency=1, retry=RetryPolicy(max_attempts=4))
    async with sms:
        for _ in range(2):
            # The slot is given back: the second call is not kept waiting.
            with pytest.raises(TooLateError):
                await sms.request("GET", "/sms/lists")
    assert backend.requests == []


async def test_it_is_called_after_the_wait_for_the_budget(over: Any) -> None:
    began = anyio.current_time()
    moments: list[float] = []
    backend = FakeBackend([Step(latency=0.0)])
    sms: Transport = over(
        backend,
        rate_limit=RateLimit(1, per=10.0, margin=0),
        before_start=lambda: moments.append(anyio.current_time() - began),
    )
    async with sms:
        await sms.request("GET", "/sms/lists")
        await sms.request("GET", "/sms/lists")
    # Waiting is what takes long: who checked before it would have checked in vain.
    assert moments == pytest.approx([0.0, 10.0], abs=0.1)


def test_it_must_be_a_function() -> None:
    with pytest.raises(ConfigurationError, match="before_start must be a function"):
        Transport("https://acme.api-us1.com", "token", before_start=3)  # type: ignore[arg-type]  # what is refused
