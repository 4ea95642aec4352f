"""How much is read at once from an open connection: more without TLS, where more comes at once."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from ac_sms_async.options import Timeout
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import WireRequest
from ac_sms_async.transport.backends.httpcore import read_widely
from ac_sms_async.transport.backends.httpx import HttpxBackend
from tests.transport.raw_server import RawServer, Say
from tests.transport.requests import TOKEN

pytestmark = pytest.mark.anyio


class Unwatched:
    def opening(self) -> None: ...

    def writing(self) -> None: ...


async def sizes_asked_for(url: str, context: ssl.SSLContext | None) -> set[int]:
    """What the connection's stream is asked for while a body is read that comes behind its headers."""
    sizes: set[int] = set()
    backend = HttpxBackend(Address.parse(url, allow_insecure_http=True), TOKEN, user_agent="test", ssl_context=context)
    exchange: Any = backend.exchange(WireRequest("GET", "/", "text/csv", None, Timeout()))
    await exchange.start(Unwatched())
    network = exchange._line.network
    read = network.read

    async def watched(size: int, timeout: float | None = None) -> bytes:
        sizes.add(size)
        data: bytes = await read(size, timeout)
        return data

    network.read = watched
    assert await exchange.read() == b"id\n1\n"
    await exchange.aclose()
    await backend.aclose()
    return sizes


SLOW_BODY = Say([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"id\n", b"1\n"], pause=0.01)


async def test_without_tls_all_is_taken_that_asyncio_takes() -> None:
    with RawServer(lambda seen: SLOW_BODY) as server:
        assert await sizes_asked_for(server.url, None) == {256 * 1024}


async def test_with_tls_a_record_is_small_and_so_is_the_buffer(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    with RawServer(lambda seen: SLOW_BODY, tls=server_tls) as server:
        assert await sizes_asked_for(server.url, client_tls) == {64 * 1024}


async def test_what_is_no_open_connection_stays_as_it_is() -> None:
    read_widely(None)
