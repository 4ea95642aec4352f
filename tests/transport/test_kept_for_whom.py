"""What an idle connection is still good for, and what it keeps alive."""

from __future__ import annotations

import gc
import sys
import time
import weakref
from contextvars import ContextVar
from typing import Any

import anyio
import httpx
import pytest

from ac_sms_async import CancelSafeTransport, ConfigurationError
from ac_sms_async.transport import Transport
from tests.transport.raw_server import RawServer, Say, Seen, ok
from tests.transport.requests import TOKEN, reading, writing
from tests.transport.worlds import World

pytestmark = pytest.mark.anyio

WORLDS = [
    World("asyncio", "httpx"),
    World("trio", "httpx"),
    World("asyncio", "httptools"),
    World("uvloop", "httptools"),
]

mark: ContextVar[Any] = ContextVar("mark")


class Marker:
    """What a request's context holds, as frameworks keep their request there."""


@pytest.fixture(params=WORLDS, ids=str)
def world(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend(world: World) -> Any:
    return world.anyio_backend


async def test_a_write_takes_no_connection_that_was_idle_for_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer() as server:
        async with Transport(server.url, TOKEN, backend=world.client, rate_limit=None) as transport:  # type: ignore[arg-type]
            await transport.send(reading())
            now = time.monotonic() + 5
            monkeypatch.setattr(time, "monotonic", lambda: now)
            await transport.send(reading(method="POST"))
            assert server.connections == 1
            now += 5
            await transport.send(writing())
            assert server.connections == 2
            # A read is content with either.
            now += 5
            await transport.send(reading())
            assert server.connections == 2
    assert [seen.connection for seen in server.seen] == [1, 1, 2, 2]


async def test_no_context_of_an_ended_request_stays_alive(world: World) -> None:
    marks: list[weakref.ref[Marker]] = []

    async def call(transport: Transport) -> None:
        marker = Marker()
        marks.append(weakref.ref(marker))
        mark.set(marker)
        await transport.send(reading())

    with RawServer(lambda seen: Say(ok().data, delay=0.01)) as server:
        async with Transport(server.url, TOKEN, backend=world.client, rate_limit=None) as transport:  # type: ignore[arg-type]
            for _ in range(3):
                async with anyio.create_task_group() as tasks:
                    for _ in range(3):
                        tasks.start_soon(call, transport)
            await anyio.sleep(0.01)
            gc.collect()
            # From Python 3.15 on, asyncio's own transports keep the context that they were made in: here that of the
            # request that opened the connection.
            kept = 3 if sys.version_info >= (3, 15) and world == World("asyncio", "httpx") else 0
            assert len([ref() for ref in marks if ref() is not None]) == kept


async def test_the_transport_keeps_connections_of_each_origin_apart() -> None:
    with RawServer() as one, RawServer() as two:
        async with httpx.AsyncClient(transport=CancelSafeTransport(trust_env=False), trust_env=False) as client:
            for _ in range(2):
                for server in (one, two):
                    assert (await client.get(server.url)).json() == {"ok": 1}
            # A write by any other client: its method tells.
            assert (await client.post(one.url)).json() == {"ok": 1}
        assert (one.connections, two.connections) == (1, 1)


async def test_closing_a_body_twice_gives_its_connection_back_once() -> None:
    with RawServer() as server:
        transport = CancelSafeTransport(trust_env=False)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            response = await transport.handle_async_request(client.build_request("GET", server.url))
            await response.aread()
            stream: Any = response.stream
            await stream.aclose()
            for _ in range(2):
                await client.get(server.url)
        assert server.connections == 1


def test_a_proxy_that_is_no_url() -> None:
    with pytest.raises(ConfigurationError, match=r"^proxy must be a URL such as"):
        CancelSafeTransport(proxy="http://xn--:1")


async def test_an_export_gives_its_slot_back_with_the_last_byte(world: World) -> None:
    def script(seen: Seen) -> Say:
        return ok(b"id\n1\n") if b"csv" in seen.head else ok()

    with RawServer(script) as server:
        async with (
            Transport(server.url, TOKEN, backend=world.client, max_concurrency=1) as transport,  # type: ignore[arg-type]
            transport.stream(reading(accept="text/csv")) as response,
        ):
            assert b"".join([chunk async for chunk in response.chunks()]) == b"id\n1\n"
            with anyio.fail_after(2):
                assert (await transport.send(reading())).parsed == {"ok": 1}
        assert server.connections == 1
