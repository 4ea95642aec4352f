"""Waiting for the AI and for a broadcast: ends on an end, goes on through everything else, and is bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from pytest_httpx import HTTPXMock

from ac_sms_async import (
    AIRequestFailedError,
    BroadcastStoppedError,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    SMSClient,
    WaitTimeoutError,
)

pytestmark = pytest.mark.anyio

BASE = "https://acme.api-us1.com/api/3/sms/broadcasts"


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.fixture
async def sms() -> AsyncIterator[SMSClient]:
    async with SMSClient("https://acme.api-us1.com", "secret-token", rate_limit=None) as client:
        yield client


def ai_says(httpx_mock: HTTPXMock, *states: dict[str, Any] | int) -> None:
    for state in states:
        if isinstance(state, int):
            httpx_mock.add_response(url=f"{BASE}/ai/r-1", status_code=state)
        else:
            httpx_mock.add_response(url=f"{BASE}/ai/r-1", json=state)


def broadcast_is(httpx_mock: HTTPXMock, *states: str | int | dict[str, Any]) -> None:
    for state in states:
        if isinstance(state, int):
            httpx_mock.add_response(url=f"{BASE}/7", status_code=state)
        else:
            httpx_mock.add_response(
                url=f"{BASE}/7", json={"id": 7, **(state if isinstance(state, dict) else {"status": state})}
            )


async def test_an_ai_request_ends_in_its_broadcast(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    ai_says(httpx_mock, {"status": "in_progress"}, {"status": "success", "broadcastId": 7})
    broadcast_is(httpx_mock, "draft")
    seen: list[str | None] = []
    broadcast = await sms.ai.request("r-1").wait(timeout=60, on_poll=lambda status: seen.append(status.status))
    assert broadcast.id == 7
    assert seen == ["in_progress", "success"]


async def test_what_is_no_end_goes_on_being_polled(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    # Not yet found, a status nobody knows, success without a broadcast, a broadcast that is not yet there.
    ai_says(
        httpx_mock,
        404,
        {"status": "thinking"},
        {"status": "success", "broadcastId": None},
        {"status": "success", "broadcastId": 7},
        {"status": "success", "broadcastId": 7},
    )
    broadcast_is(httpx_mock, 404, "draft")
    assert (await sms.ai.request("r-1").wait(timeout=60)).id == 7


async def test_an_ai_request_that_failed_says_so(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    ai_says(httpx_mock, {"status": "error", "why": "unsafe"})
    with pytest.raises(AIRequestFailedError, match="r-1 ended in an error") as caught:
        await sms.ai.request("r-1").wait(timeout=60)
    assert caught.value.last.extra == {"why": "unsafe"}


async def test_an_ai_wait_is_bounded_and_tells_the_last_status(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{BASE}/ai/r-1", json={"status": "in_progress"}, is_reusable=True)
    start = anyio.current_time()
    with pytest.raises(WaitTimeoutError, match="r-1") as caught:
        await sms.ai.request("r-1").wait()
    assert caught.value.last.status == "in_progress"
    assert 295 <= anyio.current_time() - start <= 300
    # 1 s growing by half up to 20 s: some twenty requests in five minutes, not three hundred.
    assert 18 <= len(httpx_mock.get_requests()) <= 28


async def test_a_request_that_stays_unknown_is_an_error_after_its_grace(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{BASE}/ai/r-1", status_code=404, is_reusable=True)
    start = anyio.current_time()
    with pytest.raises(NotFoundError):
        await sms.ai.request("r-1").wait(timeout=60)
    assert 10 <= anyio.current_time() - start <= 25


@pytest.mark.parametrize("bad", ["", " ", ".", "..", "a/b", "a%2fb", "a?b", "a#b", "a\\b", "a\nb", 7, None])
async def test_an_id_that_could_leave_its_path_is_refused(sms: SMSClient, bad: Any) -> None:
    with pytest.raises(ConfigurationError, match="request_id"):
        sms.ai.request(bad)


async def test_a_handle_can_be_picked_up_by_its_id(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(method="POST", url=f"{BASE}/ai", json={"requestId": "r-1"})
    request = await sms.ai.create(prompt="Spring sale", tone="casual", source="ai_builder")
    ai_says(httpx_mock, {"status": "in_progress"})
    assert (await sms.ai.request(request.id).status()).status == "in_progress"
    assert repr(request) == "AIRequest('r-1')"


async def test_a_started_request_without_an_id_may_have_started(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(method="POST", url=f"{BASE}/ai", json={})
    with pytest.raises(InvalidResponseError, match="requestId is missing") as caught:
        await sms.ai.create(prompt="Spring sale", tone="casual", source="ai_builder")
    assert caught.value.maybe_applied
    assert caught.value.path == "$.requestId"


async def test_a_broadcast_is_waited_for_until_it_is_sent(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    broadcast_is(httpx_mock, 404, "draft", "pending_review", "scheduled", "paused", "sending", "sent")
    assert (await sms.broadcasts.wait(7, timeout=600)).status == "sent"


async def test_a_later_state_counts_as_reached(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    broadcast_is(httpx_mock, "sent")
    assert (await sms.broadcasts.wait(7, until="scheduled")).status == "sent"


@pytest.mark.parametrize(
    ("states", "says"),
    [
        (["pending_review", "draft"], "went back to draft"),
        (["scheduled", {"status": "scheduled", "deleted_at": "2026-01-01T00:00:00-06:00"}], "was deleted"),
        (["scheduled", 404], "is gone"),
    ],
)
async def test_a_broadcast_that_will_not_be_sent_ends_the_wait(
    sms: SMSClient, httpx_mock: HTTPXMock, states: list[Any], says: str
) -> None:
    broadcast_is(httpx_mock, *states)
    with pytest.raises(BroadcastStoppedError, match=says) as caught:
        await sms.broadcasts.wait(7, timeout=600)
    assert caught.value.last.id == 7


async def test_a_wait_for_a_broadcast_slows_down_to_a_minute(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{BASE}/7", json={"id": 7, "status": "pending_review"}, is_reusable=True)
    with pytest.raises(WaitTimeoutError) as caught:
        await sms.broadcasts.wait(7, timeout=3600)
    assert caught.value.last.status == "pending_review"
    assert 65 <= len(httpx_mock.get_requests()) <= 90


async def test_cancelling_a_wait_sends_nothing_more(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{BASE}/7", json={"id": 7, "status": "sending"}, is_reusable=True)
    with anyio.move_on_after(5):
        await sms.broadcasts.wait(7)
    asked = len(httpx_mock.get_requests())
    await anyio.sleep(100)
    assert {request.method for request in httpx_mock.get_requests()} == {"GET"}
    assert len(httpx_mock.get_requests()) == asked


async def test_a_state_nobody_can_reach_is_refused(sms: SMSClient) -> None:
    with pytest.raises(ConfigurationError, match="until must be one of"):
        await sms.broadcasts.wait(7, until="draft")  # type: ignore[arg-type]  # the mistake under test
