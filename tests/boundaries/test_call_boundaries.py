"""Calls at the edges of what they take and tell: bombs, odd dates, what the log and the events say."""

from __future__ import annotations

import gzip
import logging
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import httpx
import pytest

from ac_sms_async import ConfigurationError, RetryPolicy, ServerError, SMSClient, SMSError
from ac_sms_async.transport.retry import retry_after
from tests.bad_answers.memory import Pieces, client_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


def answering(status: int = 200, **more: Any) -> tuple[list[httpx.Request], Callable[[httpx.Request], httpx.Response]]:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, **more)

    return seen, server


async def test_an_error_that_unpacks_to_a_hundred_megabytes_is_not_unpacked() -> None:
    bomb = gzip.compress(b"x" * 100_000_000)
    _, server = answering(500, stream=Pieces([bomb]), headers={"Content-Encoding": "gzip"})
    async with client_of(server) as sms:
        tracemalloc.start()
        with pytest.raises(ServerError) as caught:
            await sms.credits.get()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert caught.value.body.startswith(b"xxx")
    assert len(caught.value.body) <= 64 * 1024
    assert peak < 10_000_000


async def test_an_error_without_end_is_read_in_part() -> None:
    pieces = 0

    def endless() -> Iterator[bytes]:
        nonlocal pieces
        while True:
            pieces += 1
            yield b"x" * 1024

    _, server = answering(500, stream=Pieces(endless()))
    async with client_of(server) as sms:
        with pytest.raises(ServerError):
            await sms.credits.get()
    assert 64 <= pieces < 70


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows keeps its own time zone")
def test_a_date_without_a_zone_is_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:30 -0000", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert retry_after(headers) == 30.0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({"a": "TRUE", "b": True, "c": False, "d": None}, b"a=TRUE&b=true&c=false"),
        ({"path": "x/y z&q=1", "many": [1, None, "B"]}, b"path=x%2Fy%20z%26q%3D1&many=1&many=B"),
    ],
)
async def test_parameters_are_sent_as_they_are_meant(params: dict[str, Any], query: bytes) -> None:
    seen, server = answering(json={})
    async with client_of(server) as sms:
        await sms.request("get", "/contacts", params=params)
    assert seen[0].url.query == query


@pytest.mark.parametrize(("path", "sent"), [("/contacts", "/contacts"), ("/api/3/x", "/x"), ("/api/3x", "/api/3x")])
async def test_the_prefix_may_be_given_and_is_not_doubled(path: str, sent: str) -> None:
    told: list[Any] = []
    seen, server = answering(json={})
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(server)) as inner,
        SMSClient("https://acme.api-us1.com", "token", http_client=inner, on_event=told.append) as sms,
    ):
        await sms.request("GET", path)
    assert seen[0].url.path == f"/api/3{sent}"
    assert {event.operation_id for event in told} == {""}


@pytest.mark.parametrize(("method", "requests"), [("GET", 3), ("head", 3), ("POST", 1), ("DELETE", 1), ("PATCH", 1)])
async def test_without_a_word_only_reading_is_repeated(method: str, requests: int) -> None:
    seen, server = answering(503)
    async with client_of(server) as sms:
        patient = sms.with_options(retry=RetryPolicy(max_attempts=3, initial=0))
        with pytest.raises(ServerError) as caught:
            await patient.request(method, "/contacts")
    assert len(seen) == requests
    assert caught.value.maybe_applied is (requests == 1)
    assert caught.value.request is not None
    assert caught.value.request.operation_id is None


async def test_wrong_options_are_called_by_their_names() -> None:
    _, server = answering(json={})
    async with client_of(server) as sms:
        wrong: dict[str, Any] = {"deadline": -1, "retry": 3, "timezone": "Mars"}
        for name, value in wrong.items():
            options: dict[str, Any] = {name: value}
            with pytest.raises(ConfigurationError, match=f"^{name} must"):
                sms.with_options(**options)
        with pytest.raises(ConfigurationError, match=r"^method must be one of DELETE, GET, HEAD, PATCH, POST, PUT$"):
            await sms.request("BREW", "/contacts")
    for account in ("", 3, b"x"):
        with pytest.raises(ConfigurationError, match=r"^account must be"):
            SMSClient("https://acme.api-us1.com", "token", account=account)  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "said"), [(200, "200"), (503, "503"), (None, "TransportError")])
async def test_the_log_tells_each_attempt(status: int | None, said: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ac_sms_async")

    def server(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ReadError("broken")
        return httpx.Response(status, json={"smsCredits": {"available": 1}})

    async with client_of(server) as sms:
        with nullcontext() if status == 200 else pytest.raises(SMSError):
            await sms.credits.get()
    messages = [record.getMessage() for record in caplog.records if record.name == "ac_sms_async"]
    assert messages == [f"GET /sms/credits: {said} in 0 ms (attempt 1)"]
