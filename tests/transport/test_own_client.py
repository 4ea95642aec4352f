"""The caller's own `httpx.AsyncClient`: what of it works on, and what a cancelled call leaves to it."""

from __future__ import annotations

import gzip
import ssl
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import httpx2
import pytest

from ac_sms_async.errors import ConnectError, DeadlineExceededError, NotFoundError, TransportError
from ac_sms_async.options import RetryPolicy, Timeout
from ac_sms_async.transport import Transport
from ac_sms_async.transport.events import CallFinished, Event
from tests.transport.pieces import Pieces
from tests.transport.raw_server import RawServer, Say, ok
from tests.transport.relay import Relay
from tests.transport.requests import TOKEN, URL, reading, writing

pytestmark = pytest.mark.anyio


# Making httpx's own context takes 40 ms.
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def over(handler: Any, **options: Any) -> tuple[httpx.AsyncClient, Transport]:
    client = httpx.AsyncClient(transport=httpx.MockTransport(handler), **options)
    return client, Transport(URL, TOKEN, http_client=client, rate_limit=None, retry=RetryPolicy(1))


async def test_its_headers_hooks_and_authentication_are_added() -> None:
    seen: list[httpx.Request] = []
    hooked: list[str] = []

    async def hook(request: httpx.Request) -> None:
        hooked.append(request.url.path)

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": 1})

    client, transport = over(
        handler, headers={"X-Mine": "1", "Accept": "text/html"}, auth=("a", "b"), event_hooks={"request": [hook]}
    )
    async with client, transport:
        await transport.send(writing())
    [request] = seen
    assert request.headers["x-mine"] == "1"
    assert request.headers["accept"] == "application/json"
    assert request.headers["api-token"] == TOKEN
    assert request.headers["authorization"]
    assert request.content == b'{"name":"Sale"}'
    assert request.extensions["timeout"]["connect"] == 5
    assert hooked == ["/api/3/sms/broadcasts"]


async def test_it_outlives_ours_and_follows_no_redirect() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "https://evil.example"})

    client, transport = over(handler, follow_redirects=True)
    async with client:
        async with transport:
            with pytest.raises(Exception, match="never followed"):
                await transport.send(reading())
        assert not client.is_closed


async def test_what_its_hooks_raise_passes_through() -> None:
    class HookError(Exception):
        pass

    async def hook(response: httpx.Response) -> None:
        raise HookError

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=1)

    client, transport = over(handler, event_hooks={"response": [hook]})
    async with client, transport:
        with pytest.raises(HookError):
            await transport.send(reading())


async def test_an_answer_that_its_hooks_have_read() -> None:
    read: list[bytes] = []

    async def hook(response: httpx.Response) -> None:
        read.append(await response.aread())

    def handler(request: httpx.Request) -> httpx.Response:
        packed = gzip.compress(b'{"id": 7}')
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Pieces(packed[:9], packed[9:]))

    client, transport = over(handler, event_hooks={"response": [hook]})
    async with client, transport:
        answer = await transport.send(reading())
    assert read == [b'{"id": 7}']
    assert answer.parsed == {"id": 7}


async def test_a_pool_without_a_free_connection() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.PoolTimeout("full")

    client, transport = over(handler)
    async with client, transport:
        with pytest.raises(ConnectError, match="http_client had no free connection within 5 s"):
            await transport.send(writing())


async def test_a_body_read_in_pieces_and_left_early() -> None:
    bodies: list[Pieces] = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append(Pieces(b"id\n", b"", b"1\n"))
        return httpx.Response(200, stream=bodies[-1])

    client, transport = over(handler)
    async with client, transport:
        async with transport.stream(reading()) as response:
            assert [chunk async for chunk in response.chunks()] == [b"id\n", b"1\n"]
            assert await response.receive() == b""
        async with transport.stream(reading()) as response:
            assert await response.receive() == b"id\n"
    assert all(body.closed for body in bodies)


async def test_a_cancelled_call_returns_at_once_and_loses_no_connection_of_the_pool() -> None:
    with RawServer(lambda seen: Say(ok().data, delay=1 if len(server.seen) == 1 else 0)) as server:
        client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1), verify=TRUSTS_NOBODY)
        async with client, Transport(server.url, TOKEN, http_client=client, rate_limit=None) as transport:
            began = anyio.current_time()
            with anyio.move_on_after(0.05):
                await transport.send(reading())
            assert anyio.current_time() - began < 0.9
            assert (await transport.send(reading())).parsed == {"ok": 1}
    assert server.connections <= 2


@pytest.mark.parametrize(
    "say",
    [
        Say([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 100], pause=0.01),
        Say([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", b"zz"], pause=0.06),
        Say(b"", delay=0.1, then="reset"),
        Say([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"{}"], pause=0.04),
    ],
    ids=["drips", "breaks in the body", "breaks before", "ends"],
)
async def test_what_a_cancelled_call_leaves_behind_ends_by_itself(say: Say) -> None:
    said = [say]
    with RawServer(lambda seen: said.pop() if said else ok()) as server:
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(limits=limits, verify=TRUSTS_NOBODY) as client:
            options: dict[str, Any] = {"rate_limit": None, "timeout": Timeout(1), "max_concurrency": 1}
            async with Transport(server.url, TOKEN, http_client=client, **options) as transport:
                with anyio.move_on_after(0.05):
                    await transport.send(reading())
                assert (await transport.send(reading())).parsed == {"ok": 1}
        assert await server.settles(0)


async def test_a_stream_whose_reader_is_cancelled_is_closed() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 1000]
    with RawServer(lambda seen: Say(pieces, pause=0.02)) as server:
        async with (
            httpx.AsyncClient(verify=TRUSTS_NOBODY) as client,
            Transport(server.url, TOKEN, http_client=client) as transport,
        ):
            with anyio.move_on_after(0.1):
                async with transport.stream(reading()) as response:
                    async for _ in response.chunks():
                        pass
            assert await server.settles(0)


@pytest.mark.parametrize("module", [httpx, httpx2], ids=lambda module: module.__name__)
async def test_what_had_not_begun_to_be_sent_is_not_sent_after_the_call(
    module: Any, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """The handshake takes longer than the call has, and is over when nobody wants the request any more."""
    with RawServer(tls=server_tls) as server, Relay(server.port) as slow:
        async with module.AsyncClient(verify=client_tls) as client:
            url = f"https://127.0.0.1:{slow.port}"
            transport = Transport(url, TOKEN, http_client=client, rate_limit=None, deadline=0.1)
            with pytest.raises(DeadlineExceededError) as caught:
                await transport.send(writing())
            assert not caught.value.maybe_applied
            with anyio.move_on_after(0.05):
                await transport.with_options(deadline=9).send(writing())
            slow.let_go()
            await transport.aclose()
            # Nothing of ours runs any more, and the handshakes have gone on.
            assert slow.led in (1, 2)
        assert await server.settles(0)
    assert server.seen == []


@pytest.mark.parametrize("turns", range(7))
async def test_a_call_that_ends_in_its_first_turns_is_told_for_what_it_is(turns: int) -> None:
    """The client tells nothing of what it sends, so that it counts as sent from the moment when it has the request."""
    sent: list[httpx.Request] = []
    events: list[Event] = []
    at_its_end: list[int] = []
    over_now = anyio.Event()
    call = anyio.CancelScope()

    async def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        await over_now.wait()
        return httpx.Response(200, json={"ok": 1})

    def before_start() -> None:
        if not turns:
            # Too late for the call to end here, and too early for its request's task to have begun.
            call.cancel()

    async def live() -> None:
        with call:
            await transport.send(writing())
        at_its_end.append(len(sent))

    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    options: Any = {"on_event": events.append, "before_start": before_start}
    async with client, Transport(URL, TOKEN, http_client=client, **options) as transport:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(live)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            call.cancel()
        over_now.set()
    assert [len(sent)] == at_its_end
    assert any(event.maybe_applied for event in events if isinstance(event, CallFinished)) == bool(sent)


async def test_closing_waits_for_what_a_cancelled_call_left_behind() -> None:
    class Slow(httpx.AsyncBaseTransport):
        """Tells nothing of what it does, so it might lose a connection if it were cancelled."""

        ended = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep(0.1)
            self.ended = True
            return httpx.Response(200, json=1)

    slow = Slow()
    async with httpx.AsyncClient(transport=slow) as client:
        transport = Transport(URL, TOKEN, http_client=client, rate_limit=None)
        with anyio.move_on_after(0.02):
            await transport.send(writing())
        assert not slow.ended
        await transport.aclose()
        assert slow.ended


async def test_its_stricter_timeouts_hold() -> None:
    with RawServer(lambda seen: Say(then="hang")) as server:
        async with (
            httpx.AsyncClient(verify=TRUSTS_NOBODY, timeout=httpx.Timeout(0.05, connect=None)) as client,
            Transport(server.url, TOKEN, http_client=client, retry=RetryPolicy(1)) as transport,
        ):
            with pytest.raises(TransportError, match=r"nothing came from the server for 0\.05 s"):
                await transport.send(writing())


@pytest.mark.parametrize("reads", [False, True], ids=["unread", "read"])
async def test_a_hook_that_raises_for_a_status_raises_for_an_answer(reads: bool) -> None:
    async def hook(response: httpx.Response) -> None:
        if reads:
            await response.aread()
        response.raise_for_status()

    refusal = ok(b'{"message": "no such"}', b"Retry-After: 7", status=b"404 Not Found")
    with RawServer(lambda seen: refusal) as server:
        async with (
            httpx.AsyncClient(verify=TRUSTS_NOBODY, event_hooks={"response": [hook]}) as client,
            Transport(server.url, TOKEN, http_client=client, rate_limit=None) as transport,
        ):
            with pytest.raises(NotFoundError) as caught:
                await transport.send(writing())
    error = caught.value
    assert (error.attempts, error.maybe_applied, error.retry_after) == (1, False, 7)
    assert error.message == ("HTTP 404: no such" if reads else "HTTP 404")
    assert len(server.seen) == 1


async def test_a_success_that_a_hook_refuses_unread_is_not_an_empty_one() -> None:
    async def hook(response: httpx.Response) -> None:
        raise httpx.HTTPStatusError("I don't like it", request=response.request, response=response)

    with RawServer() as server:
        async with (
            httpx.AsyncClient(verify=TRUSTS_NOBODY, event_hooks={"response": [hook]}) as client,
            Transport(server.url, TOKEN, http_client=client, retry=RetryPolicy(1)) as transport,
        ):
            with pytest.raises(TransportError, match="a hook of http_client refused the answer before it was read"):
                await transport.send(writing())


async def test_it_breaks_as_any_other() -> None:
    with RawServer(lambda seen: Say(then="reset")) as server:
        async with (
            httpx.AsyncClient(verify=TRUSTS_NOBODY) as client,
            Transport(server.url, TOKEN, http_client=client) as transport,
        ):
            with pytest.raises(TransportError):
                await transport.send(writing())
