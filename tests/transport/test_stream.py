"""Answers that come in pieces: the slot they hold, where they end, and what may take how long."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from ac_sms_async.errors import (
    ConfigurationError,
    DeadlineExceededError,
    InvalidResponseError,
    NotFoundError,
    RequestInfo,
    SMSError,
    TransportError,
)
from ac_sms_async.options import RetryPolicy
from ac_sms_async.transport import Transport
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import reading

pytestmark = pytest.mark.anyio

Over = Callable[..., Transport]
CSV = reading("/sms/broadcasts/export", method="POST", accept="text/csv", operation_id="exportBroadcastMetrics")


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


async def read_all(transport: Transport, **options: Any) -> list[bytes]:
    async with transport.stream(CSV, **options) as response:
        return [chunk async for chunk in response.chunks()]


@pytest.mark.parametrize("complete", [True, None])
async def test_pieces_as_they_come(over: Over, complete: bool | None) -> None:
    backend = FakeBackend([Step(pieces=(b"id\n", b"1\n"), headers={"x": "y"}, complete=complete)])
    async with over(backend) as transport:
        async with transport.stream(CSV) as response:
            assert (response.status, response.headers, response.complete) == (200, {"x": "y"}, False)
            assert [chunk async for chunk in response.chunks()] == [b"id\n", b"1\n"]
            assert response.complete is complete
            assert await response.receive() == b""
        await response.aclose()
        assert backend.open == 0
    assert backend.requests[0].accept == "text/csv"


async def test_what_fails_before_the_body_is_tried_again(over: Over) -> None:
    backend = FakeBackend([Step(status=503), Step(error=TransportError("reset")), Step(pieces=(b"x",))])
    async with over(backend, retry=RetryPolicy(initial=0)) as transport:
        assert await read_all(transport) == [b"x"]
        assert len(backend.requests) == 3
    async with over(FakeBackend([Step(status=404)])) as transport:
        with pytest.raises(NotFoundError) as caught:
            await read_all(transport)
    assert caught.value.request == RequestInfo("POST", "/sms/broadcasts/export", "exportBroadcastMetrics")


async def test_a_cut_says_which_request_it_was(over: Over) -> None:
    backend = FakeBackend([Step(pieces=(b"id\n", b"cut"))])
    async with over(backend) as transport:
        async with transport.stream(CSV) as response:
            assert await response.receive() == b"id\n"
            with pytest.raises(TransportError) as caught:
                await response.receive()
        assert response.complete is False
    assert (caught.value.request, caught.value.attempts) == (
        RequestInfo("POST", "/sms/broadcasts/export", "exportBroadcastMetrics"),
        1,
    )


def pack(data: bytes, size: int = 50) -> tuple[bytes, ...]:
    packed = gzip.compress(data)
    return tuple(packed[i : i + size] for i in range(0, len(packed), size))


async def test_a_compressed_body_is_unpacked_in_bounded_pieces(over: Over) -> None:
    bomb = bytes(5 * 1024 * 1024)
    for pieces, encoding in ((pack(bomb), "gzip"), ((zlib.compress(bomb),), "deflate")):
        backend = FakeBackend([Step(pieces=pieces, headers={"content-encoding": encoding})])
        async with over(backend) as transport:
            chunks = await read_all(transport)
        assert b"".join(chunks) == bomb
        assert max(len(chunk) for chunk in chunks) <= 1024 * 1024
    # Nothing at all was sent, compressed or not.
    async with over(FakeBackend([Step(pieces=(), headers={"content-encoding": "gzip"})])) as transport:
        assert await read_all(transport) == []


@pytest.mark.parametrize(
    ("pieces", "encoding", "says"),
    [
        (pack(b"data" * 100, 5)[:-1], "gzip", "ends too early"),
        ((b"\x1f\x8b garbage",), "gzip", "corrupt"),
        ((b"x",), "br", "encoded as 'br', which was not asked for"),
    ],
)
async def test_a_body_that_cannot_be_unpacked(over: Over, pieces: tuple[bytes, ...], encoding: str, says: str) -> None:
    backend = FakeBackend([Step(pieces=pieces, headers={"content-encoding": encoding})])
    async with over(backend, retry=RetryPolicy(1), max_concurrency=1) as transport:
        for _ in range(2):
            with pytest.raises(TransportError, match=says):
                await read_all(transport)
    assert backend.open == 0


async def test_the_deadline_runs_to_the_headers_only(over: Over) -> None:
    backend = FakeBackend([Step(pieces=(b"x",) * 100, piece_latency=10)])
    async with over(backend, deadline=5) as transport:
        assert len(await read_all(transport)) == 100
    async with over(FakeBackend([Step(latency=1000)]), deadline=5) as transport:
        with pytest.raises(DeadlineExceededError) as caught:
            await read_all(transport)
    assert caught.value.attempts == 1


@pytest.mark.parametrize("piece_latency", [3.0, 1000.0])
async def test_total_timeout(over: Over, piece_latency: float) -> None:
    began = anyio.current_time()
    backend = FakeBackend([Step(latency=0, pieces=(b"x",) * 100, piece_latency=piece_latency)])
    async with over(backend) as transport:
        with pytest.raises(DeadlineExceededError, match="total_timeout of 10 s passed") as caught:
            await read_all(transport, total_timeout=10)
        assert anyio.current_time() - began == pytest.approx(10)
        assert caught.value.request is not None
        with pytest.raises(ConfigurationError, match="total_timeout"):
            transport.stream(CSV, total_timeout=0)
    assert backend.open == 0


async def test_total_timeout_does_not_cut_the_readers_own_work(over: Over) -> None:
    transport = over(FakeBackend([Step(pieces=(b"x", b"y"))]))
    async with transport, transport.stream(CSV, total_timeout=10) as response:
        chunks = response.chunks()
        assert await anext(chunks) == b"x"
        await anyio.sleep(20)
        with pytest.raises(DeadlineExceededError):
            await anext(chunks)


async def test_what_is_no_csv_says_as_much_as_came(over: Over) -> None:
    """The answer that was refused breaks off itself."""
    headers = {"content-type": "application/json"}
    backend = FakeBackend([Step(pieces=(b'{"message": ', b'"no"', b"cut"), headers=headers)])
    async with over(backend, max_concurrency=1) as transport:
        for _ in range(2):
            with pytest.raises(InvalidResponseError) as caught:
                await read_all(transport)
            assert caught.value.body == b'{"message": "no"'
    assert backend.open == 0


async def test_closing_what_was_never_opened_does_nothing(over: Over) -> None:
    backend = FakeBackend()
    async with over(backend) as transport:
        await transport.stream(CSV).__aexit__(None, None, None)
    assert backend.requests == []


async def test_a_stream_holds_its_slot_until_it_is_closed(over: Over) -> None:
    backend = FakeBackend([Step(pieces=(b"x",) * 5)])
    async with over(backend, max_concurrency=1) as transport:
        async with transport.stream(CSV) as response:
            async for _ in response.chunks():
                break
            with pytest.raises(DeadlineExceededError) as caught:
                await transport.with_options(deadline=5).send(reading())
            assert caught.value.attempts == 0
        backend.steps = lambda request: Step()
        assert (await transport.send(reading())).status == 200
        with pytest.raises(ConfigurationError, match="this answer is closed"):
            await anext(response.chunks())
    assert backend.open == 0


async def test_cancelling_a_stream_anywhere_loses_nothing(over: Over) -> None:
    backend = FakeBackend([Step(connect=0.3, latency=0.3, pieces=(b"x", b"y"), piece_latency=0.3)])
    async with over(backend, max_concurrency=1, rate_limit=None) as transport:
        for moment in range(20):
            with anyio.move_on_after(moment / 10):
                await read_all(transport)
            assert backend.open == 0
        with anyio.fail_after(5):
            await read_all(transport)


async def test_an_error_of_the_reader_passes_through(over: Over) -> None:
    async with over(FakeBackend([Step(pieces=(b"x",))])) as transport:
        with pytest.raises(KeyError):
            async with transport.stream(CSV):
                raise KeyError
        with pytest.raises(SMSError):
            async with transport.stream(reading("/..")):
                pass
