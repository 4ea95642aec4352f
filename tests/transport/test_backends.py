"""Every backend on real sockets: what is sent, what is kept, what breaks how, and that nothing is left behind."""

from __future__ import annotations

import gzip
import socket
import ssl
import traceback
from typing import Any

import anyio
import httpx
import pytest

from ac_sms_async.errors import (
    APIStatusError,
    ConfigurationError,
    ConnectError,
    DeadlineExceededError,
    SMSError,
    TransportError,
)
from ac_sms_async.options import RetryPolicy, Timeout
from ac_sms_async.transport import Transport
from tests.transport.conftest import Open
from tests.transport.raw_server import RawServer, Say, ok
from tests.transport.requests import TOKEN, reading, writing

pytestmark = pytest.mark.anyio

BACKENDS = [("asyncio", "httpx"), ("trio", "httpx"), ("asyncio", "httptools"), ("asyncio", "own"), ("trio", "own")]
ONCE = RetryPolicy(1)
AT_ONCE = RetryPolicy(3, initial=0)


@pytest.fixture(params=BACKENDS, ids="-".join)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that don't exist, and addresses where nobody is, are asked for here."""
    monkeypatch.setenv("AC_SMS_ALLOW_NETWORK", "1")


@pytest.fixture
def anyio_backend(kind: tuple[str, str]) -> str:
    return kind[0]


async def fails(transport: Transport, request: Any) -> SMSError:
    """The error a request ends in; neither it nor anything it drags along shows the token."""
    with pytest.raises(SMSError) as caught:
        await transport.send(request)
    error = caught.value
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    # This test's own frames hold the server's record of what was sent.
    assert TOKEN not in told
    linked: BaseException | None = error
    while linked is not None:
        assert isinstance(linked, SMSError)
        linked = linked.__cause__ or linked.__context__
    return error


async def test_a_request_on_the_wire(connect: Open) -> None:
    with RawServer() as server:
        async with connect(f"{server.url}/acme") as transport:
            response = await transport.send(reading(query="filters%5Bname%5D=a%20b%26c&limit=2"))
            await transport.send(writing())
            await transport.send(writing(method="PUT", json=None))
            await transport.request("POST", "/x")
            await transport.request("DELETE", "/x")
    assert response.parsed == {"ok": 1}
    assert response.headers["content-length"] == "8"
    get, post, put, bare, delete = server.seen
    assert get.line == "GET /acme/api/3/sms/credits?filters%5Bname%5D=a%20b%26c&limit=2 HTTP/1.1"
    assert get.header("host") == f"127.0.0.1:{server.port}"
    assert get.header("api-token") == TOKEN
    assert get.header("accept") == "application/json"
    assert get.header("accept-encoding") == "gzip, deflate"
    assert get.header("content-length") is get.header("content-type") is get.header("cookie") is None
    assert (post.line, post.body) == ("POST /acme/api/3/sms/broadcasts HTTP/1.1", b'{"name":"Sale"}')
    assert post.header("content-type") == "application/json"
    assert put.body == b"null"
    assert (bare.header("content-length"), bare.header("content-type")) == ("0", None)
    assert delete.header("content-type") is None
    assert server.connections == 1


async def test_an_operations_own_headers_are_sent(connect: Open) -> None:
    with RawServer() as server:
        async with connect(server.url) as transport:
            await transport.send(reading(headers=(("X-Trace", "a b"), ("X-Empty", ""))))
            error = await fails(transport, reading(headers=(("Api-Token", "another"),)))
    assert isinstance(error, ConfigurationError)
    (seen,) = server.seen
    assert (seen.header("x-trace"), seen.header("x-empty"), seen.header("api-token")) == ("a b", "", TOKEN)


async def test_connections_are_kept_and_in_the_end_closed(connect: Open, kind: tuple[str, str]) -> None:
    with RawServer(lambda seen: Say(ok().data, delay=0.02)) as server:
        async with connect(server.url) as transport:
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(transport.send, reading())
            assert server.connections == 4
            for _ in range(5):
                await transport.send(reading())
            assert server.connections == 4
            if kind[1] == "httpx":
                # The one used last is used first, so that the others can grow old.
                assert len({seen.connection for seen in server.seen[4:]}) == 1
        assert await server.settles(0)


@pytest.mark.parametrize(
    "say",
    [
        ok(b'{"ok":1}', b"Connection: close", then="close"),
        Say(b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\n" + b'{"ok":1}', then="close"),
        Say(b"HTTP/1.1 200 OK\r\n\r\n" + b'{"ok":1}', then="close"),
        ok(then="close"),
        ok(then="reset"),
    ],
    ids=["close", "1.0", "no length", "silent close", "reset"],
)
async def test_a_connection_that_ends_is_not_used_again(connect: Open, say: Say) -> None:
    with RawServer(lambda seen: say) as server:
        async with connect(server.url, retry=ONCE) as transport:
            for _ in range(3):
                assert (await transport.send(writing())).parsed == {"ok": 1}
                await anyio.sleep(0.03)
    assert len(server.seen) == server.connections == 3


@pytest.mark.parametrize(
    ("say", "says"),
    [
        (Say(then="close"), ""),
        (Say(then="reset"), ""),
        (Say(b"HTTP/1.1 200", then="close"), ""),
        (Say(b"\x00garbage\r\n\r\n", then="hang"), ""),
        (Say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", then="close"), ""),
        (Say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", then="reset"), ""),
        (Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", then="close"), ""),
        (Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", then="hang"), ""),
        (Say(then="hang"), "nothing came from the server for 0.1 s"),
        (
            Say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", then="hang"),
            "nothing came from the server for 0.1 s",
        ),
    ],
    ids=str,
)
async def test_a_connection_that_breaks(connect: Open, say: Say, says: str) -> None:
    said = [say]
    with RawServer(lambda seen: said.pop() if said else ok()) as server:
        async with connect(server.url, timeout=Timeout(0.1), retry=AT_ONCE) as transport:
            error = await fails(transport, writing())
            assert type(error) is TransportError
            assert (error.attempts, error.maybe_applied, len(server.seen)) == (1, True, 1)
            assert says in error.message
            said.append(say)
            # A read is simply tried again, and the broken connection is gone.
            assert (await transport.send(reading())).parsed == {"ok": 1}
            assert len(server.seen) == 3
        assert await server.settles(0)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_write_on_a_connection_that_was_just_closed_is_not_sent_twice(connect: Open, method: str) -> None:
    """The server closes an idle connection at the moment the next request arrives on it."""

    def script(seen: Any) -> Say:
        return Say(then="close") if len(server.seen) > 1 else ok()

    with RawServer(script) as server:
        async with connect(server.url) as transport:
            await transport.send(reading())
            error = await fails(transport, writing(method=method))
    assert type(error) is TransportError
    assert error.maybe_applied
    assert len(server.seen) == 2


async def test_connections_that_were_needed_once_are_closed(
    connect: Open, kind: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("cancel_safe", "httpx", "httptools"):
        monkeypatch.setattr(f"ac_sms_async.transport.backends.{module}.IDLE_SECONDS", 0.1)
    with RawServer(lambda seen: Say(ok().data, delay=0.01)) as server:
        async with connect(server.url) as transport:
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(transport.send, reading())
            for _ in range(4):
                await transport.send(reading())
                await anyio.sleep(0.05)
            # The pool of the caller's own client goes by its own rules.
            assert kind[1] == "own" or await server.settles(1)


async def test_an_old_connection_is_not_used_again(
    connect: Open, kind: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("cancel_safe", "httpx", "httptools"):
        monkeypatch.setattr(f"ac_sms_async.transport.backends.{module}.IDLE_SECONDS", 0.02)
    with RawServer() as server:
        async with connect(server.url) as transport:
            for _ in range(3):
                await transport.send(reading())
                await anyio.sleep(0.05)
        # The pool of the caller's own client goes by its own rules.
        assert server.connections == (1 if kind[1] == "own" else 3)
        assert await server.settles(0)


async def test_nobody_listens(connect: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    async with connect(f"http://127.0.0.1:{port}", retry=AT_ONCE) as transport:
        error = await fails(transport, writing())
    assert type(error) is ConnectError
    assert error.message.startswith("could not connect")
    assert (error.attempts, error.maybe_applied) == (3, False)


async def test_a_name_that_does_not_exist(connect: Open) -> None:
    async with connect("https://nobody.invalid", retry=ONCE) as transport:
        error = await fails(transport, writing())
    assert type(error) is ConnectError


async def test_tls(connect: Open, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with RawServer(tls=server_tls) as server:
        async with connect(server.url, ssl_context=client_tls) as transport:
            for _ in range(3):
                assert (await transport.send(writing())).parsed == {"ok": 1}
            assert server.connections == 1
            server.script = lambda seen: Say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", then="reset")
            assert type(await fails(transport, writing())) is TransportError
        assert await server.settles(0)


async def test_a_server_that_cannot_be_trusted(connect: Open, server_tls: ssl.SSLContext) -> None:
    with RawServer(tls=server_tls) as server:
        async with connect(server.url, retry=ONCE) as transport:
            error = await fails(transport, writing())
        assert type(error) is ConnectError
        assert server.seen == []


async def test_a_tls_handshake_that_never_ends(connect: Open) -> None:
    with RawServer(silent=True) as server:
        url = server.url.replace("http://", "https://")
        async with connect(url, timeout=Timeout(5, connect=0.1), retry=ONCE) as transport:
            error = await fails(transport, writing())
            assert type(error) is ConnectError
            assert "no connection within 0.1 s" in error.message
            # Cut off by the deadline instead: nothing was sent either.
            slow = transport.with_options(timeout=Timeout(5, connect=0.5), deadline=0.1)
            error = await fails(slow, writing())
            assert isinstance(error, DeadlineExceededError)
            assert not error.maybe_applied
        assert await server.settles(0)


async def test_plain_text_where_tls_was_expected(connect: Open) -> None:
    with RawServer() as server:
        url = server.url.replace("http://", "https://")
        async with connect(url, retry=ONCE, timeout=Timeout(1, connect=0.2)) as transport:
            assert type(await fails(transport, writing())) is ConnectError
    assert server.seen == []


async def test_compression_and_duplicate_headers(connect: Open) -> None:
    body = gzip.compress(b'{"ok":2}')
    with RawServer(
        lambda seen: ok(body, b"Content-Encoding: gzip", b"X-A: 1", b"X-A: 2", b"Set-Cookie: a=b")
    ) as server:
        async with connect(server.url) as transport:
            response = await transport.send(reading())
            assert response.parsed == {"ok": 2}
            assert response.headers["x-a"] == "1, 2"


async def test_a_redirect_is_not_followed(connect: Open) -> None:
    redirect = ok(b"moved", b"Location: https://evil.example/", status=b"302 Found")
    with RawServer(lambda seen: redirect) as server:
        async with connect(server.url) as transport:
            error = await fails(transport, reading())
    assert isinstance(error, APIStatusError)
    assert (error.status, len(server.seen)) == (302, 1)


async def test_informational_answers_before_the_real_one(connect: Open) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"ok":1}'
    with RawServer(lambda seen: Say([early, early + answer], pause=0.01)) as server:
        async with connect(server.url) as transport:
            for _ in range(2):
                response = await transport.send(reading())
                assert (response.status, response.parsed) == (200, {"ok": 1})
    assert server.connections == 1


async def test_odd_statuses_and_long_error_bodies(connect: Open) -> None:
    with RawServer(lambda seen: ok(b"x" * 1_000_000, status=b"499 Gone away")) as server:
        async with connect(server.url) as transport:
            error = await fails(transport, reading())
            assert isinstance(error, APIStatusError)
            assert (error.status, len(error.body)) == (499, 64 * 1024)
        assert await server.settles(0)


async def test_closing_with_a_stream_open_lets_it_end(connect: Open) -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", b"id\n", b"42\n"]
    with RawServer(lambda seen: Say(pieces, pause=0.05)) as server:
        async with connect(server.url) as transport, transport.stream(reading()) as response:
            await transport.aclose()
            assert b"".join([chunk async for chunk in response.chunks()]) == b"id\n42\n"
        assert await server.settles(0)


async def test_a_stream(connect: Open) -> None:
    chunked = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\nid\n\r\n",
        b"2\r\n1\n\r\n",
        b"0\r\n\r\n",
    ]
    with RawServer(lambda seen: Say(chunked, pause=0.01)) as server:
        async with connect(server.url) as transport:
            for _ in range(2):
                async with transport.stream(reading(accept="text/csv")) as response:
                    assert b"".join([chunk async for chunk in response.chunks()]) == b"id\n1\n"
                    assert response.complete is True
                    assert await response.receive() == b""
            assert server.connections == 1
            assert server.seen[0].header("accept") == "text/csv"


async def test_a_stream_whose_end_is_only_the_connections(connect: Open) -> None:
    with RawServer(lambda seen: Say(b"HTTP/1.1 200 OK\r\n\r\nid\n1\n", then="close")) as server:
        async with connect(server.url) as transport, transport.stream(reading()) as response:
            assert b"".join([chunk async for chunk in response.chunks()]) == b"id\n1\n"
            assert response.complete is None


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_a_stream_that_is_cut(connect: Open, then: str) -> None:
    cut = Say([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"id\n"], then=then, pause=0.02)
    with RawServer(lambda seen: cut) as server:
        async with connect(server.url, retry=ONCE) as transport, transport.stream(reading()) as response:
            with pytest.raises(TransportError):
                async for _ in response.chunks():
                    pass
            assert response.complete is False


async def test_a_stream_left_early(connect: Open) -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", *[b"x" * 100] * 1000]
    with RawServer(lambda seen: Say(pieces, pause=0.001)) as server:
        async with connect(server.url, max_concurrency=1) as transport:
            for _ in range(3):
                async with transport.stream(reading()) as response:
                    assert await response.receive()
            async with transport.stream(reading()):
                pass
        assert await server.settles(0)


async def test_a_stream_without_a_marked_end_left_early(connect: Open) -> None:
    with RawServer(lambda seen: Say(b"HTTP/1.1 200 OK\r\n\r\nhalf", then="hang")) as server:
        async with connect(server.url, max_concurrency=1) as transport:
            for _ in range(2):
                async with transport.stream(reading()) as response:
                    assert await response.receive() == b"half"
            assert await server.settles(0)
    assert server.connections == 2


PROXIED = pytest.mark.parametrize("kind", [kind for kind in BACKENDS if kind[1] != "httptools"], ids="-".join)


@PROXIED
async def test_through_a_proxy(connect: Open) -> None:
    with RawServer() as proxy:
        async with connect(
            "http://10.255.255.1:81", proxy=f"http://us%65r:secret@127.0.0.1:{proxy.port}", allow_insecure_http=True
        ) as transport:
            assert (await transport.send(reading())).parsed == {"ok": 1}
    assert proxy.seen[0].line == "GET http://10.255.255.1:81/api/3/sms/credits HTTP/1.1"
    assert proxy.seen[0].header("proxy-authorization")


@PROXIED
async def test_a_proxy_that_refuses_the_tunnel(connect: Open) -> None:
    with RawServer(lambda seen: ok(b"", status=b"403 Forbidden", then="close")) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        async with connect("https://acme.example", proxy=url, retry=ONCE) as transport:
            error = await fails(transport, writing())
        assert type(error) is ConnectError
    assert [seen.line for seen in proxy.seen] == ["CONNECT acme.example:443 HTTP/1.1"]
    assert TOKEN.encode() not in proxy.seen[0].head


@PROXIED
async def test_a_proxy_that_stalls_got_nothing_of_the_request(connect: Open) -> None:
    with RawServer(lambda seen: Say(then="hang")) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        timeout = Timeout(0.1, connect=0.1)
        async with connect("https://acme.example", proxy=url, retry=ONCE, timeout=timeout) as transport:
            error = await fails(transport, writing())
        assert type(error) is ConnectError
        assert not error.maybe_applied


async def test_closing_with_a_call_under_way_lets_it_end(connect: Open) -> None:
    with RawServer(lambda seen: Say(ok().data, delay=0.1)) as server:
        async with connect(server.url) as transport:
            answers: list[Any] = []

            async def call() -> None:
                answers.append((await transport.send(reading())).parsed)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                while not server.seen:  # noqa: ASYNC110  # another thread sees it
                    await anyio.sleep(0.005)
                await transport.aclose()
            assert answers == [{"ok": 1}]
        assert await server.settles(0)


async def test_a_closed_client_of_the_caller(kind: tuple[str, str]) -> None:
    client = httpx.AsyncClient()
    await client.aclose()
    async with Transport("https://acme.example", TOKEN, http_client=client) as transport:
        with pytest.raises(ConfigurationError, match="http_client is closed"):
            await transport.send(reading())
