"""A large account takes no longer than its limiter asks, and no more memory than a small one."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest

from ac_sms_async import RateLimit, SMSClient
from ac_sms_async.collect import RunResult, collect
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.window import Detail, Window
from ac_sms_async.sandbox import Clock, Sandbox
from tests.collect.fakes import FakeSource, MemoryStore

pytestmark = pytest.mark.anyio

LIMIT = RateLimit(5)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


class Distant(httpx.ASGITransport):
    """A sandbox without sockets, some way off."""

    def __init__(self, sandbox: Sandbox, latency: float) -> None:
        super().__init__(sandbox.app)
        self.latency = latency
        self.starts: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.starts.append(anyio.current_time())
        await anyio.sleep(self.latency)
        return await super().handle_async_request(request)


@pytest.mark.parametrize(("broadcasts", "include", "latency"), [(5000, (), 0.3), (80, ("failures", "recipients"), 0.6)])
async def test_uses_all_of_the_budget(broadcasts: int, include: tuple[Detail, ...], latency: float) -> None:
    clock = Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), speed=0)
    sandbox = Sandbox(seed=7, broadcasts=broadcasts, recipients=300, rate_limit=None, clock=clock)
    transport = Distant(sandbox, latency)
    async with (
        httpx.AsyncClient(transport=transport) as http,
        SMSClient("https://acme.example", sandbox.token, http_client=http, rate_limit=LIMIT) as sms,
        MemoryStore() as store,
    ):
        result = await collect(sms, store, include=include)
    assert (result.status, result.broadcasts) == ("complete", broadcasts)
    allowed = (len(transport.starts) - 1) // LIMIT.requests * LIMIT.window + latency
    assert result.seconds <= 1.05 * allowed
    if not include:
        # A page of 100 has 99 new rows; two more for the list's end, two for the account, one for the names of lists,
        # 50 for the metrics.
        assert len(transport.starts) <= 51 + 2 + 2 + 1 + 50


async def _collect(recipients: int) -> tuple[RunResult, int]:
    class Large(FakeSource):
        def size(self, broadcast_id: int) -> int:
            return recipients

    source = Large(ids=[1], page_size=100, latency=0.0)
    async with MemoryStore() as store:
        gc.collect()
        tracemalloc.start()
        try:
            result = await collect_source(source, store, Window(), frozenset({"recipients"}))
            return result, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


async def test_memory_does_not_grow_with_the_recipients() -> None:
    small, base = await _collect(1_000)
    large, peak = await _collect(6_000)
    assert (small.recipients, large.recipients) == (1_000, 6_000)
    # The pager remembers ids, at no more than 100 bytes each; a row that is kept would take some 2,000.
    assert peak - base < 5_000 * 250
