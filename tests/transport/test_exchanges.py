"""What a backend's exchange does at its edges, whoever stands above it: at its end, broken, and left as it opens."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import httpx
import pytest

from ac_sms_async.errors import ConfigurationError, TransportError
from ac_sms_async.options import Timeout
from ac_sms_async.transport import Transport
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Backend, WireRequest
from ac_sms_async.transport.backends.choice import choose_backend
from ac_sms_async.transport.backends.httpx import HttpxBackend
from tests.transport.raw_server import RawServer, Say, ok
from tests.transport.requests import TOKEN, URL, reading

pytestmark = pytest.mark.anyio

REQUEST = WireRequest("GET", "/api/3/x", "application/json", None, Timeout(5), True, ())
KINDS = [("asyncio", "httpx"), ("asyncio", "httptools"), ("trio", "httpx")]


@pytest.fixture(params=KINDS, ids="-".join)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend(kind: tuple[str, str]) -> str:
    return kind[0]


class Nobody:
    """Who isn't interested in how it goes."""

    def opening(self) -> None: ...

    def writing(self) -> None: ...

    def written(self) -> None: ...


def backend_of(server: RawServer, name: Literal["httpx", "httptools"]) -> Backend:
    make = choose_backend(
        Address.parse(server.url, allow_insecure_http=False),
        TOKEN,
        backend=name,
        proxy=None,
        ssl_context=None,
        trust_env=False,
        http_client=None,
    )
    return make()


async def test_after_its_end_it_is_at_its_end(kind: tuple[str, Any]) -> None:
    with RawServer(lambda seen: ok(b"all")) as server:
        backend = backend_of(server, kind[1])
        exchange = backend.exchange(REQUEST)
        await exchange.start(Nobody())
        assert await exchange.read() == b"all"
        assert [await exchange.receive(), await exchange.read()] == [b"", b""]
        assert exchange.complete
        await exchange.aclose()
        await backend.aclose()


async def test_what_has_broken_stays_broken(kind: tuple[str, Any]) -> None:
    with RawServer(lambda seen: Say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then="close")) as server:
        backend = backend_of(server, kind[1])
        exchange = backend.exchange(REQUEST)
        await exchange.start(Nobody())
        for _ in range(3):
            with pytest.raises(TransportError):
                await exchange.read()
        assert exchange.complete is False
        await exchange.aclose()
        assert await server.settles(0)
        await backend.aclose()


@pytest.mark.parametrize("kind", [("asyncio", "httptools")], indirect=True, ids="-".join)
async def test_who_is_cancelled_the_moment_its_connection_is_open_leaves_none(kind: tuple[str, Any]) -> None:
    with RawServer() as server:
        async with Transport(server.url, TOKEN, backend="httptools") as transport:
            others = asyncio.all_tasks()
            call = asyncio.ensure_future(transport.send(reading()))
            opening = call
            while opening is call:
                await asyncio.sleep(0)
                opening = next(iter(asyncio.all_tasks() - others - {call}), call)
            while not opening.done():  # noqa: ASYNC110  # in the very turn in which it is
                await asyncio.sleep(0)
            # It is open, and the call has not been told yet.
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()
            assert await server.settles(0)
    assert server.seen == []


@pytest.mark.parametrize("kind", [("asyncio", "httpx"), ("trio", "httpx")], indirect=True, ids="-".join)
async def test_where_the_client_closes_between_head_and_body_the_body_is_not_written(kind: tuple[str, Any]) -> None:
    with RawServer() as server:
        backend = backend_of(server, "httpx")
        assert isinstance(backend, HttpxBackend)
        ours: HttpxBackend = backend

        class Closing(Nobody):
            def writing(self) -> None:
                ours.closed = True

        request = WireRequest("POST", "/api/3/x", "application/json", b"{}", Timeout(5), False, ())
        exchange = backend.exchange(request)
        with pytest.raises(TransportError, match="closed before all of the request was written"):
            await exchange.start(Closing())
        assert exchange.sent
        await exchange.aclose()
        await backend.aclose()
        assert await server.settles(0)
    assert server.seen == []


@pytest.mark.parametrize("kind", [("asyncio", "httpx"), ("trio", "httpx")], indirect=True, ids="-".join)
async def test_what_has_ended_before_it_began_sends_nothing(kind: tuple[str, Any]) -> None:
    """As where the task of a call begins when the call was cancelled; of what it sends, this client tells nothing."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        backend = HttpxBackend(Address.parse(URL, allow_insecure_http=False), TOKEN, user_agent="x", client=client)
        exchange = backend.exchange(REQUEST)
        await exchange.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await exchange.start(Nobody())
        assert not exchange.sent
        await backend.aclose()
