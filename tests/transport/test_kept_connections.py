"""Which connections are kept for the next request, on real sockets: only those that owe nothing to the one before."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import pytest

from ac_sms_async.errors import AuthenticationError, ConfigurationError, ConnectError, TransportError
from ac_sms_async.options import RetryPolicy, Timeout
from tests.transport.conftest import Open
from tests.transport.raw_server import RawServer, Say, Seen, ok
from tests.transport.requests import reading, writing

pytestmark = pytest.mark.anyio

BACKENDS = [("asyncio", "httpx"), ("trio", "httpx"), ("asyncio", "httptools")]
ONCE = RetryPolicy(1)
STALE = ok(b'{"stale":1}').data


@pytest.fixture(params=BACKENDS, ids="-".join)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend(kind: tuple[str, str]) -> str:
    return kind[0]


def and_then(*more: bytes, pause: float = 0.0) -> Callable[[Seen], Say]:
    """Answers with the number of the connection; the first time with what nobody asked for behind it."""

    def script(seen: Seen) -> Say:
        answer = ok(b'{"connection":%d}' % seen.connection).data
        assert isinstance(answer, bytes)
        if seen.connection > 1:
            return Say(answer)
        return Say([answer, *more], pause=pause) if pause else Say(b"".join([answer, *more]))

    return script


@pytest.mark.parametrize("kind", [("asyncio", "httptools")], ids="-".join)
async def test_what_came_with_an_answer_is_not_the_next_one(connect: Open) -> None:
    assert isinstance(STALE, bytes)
    with RawServer(and_then(STALE)) as server:
        async with connect(server.url, retry=ONCE) as transport:
            assert (await transport.send(reading())).parsed == {"connection": 1}
            assert (await transport.send(reading())).parsed == {"connection": 2}


@pytest.mark.parametrize(
    "unasked",
    [STALE, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"],
    ids=["answer", "timeout"],
)
async def test_what_came_after_an_answer_is_not_the_next_one(connect: Open, unasked: bytes) -> None:
    # Long enough for a busy client to have read the answer by then: what comes with it is another test's.
    with RawServer(and_then(unasked, pause=0.1)) as server:
        async with connect(server.url, retry=ONCE) as transport:
            assert (await transport.send(reading())).parsed == {"connection": 1}
            with anyio.fail_after(5):
                while server.pieces < 2:  # noqa: ASYNC110  # another thread counts
                    await anyio.sleep(0.005)
            await anyio.sleep(0.005)
            # A write that nobody answered would count as one that may have taken effect.
            assert (await transport.send(writing())).parsed == {"connection": 2}


async def test_a_body_that_nobody_has_read_yet_holds_its_connection(connect: Open) -> None:
    def script(seen: Seen) -> Say:
        return ok(b"x" * 60_000) if b"export" in seen.head else Say(then="hang")

    with RawServer(script) as server:
        async with (
            connect(server.url, retry=ONCE, timeout=Timeout(0.1)) as transport,
            transport.stream(reading("/export", accept="text/csv")) as answer,
        ):
            # All of it has arrived when the other call has given up.
            with pytest.raises(TransportError, match=r"nothing came from the server for 0\.1 s"):
                await transport.send(reading())
            assert sum([len(piece) async for piece in answer.chunks()]) == 60_000
        assert server.connections == 2


async def test_silence_after_an_informational_answer_ends(connect: Open) -> None:
    with RawServer(lambda seen: Say(b"HTTP/1.1 103 Early Hints\r\n\r\n", then="hang")) as server:
        async with connect(server.url, retry=ONCE, timeout=Timeout(0.1)) as transport:
            with pytest.raises(TransportError, match=r"nothing came from the server for 0\.1 s"), anyio.fail_after(5):
                await transport.send(reading())


@pytest.mark.parametrize("kind", [("asyncio", "httptools")], ids="-".join)
async def test_a_refused_write_that_perhaps_nobody_reads_ends_its_connection(connect: Open) -> None:
    with RawServer(lambda seen: ok(status=b"401 Unauthorized" if seen.body else b"200 OK")) as server:
        async with connect(server.url, retry=ONCE) as transport:
            for size, connections in ((1_000, 1), (100_000, 2)):
                with pytest.raises(AuthenticationError):
                    await transport.send(writing(json={"body": "x" * size}))
                await transport.send(reading())
                assert server.connections == connections


@pytest.mark.parametrize("kind", [("asyncio", "httpx"), ("asyncio", "httptools")], ids="-".join)
async def test_nothing_waits_for_a_server_that_takes_nothing(connect: Open) -> None:
    transports: Mapping[int, asyncio.Transport] = vars(asyncio.get_running_loop())["_transports"]
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        async with connect(url, retry=ONCE, timeout=Timeout(0.1, write=0.1)) as transport:
            with pytest.raises(TransportError):
                await transport.send(writing(json={"body": "x" * 10_000_000}))
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        assert all(transport.get_extra_info("socket").fileno() < 0 for transport in transports.values())


@pytest.mark.parametrize("kind", [("asyncio", "httpx"), ("trio", "httpx")], ids="-".join)
@pytest.mark.parametrize(("written", "password"), [("p4ssword", "p4ssword"), ("p4%E2%82%AC", "p4\u20ac")])
async def test_the_password_of_a_proxy_is_for_the_proxy_alone(connect: Open, written: str, password: str) -> None:
    with RawServer(lambda seen: ok(b"", status=b"407 Authenticate", then="close")) as proxy:
        url = f"http://user:{written}@127.0.0.1:{proxy.port}"
        async with connect("https://acme.example", retry=ONCE, proxy=url) as transport:
            for _ in range(2):
                with pytest.raises(ConnectError, match="407") as caught:
                    await transport.send(reading())
                assert "p4" not in repr(caught.value)
    for seen in proxy.seen:
        given = (seen.header("proxy-authorization") or "").removeprefix("Basic ")
        assert base64.b64decode(given).decode() == f"user:{password}"


@pytest.mark.parametrize(
    "more",
    [{"method": "GET /evil HTTP/1.1\r\nX:"}, {"method": "get"}, {"accept": "a\r\nX-Evil: 1"}, {"accept": "*/*"}],
)
async def test_a_request_is_one_line_and_its_headers(connect: Open, more: dict[str, str]) -> None:
    with RawServer() as server:
        async with connect(server.url, retry=ONCE) as transport:
            with pytest.raises(ConfigurationError, match=r"^a request needs a method such as GET, .* text/csv$"):
                await transport.send(reading(**more))
    assert server.seen == []
