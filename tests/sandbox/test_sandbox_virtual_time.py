"""The sandbox without sockets, in an event loop whose time is virtual: hours in milliseconds."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest

from ac_sms_async.sandbox import Clock, Pace, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


def client(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(sandbox.app),
        base_url="http://sandbox/api/3",
        headers={"Api-Token": sandbox.token},
    )


async def test_two_days_of_review_pass_at_once() -> None:
    sandbox = Sandbox(pace=Pace(review=2 * 86_400), clock=Clock(monotonic=anyio.current_time))
    async with client(sandbox) as http:
        made = (await http.post("/sms/broadcasts", json={"name": "a", "body": "b", "list_ids": [1]})).json()
        path = f"/sms/broadcasts/{made['id']}"
        await http.put(path, json={"status": "pending_review"})
        hours = 0
        while (await http.get(path)).json()["status"] == "pending_review":
            await anyio.sleep(3600)
            hours += 1
        assert hours == 48


async def test_a_week_of_answers_passes_at_once() -> None:
    sandbox = Sandbox(clock=Clock(monotonic=anyio.current_time), recipients=1000)
    async with client(sandbox) as http:
        made = (await http.post("/sms/broadcasts", json={"name": "a", "body": "b", "list_ids": [1]})).json()
        await http.put(f"/sms/broadcasts/{made['id']}", json={"status": "pending_review"})
        clicks: list[int] = []
        for _ in range(8):
            found = (await http.post("/sms/broadcasts/metrics", json={"ids": [made["id"]]})).json()
            clicks.append(found["metrics"][0]["clicks"])
            await anyio.sleep(86_400)
    assert clicks == sorted(clicks)
    assert clicks[0] == 0 < clicks[1] < clicks[-1]


async def test_the_rate_limit_counts_the_loops_seconds() -> None:
    sandbox = Sandbox(clock=Clock(monotonic=anyio.current_time))
    async with client(sandbox) as http:
        statuses: list[int] = []
        for _ in range(4):
            statuses += [(await http.get("/sms/credits")).status_code for _ in range(3)]
            await anyio.sleep(0.5)
    assert statuses == [200, 200, 200, 200, 200, 429, 200, 200, 200, 200, 200, 429]
    assert sandbox.peak_rate() == 6


async def test_slow_and_stalled_answers_take_the_loops_time() -> None:
    sandbox = Sandbox(faults=["*:slow:seconds=600:nth=1", "*:stall:nth=2"], clock=Clock(monotonic=anyio.current_time))
    async with client(sandbox) as http:
        began = anyio.current_time()
        await http.get("/sms/credits")
        assert anyio.current_time() - began == pytest.approx(600)
        with anyio.move_on_after(50) as scope:
            await http.get("/sms/credits")
        assert scope.cancelled_caught
