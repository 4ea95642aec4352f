"""What a client takes and makes of it where nothing was said, and what it says where something is wrong."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from ac_sms_async.errors import ConfigurationError, InvalidResponseError
from ac_sms_async.transport import Transport
from ac_sms_async.transport.events import CallFinished, Event
from tests.transport.conftest import Over
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import TOKEN, URL, reading

pytestmark = pytest.mark.anyio

SECONDS = "must be a finite number of seconds greater than 0, not -1"


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("deadline", -1, SECONDS),
        ("retry", 3, "must be a RetryPolicy, not int"),
        ("rate_limit", "5", "must be a RateLimit, not str"),
        ("max_concurrency", 0, "must be a whole number, 1 or more, not 0"),
        ("json_loads", "orjson", "must be a function"),
        ("on_event", "print", "must be a function"),
        ("before_start", 5, "must be a function"),
    ],
)
async def test_a_wrong_option_is_called_by_its_name(name: str, value: Any, said: str) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(ConfigurationError) as caught:
        Transport(URL, TOKEN, **options)
    assert str(caught.value) == f"{name} {said}"


async def test_a_wrong_time_for_a_stream_is_called_by_its_name() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Transport(URL, TOKEN).stream(reading(), total_timeout=-1)
    assert str(caught.value) == f"total_timeout {SECONDS}"


async def test_plain_http_off_loopback_is_a_choice() -> None:
    assert Transport("http://acme.example", TOKEN, allow_insecure_http=True).base_url == "http://acme.example"


async def test_ten_requests_run_at_once(over: Over) -> None:
    backend = FakeBackend([Step(latency=9)])
    async with over(backend, rate_limit=None) as transport, anyio.create_task_group() as tasks:
        for _ in range(25):
            tasks.start_soon(transport.send, reading())
        await anyio.sleep(1)
        assert backend.open == 10


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_error_that_is_none_of_ours_is_told_too(over: Over, streamed: bool) -> None:
    def stop() -> None:
        raise KeyError("the program's own")

    events: list[Event] = []
    async with over(FakeBackend(), on_event=events.append, before_start=stop) as transport:
        with pytest.raises(KeyError):
            await (transport.stream(reading()).__aenter__() if streamed else transport.send(reading()))
    assert [event.error for event in events if isinstance(event, CallFinished)] == ["KeyError"]


async def test_text_that_is_none_is_an_error_with_its_status(over: Over) -> None:
    async with over(FakeBackend([Step(status=203, body=b"id\n\xff\n")])) as transport:
        with pytest.raises(InvalidResponseError) as caught:
            await transport.send(reading(accept="text/csv"))
    assert caught.value.status == 203
    assert caught.value.body == b"id\n\xff\n"


async def test_json_is_decoded_in_the_clients_zone(over: Over) -> None:
    def decode(value: Any, zone: Any) -> str:
        return f"{value} in {zone}"

    async with over(FakeBackend([Step.json("12:30")]), timezone="Europe/Berlin") as transport:
        assert (await transport.send(reading(decode=decode))).parsed == "12:30 in Europe/Berlin"


@pytest.mark.parametrize(
    ("status", "method", "decoded"),
    [(204, "GET", True), (205, "GET", True), (200, "DELETE", True), (200, "HEAD", True), (200, "GET", False)],
)
async def test_an_answer_without_a_body_is_one_where_none_is_due(
    over: Over, status: int, method: str, decoded: bool
) -> None:
    seen: list[Any] = []

    def decode(value: Any, zone: Any) -> str:
        seen.append((value, str(zone)))
        return "decoded"

    request = reading(method=method, decode=decode)
    async with over(FakeBackend([Step(status=status, body=b"")]), timezone="Europe/Berlin") as transport:
        if decoded:
            assert (await transport.send(request)).parsed == "decoded"
        else:
            with pytest.raises(InvalidResponseError):
                await transport.send(request)
    assert seen == ([(None, "Europe/Berlin")] if decoded else [])
