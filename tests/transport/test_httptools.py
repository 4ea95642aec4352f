"""The fast backend: what of it no other backend has."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from typing import Any

import anyio
import pytest

from ac_sms_async.errors import ConfigurationError, ConnectError, TransportError
from ac_sms_async.options import RetryPolicy, Timeout
from ac_sms_async.transport import Transport
from ac_sms_async.transport.backends.dialing import dial
from ac_sms_async.transport.backends.parser import AnswerParser, BadAnswerError
from tests.transport.raw_server import RawServer, Say, ok
from tests.transport.requests import TOKEN, URL, reading, writing
from tests.transport.worlds import World

pytestmark = pytest.mark.anyio

WORLDS = [World("asyncio", "httptools"), World("uvloop", "httptools")]


@pytest.fixture(params=WORLDS, ids=str)
def world(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend(world: World) -> Any:
    return world.anyio_backend


async def test_in_a_test_it_reaches_only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Transport(URL, TOKEN, backend="httptools", retry=RetryPolicy(1)) as transport:
        with pytest.raises(ConfigurationError, match=r"seen by no mock.* AC_SMS_ALLOW_NETWORK=1 .*acme\.api-us1\.com "):
            await transport.send(writing())
    # Where it is meant, or where there is no test, it goes out.
    async with Transport("https://nobody.invalid", TOKEN, backend="httptools", retry=RetryPolicy(1)) as transport:
        monkeypatch.setenv("AC_SMS_ALLOW_NETWORK", "1")
        with pytest.raises(ConnectError):
            await transport.send(writing())
        monkeypatch.delenv("AC_SMS_ALLOW_NETWORK")
        monkeypatch.delenv("PYTEST_CURRENT_TEST")
        with pytest.raises(ConnectError):
            await transport.send(writing())


async def test_a_proxy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="use backend='httpx'"):
        Transport(URL, TOKEN, backend="httptools", proxy="http://proxy:3128")


async def test_a_body_that_nobody_reads_holds_the_server_up() -> None:
    """What waits is bounded; reading on takes all of it."""
    size = 20_000_000
    with RawServer(lambda seen: ok(b"x" * size)) as server:
        async with (
            Transport(server.url, TOKEN, backend="httptools") as transport,
            transport.stream(reading()) as response,
        ):
            assert await response.receive()
            await anyio.sleep(0.1)
            assert server.pieces == 0
            await anyio.sleep(0.05)
            assert 0 < sum([len(piece) async for piece in response.chunks()]) < size


async def test_a_server_that_takes_a_request_slowly_takes_it() -> None:
    """The write time-out holds for a piece, and there is always one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def slowly() -> None:
            connection, _ = listening.accept()
            left = 20_000_000
            with connection:
                while left > 0:
                    left -= len(connection.recv(400_000))
                    time.sleep(0.01)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=slowly)
        thread.start()
        timeout = Timeout(5, write=0.4)
        async with Transport(url, TOKEN, backend="httptools", timeout=timeout, retry=RetryPolicy(1)) as transport:
            await transport.send(writing(json={"body": "x" * 20_000_000}))
        thread.join()


async def test_a_reset_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def reset() -> None:
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        thread = threading.Thread(target=reset)
        thread.start()
        async with Transport(url, TOKEN, backend="httptools", retry=RetryPolicy(1)) as transport:
            with pytest.raises(TransportError, match="reset"):
                await transport.send(writing())
        thread.join()


async def test_two_tasks_that_read_one_answer_take_turns() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"id\n", b"\n"]
    with RawServer(lambda seen: Say(pieces, pause=0.05)) as server:
        async with (
            Transport(server.url, TOKEN, backend="httptools") as transport,
            transport.stream(reading()) as response,
        ):
            first = asyncio.ensure_future(response.receive())
            await asyncio.sleep(0)
            assert await response.receive() == b"\n"
            assert await first == b"id\n"


async def test_a_client_that_is_closed_while_a_call_connects_sends_nothing(world: World) -> None:
    with RawServer() as server:
        transport = Transport(server.url, TOKEN, backend="httptools")
        call = asyncio.ensure_future(transport.send(writing()))
        await asyncio.sleep(0)
        await transport.aclose()
        with pytest.raises(ConfigurationError, match="this client is closed"):
            await call
        assert await server.settles(0)
    assert server.seen == []


async def test_the_next_address_is_tried_beside_a_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as closed,
    ):
        closed.bind(("127.0.0.1", 0))
        here = (socket.AF_INET, socket.SOCK_STREAM, 0, "", server.getsockname())
        refuses = (socket.AF_INET, socket.SOCK_STREAM, 0, "", closed.getsockname())
        black_hole = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("203.0.113.1", 9))
        together = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("203.0.113.2", 9))
        just_now = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("203.0.113.3", 9))
        given: list[Any] = []
        began = loop.time()

        async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
            return given

        async def sock_connect(connecting: socket.socket, address: Any) -> None:
            if address == black_hole[-1]:
                await asyncio.sleep(60)
            if address == together[-1]:
                await asyncio.sleep(0.1 - (loop.time() - began))
                address = server.getsockname()
            if address == just_now[-1]:
                dialing[0].cancel()
                return
            await loop.sock_connect(connecting, address)

        class Loop:
            """The loop with other addresses, one of them a black hole."""

            def __getattr__(self, name: str) -> Any:
                return {"getaddrinfo": getaddrinfo, "sock_connect": sock_connect}.get(name) or getattr(loop, name)

        # Only what `dial` itself asks: asyncio has its own name for it.
        monkeypatch.setattr("ac_sms_async.transport.backends.dialing.asyncio.get_running_loop", Loop)
        monkeypatch.setattr("ac_sms_async.transport.backends.dialing.HEAD_START", 0.02)
        for addresses in ([refuses, here], [black_hole, here], [black_hole, refuses, here], [here, here]):
            given[:] = addresses
            connected = await dial("acme", 443)
            assert connected.getpeername() == server.getsockname()
            connected.close()
        began = loop.time()
        given[:] = [together] * 3
        (await dial("acme", 443)).close()
        given[:] = [refuses]
        with pytest.raises(ConnectionRefusedError):
            await dial("acme", 443)
        dialing: list[asyncio.Task[socket.socket]] = []
        given[:] = [just_now]
        dialing.append(asyncio.ensure_future(dial("acme", 443)))
        await asyncio.wait(dialing)
        assert dialing[0].cancelled()
        given[:] = [black_hole, black_hole]
        with anyio.move_on_after(0.05):
            await dial("acme", 443)


def fed(*pieces: bytes, method: str = "GET") -> AnswerParser:
    parser = AnswerParser()
    parser.expect(method)
    for piece in pieces:
        parser.feed(piece)
    return parser


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("pieces", "method"),
    [
        ([WHOLE + b"garbage"], "GET"),
        ([WHOLE, b"later"], "GET"),
        ([WHOLE + WHOLE], "GET"),
        ([b"HTTP/1.1 204 No Content\r\n\r\nEVIL"], "GET"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], "HEAD"),
        ([b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx"], "GET"),
    ],
)
def test_what_is_no_part_of_an_answer_is_noticed(world: World, pieces: list[bytes], method: str) -> None:
    parser = fed(*pieces, method=method)
    assert parser.answer.done
    assert parser.unasked


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", b""],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
        [b"garbage\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n", *[b"X: " + b"y" * 60_000 + b"\r\n"] * 10],
    ],
)
def test_what_is_no_answer_is_told(world: World, pieces: list[bytes]) -> None:
    with pytest.raises(BadAnswerError):
        fed(*pieces)


def test_an_end_without_a_frame_is_the_connections(world: World) -> None:
    answer = fed(b"HTTP/1.1 200 OK\r\n\r\nwhole", b"").answer
    assert (answer.done, answer.framed, answer.keeps_alive, answer.pieces) == (True, False, False, [b"whole"])


async def test_an_answer_that_breaks_is_told_each_time() -> None:
    say = Say([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"id\n"], then="hang", pause=0.01)
    with RawServer(lambda seen: say) as server:
        async with (
            Transport(server.url, TOKEN, backend="httptools", timeout=Timeout(0.1)) as transport,
            transport.stream(reading()) as response,
        ):
            assert await response.receive() == b"id\n"
            with pytest.raises(TransportError, match=r"nothing came from the server for 0\.1 s"):
                await response.receive()
            with pytest.raises(TransportError, match=r"nothing came from the server for 0\.1 s"):
                await response.receive()
            assert response.complete is False
