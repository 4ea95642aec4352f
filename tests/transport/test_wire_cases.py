"""What servers and proxies do on the wire, right and wrong, and what becomes of it on every backend and client."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeAlias

import anyio
import pytest
from attrs import define

from ac_sms_async.errors import ConfigurationError, ConnectError, TransportError
from ac_sms_async.options import Timeout
from ac_sms_async.transport.backends import Backend, WireRequest
from tests.open_files import open_files
from tests.transport.raw_server import RawServer, Say, Script, Seen, ok
from tests.transport.requests import TOKEN
from tests.transport.tunnels import PASSWORD, USER, Tunnels
from tests.transport.worlds import WORLDS, World

pytestmark = pytest.mark.anyio

TIMEOUT = Timeout(1.0, connect=3, write=3)
Answer: TypeAlias = tuple[int, bytes, bool | None]
FINE: Answer = (200, b"fine", True)


@pytest.fixture(params=WORLDS, ids=str)
def world(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend(world: World) -> Any:
    return world.anyio_backend


@define
class Told:
    """What an exchange tells of its progress."""

    opened: int = 0
    began: int = 0
    ended: int = 0

    def opening(self) -> None:
        self.opened += 1

    def writing(self) -> None:
        self.began += 1

    def written(self) -> None:
        assert self.began
        self.ended += 1


def request(
    path: str = "/x", method: str = "GET", body: bytes | None = None, timeout: Timeout = TIMEOUT
) -> WireRequest:
    return WireRequest(method, path, "application/json", body, timeout, retry_safe=method == "GET")


async def ask(backend: Backend, wanted: WireRequest | None = None, told: Told | None = None) -> Answer:
    exchange = backend.exchange(wanted or request())
    try:
        with anyio.fail_after(5):
            await exchange.start(told or Told())
            body = await exchange.read()
        return exchange.status, body, exchange.complete
    finally:
        await exchange.aclose()


async def breaks(backend: Backend, wanted: WireRequest) -> tuple[type[TransportError], bool, str]:
    """The error, whether something was sent, and its words."""
    exchange = backend.exchange(wanted)

    async def whole() -> None:
        await exchange.start(Told())
        await exchange.read()

    with pytest.raises(TransportError) as caught, anyio.fail_after(5):
        await whole()
    await exchange.aclose()
    assert exchange.complete is False
    assert TOKEN not in repr(caught.value)
    return type(caught.value), exchange.sent, caught.value.message


def first(say: Say) -> Script:
    """That on the first connection's first request, and an ordinary answer to all others."""
    said = [say]
    return lambda seen: said.pop() if said else ok(b"fine")


async def test_one_connection_for_one_request_after_the_other(world: World) -> None:
    with RawServer(first(ok(b"fine"))) as server:
        async with world.backend(server.url) as backend:
            told = [Told(), Told()]
            assert await ask(backend, told=told[0]) == FINE
            assert await ask(backend, request(method="POST", body=b"{}"), told[1]) == FINE
    assert server.connections == 1
    # Once written it is written, though some say it twice.
    assert (told[0].opened, told[1].opened) == (1, 0)
    assert told[0].began >= 1 <= told[1].began
    assert (told[0].ended, told[1].ended) == (1, 1)


async def test_a_write_after_an_idle_connection_was_closed(world: World) -> None:
    with RawServer(first(ok(b"fine", then="close"))) as server:
        async with world.backend(server.url) as backend:
            await ask(backend)
            await anyio.sleep(0.05)
            assert await ask(backend, request(method="PUT", body=b"{}")) == FINE
    assert len(server.seen) == 2


async def test_a_write_whose_kept_connection_closes_as_it_is_sent(world: World) -> None:
    def script(seen: Seen) -> Say:
        return Say(then="close") if seen.line.startswith("PUT") else ok(b"fine")

    with RawServer(script) as server:
        async with world.backend(server.url) as backend:
            await ask(backend)
            assert (await breaks(backend, request(method="PUT", body=b"{}")))[:2] == (TransportError, True)
    assert len(server.seen) == 2


def plain(body: bytes) -> bytes:
    """An ordinary answer's bytes."""
    data = ok(body).data
    assert isinstance(data, bytes)
    return data


EARLY = b"HTTP/1.1 103 Early Hints\r\nX-No: 1\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
TRAILERS = Say([CHUNKED + b"Trailer: X-T\r\n\r\n3\r\nabc\r\n", b"2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"], pause=0.01)
MUCH = [b"HTTP/1.1 200 OK\r\n", *[b"X-%d: %s\r\n" % (number, b"y" * 1000) for number in range(1500)]]
PACKED = gzip.compress(b"hello", mtime=0)


@pytest.mark.parametrize(
    ("method", "say", "answer"),
    [
        ("GET", Say([b"HTTP/1.1 100 Continue\r\n\r\n", EARLY, plain(b"ok")], pause=0.01), (200, b"ok", True)),
        ("HEAD", Say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), (200, b"", True)),
        ("GET", Say(b"HTTP/1.1 204 No Content\r\n\r\n"), (204, b"", True)),
        ("GET", TRAILERS, (200, b"abcde", True)),
        ("GET", ok(b"ok", b"X-Big: " + b"x" * 20_000), (200, b"ok", True)),
        ("GET", Say(b"HTTP/1.0 200 OK\r\nX: 1\r\n\r\nwhole", then="close"), (200, b"whole", None)),
        ("GET", ok(b"", b"Location: /elsewhere", status=b"302 Found"), (302, b"", True)),
        ("GET", ok(b"", b"Location: http://[", status=b"302 Found"), (302, b"", True)),
        ("GET", ok(PACKED, b"Content-Encoding: gzip"), (200, PACKED, True)),
    ],
    ids=["1xx", "HEAD", "204", "trailers", "20 KB header", "HTTP/1.0", "302", "302 to nowhere", "gzip"],
)
async def test_an_answer(world: World, method: str, say: Say, answer: Answer) -> None:
    with RawServer(first(say)) as server:
        async with world.backend(server.url) as backend:
            assert await ask(backend, request(method=method)) == answer
            assert await ask(backend) == FINE


@pytest.mark.parametrize(
    "say",
    [
        Say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", then="close"),
        Say(CHUNKED + b"\r\n3\r\nabc\r\n", then="close"),
        Say(
            [b"HTTP/1.1 200 OK\r\n", *[b"X-%d: %s\r\n" % (number, b"y" * 1000) for number in range(1500)]], then="hang"
        ),
    ],
    ids=["cut", "cut in chunks", "1.5 MB of headers"],
)
async def test_an_answer_that_is_none(world: World, say: Say) -> None:
    with RawServer(first(say)) as server:
        async with world.backend(server.url) as backend:
            assert (await breaks(backend, request()))[:2] == (TransportError, True)
            assert await ask(backend) == FINE


async def test_a_length_and_chunks_at_once(world: World) -> None:
    both = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    with RawServer(first(Say(both))) as server:
        async with world.backend(server.url) as backend:
            # Refusing it is right, too: it is how answers are smuggled.
            with contextlib.suppress(TransportError):
                assert await ask(backend) == (200, b"ok", True)
            assert await ask(backend) == FINE


async def test_reading_on_after_an_interruption(world: World) -> None:
    say = Say([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", b"world"], pause=0.15)
    with RawServer(first(say)) as server:
        async with world.backend(server.url) as backend:
            exchange = backend.exchange(request())
            await exchange.start(Told())
            got = await exchange.receive()
            with anyio.move_on_after(0.03):
                got += await exchange.receive()
            assert got == b"hello"
            try:
                while piece := await exchange.receive():
                    got += piece
                assert (got, exchange.complete) == (b"helloworld", True)
            except TransportError:
                assert exchange.complete is False
                for _ in range(2):
                    with pytest.raises(TransportError):
                        await exchange.receive()
            await exchange.aclose()
            assert await ask(backend) == FINE


# Which connections a pool of the caller's keeps is the pool's affair.
@pytest.mark.parametrize("world", [world for world in WORLDS if not world.is_plain_pool], ids=str)
@pytest.mark.parametrize("kept_apart", [False, True], ids=["in one read", "later"])
async def test_a_second_answer_that_nobody_asked_for(world: World, kept_apart: bool) -> None:
    pieces = [plain(b"one"), plain(b"EVIL")]
    with RawServer(first(Say(pieces, pause=0.02) if kept_apart else Say(b"".join(pieces)))) as server:
        async with world.backend(server.url) as backend:
            assert await ask(backend) == (200, b"one", True)
            await anyio.sleep(0.05)
            second = await ask(backend)
            if kept_apart or world.client == "httptools":
                assert second == FINE
            else:
                # The known gap of everything that stands on httpcore: the security page names it.
                assert second == (200, b"EVIL", True)


async def test_a_204_with_a_body(world: World) -> None:
    with RawServer(first(Say(b"HTTP/1.1 204 No Content\r\n\r\nEVIL"))) as server:
        async with world.backend(server.url) as backend:
            assert await ask(backend) == (204, b"", True)
            if world.is_plain_pool:
                # Which connections a pool keeps is the pool's affair.
                assert (await breaks(backend, request()))[0] is TransportError
            assert await ask(backend) == FINE


async def test_no_cookie_is_sent_back(world: World) -> None:
    with RawServer(lambda seen: ok(b"fine", b"Set-Cookie: a=b; Path=/")) as server:
        async with world.backend(server.url) as backend:
            for _ in range(2):
                assert await ask(backend) == FINE
    # The cookies of a client of the caller's are theirs.
    assert server.seen[1].header("cookie") == (None if world.client in ("httpx", "httptools") else "a=b")


async def test_the_headers_and_the_target_are_ours(world: World) -> None:
    target = "/a%2Fb?x=%7B1%7D%20+%2B"
    with RawServer(lambda seen: ok(b"fine")) as server:
        async with world.backend(server.url) as backend:
            await ask(backend, request(target))
    seen = server.seen[0]
    assert seen.line == f"GET {target} HTTP/1.1"
    names = {line.partition(b":")[0].decode().lower() for line in seen.head.split(b"\r\n")[1:] if line}
    theirs: set[str] = set() if world.client in ("httpx", "httptools") else {"connection"}
    assert names == {"host", "accept", "accept-encoding", "user-agent", "api-token", *theirs}
    assert seen.header("accept-encoding") == "gzip, deflate"


async def test_a_refusal_before_the_request_was_read(world: World) -> None:
    def script(seen: Seen) -> Say:
        return ok(b"too big", b"Connection: close", status=b"413 Too Big", then="close")

    with RawServer(script, reads_bodies=False) as server:
        async with world.backend(server.url) as backend:
            exchange = backend.exchange(request(method="POST", body=b"x" * 4_000_000))
            with contextlib.suppress(TransportError):
                await exchange.start(Told())
            await exchange.aclose()
            assert exchange.sent
            # Whether the refusal could be read is a matter of luck: the server resets what it hasn't read.
            assert exchange.status in (0, 413)


async def test_a_closed_backend_begins_nothing(world: World) -> None:
    async with world.backend("http://127.0.0.1:1") as backend:
        await backend.aclose()
        with pytest.raises(ConfigurationError, match="this client is closed"):
            backend.exchange(request())


async def test_nobody_listens(world: World) -> None:
    async with world.backend("http://127.0.0.1:1") as backend:
        assert (await breaks(backend, request()))[:2] == (ConnectError, False)


async def test_a_server_that_says_nothing(world: World) -> None:
    with RawServer(lambda seen: Say(then="hang")) as server:
        async with world.backend(server.url) as backend:
            kind, sent, message = await breaks(backend, request(timeout=Timeout(0.05)))
    assert (kind, sent) == (TransportError, True)
    assert "nothing came from the server for 0.05 s" in message


async def test_a_server_that_takes_nothing(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        async with world.backend(f"http://127.0.0.1:{deaf.getsockname()[1]}") as backend:
            huge = request(method="POST", body=b"x" * 20_000_000, timeout=Timeout(5, write=0.1))
            kind, sent, message = await breaks(backend, huge)
    assert (kind, sent) == (TransportError, True)
    assert "the server took nothing for 0.1 s" in message


async def test_tls(world: World, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with RawServer(lambda seen: ok(b"fine"), tls=server_tls) as server:
        async with world.backend(server.url, ssl_context=client_tls) as backend:
            for wanted in (request(), request(method="POST", body=b"{}")):
                assert await ask(backend, wanted) == FINE
    assert server.connections == 1


async def test_a_cancelled_handshake_leaves_no_socket(world: World, client_tls: ssl.SSLContext) -> None:
    before = sum(file.startswith("socket") for file in open_files())
    with RawServer(silent=True) as server:
        url = server.url.replace("http:", "https:")
        options: dict[str, Any] = {"ssl_context": client_tls}
        async with world.backend(url, **options) as backend:
            for _ in range(3):
                exchange = backend.exchange(request(timeout=Timeout(1, connect=0.3)))
                with anyio.move_on_after(0.05):
                    await exchange.start(Told())
                await exchange.aclose()
                assert not exchange.sent
        assert await server.settles(0)
    assert sum(file.startswith("socket") for file in open_files()) <= before


Through: TypeAlias = Callable[[Tunnels], str]


@pytest.mark.parametrize("world", [world for world in WORLDS if world.client != "httptools"], ids=str)
@pytest.mark.parametrize("through", [Tunnels.http, Tunnels.socks], ids=["CONNECT", "SOCKS5"])
async def test_through_a_tunnel(
    world: World, through: Through, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    with Tunnels() as proxies, RawServer(lambda seen: ok(b"fine"), tls=server_tls) as server:
        async with world.backend(server.url, ssl_context=client_tls, proxy=through(proxies)) as backend:
            told = Told()
            assert await ask(backend, told=told) == FINE
            assert await ask(backend) == FINE
    [tunnel] = proxies.asked
    assert (tunnel.target, tunnel.credentials) == (f"127.0.0.1:{server.port}", f"{USER}:{PASSWORD}")
    assert TOKEN.encode() not in tunnel.head
    assert told.opened == 1


@pytest.mark.parametrize("world", [world for world in WORLDS if world.client != "httptools"], ids=str)
async def test_a_proxy_that_refuses(world: World, client_tls: ssl.SSLContext) -> None:
    with Tunnels() as proxies:
        async with world.backend(
            "https://acme.example", ssl_context=client_tls, proxy=proxies.http("us:wr0ng")
        ) as backend:
            kind, sent, message = await breaks(backend, request())
    assert (kind, sent) == (ConnectError, False)
    assert "wr0ng" not in message


@pytest.mark.parametrize("world", [world for world in WORLDS if world.client != "httptools"], ids=str)
async def test_plain_http_through_a_proxy(world: World) -> None:
    with RawServer(lambda seen: ok(b"fine")) as proxy:
        async with world.backend("http://10.255.255.1:81", proxy=f"http://u:p@127.0.0.1:{proxy.port}") as backend:
            assert await ask(backend) == FINE
    assert proxy.seen[0].line == "GET http://10.255.255.1:81/x HTTP/1.1"
