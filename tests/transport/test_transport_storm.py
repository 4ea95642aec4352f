"""Calls cancelled after so many turns of the event loop: afterwards no slot and no connection is lost."""

from __future__ import annotations

import asyncio
import gc
import random
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ac_sms_async.errors import SMSError
from ac_sms_async.options import RetryPolicy
from ac_sms_async.transport import Transport
from tests.open_files import open_files
from tests.transport.raw_server import RawServer, Say, ok
from tests.transport.requests import TOKEN, reading

pytestmark = pytest.mark.anyio

TURNS = 45
CALLERS = 4
SLOTS = 3


@pytest.fixture(params=[("asyncio", "httpx"), ("trio", "httpx"), ("asyncio", "aiohttp")], ids="-".join)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend(kind: tuple[str, str]) -> str:
    return kind[0]


def sockets() -> int:
    """How many this process has open."""
    return sum(file.startswith("socket") for file in open_files())


async def cancelled_after(turns: int, transport: Transport, *, native: bool) -> None:
    """Cancel a call, by a scope of AnyIO or, on asyncio, by `Task.cancel()`, which no shield holds against."""

    async def call() -> None:
        if turns % 2:
            await transport.send(reading())
        else:
            async with transport.stream(reading()) as response:
                async for _ in response.chunks():
                    pass

    if native:
        task = asyncio.get_running_loop().create_task(call())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
        return
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_a_storm(kind: tuple[str, Any], secure: bool, server_tls: Any, client_tls: Any) -> None:
    before = sockets()
    draw = random.Random(5)
    with RawServer(lambda seen: Say(ok().data, delay=0.002), tls=server_tls if secure else None) as server:
        options: dict[str, Any] = {"backend": kind[1], "rate_limit": None, "max_concurrency": SLOTS, "deadline": 10}
        if secure:
            options["ssl_context"] = client_tls
        async with Transport(server.url, TOKEN, retry=RetryPolicy(1), **options) as transport:

            async def caller() -> None:
                turns = [*range(TURNS)]
                draw.shuffle(turns)
                for number in turns:
                    native = kind[0] == "asyncio" and number % 4 < 2
                    await cancelled_after(number, transport, native=native)

            async with anyio.create_task_group() as tasks:
                for _ in range(CALLERS):
                    tasks.start_soon(caller)
            # All slots are there: these would wait for ever otherwise.
            with anyio.fail_after(5):
                async with anyio.create_task_group() as tasks:
                    for _ in range(2 * SLOTS):
                        tasks.start_soon(transport.send, reading())
            with anyio.move_on_after(1):
                while server.open > SLOTS:  # noqa: ASYNC110  # another thread counts
                    await anyio.sleep(0.005)
            assert server.open <= SLOTS
        assert await server.settles(0)
    # A connection that nobody closed warns when it is collected.
    gc.collect()
    assert sockets() <= before


async def test_what_fails_meanwhile_is_one_of_our_errors(kind: tuple[str, Any]) -> None:
    with RawServer(lambda seen: Say(then="reset") if len(server.seen) % 3 == 0 else ok()) as server:
        async with Transport(server.url, TOKEN, backend=kind[1], rate_limit=None, retry=RetryPolicy(1)) as transport:
            for turns in range(0, 60, 2):
                try:
                    await cancelled_after(turns + 1, transport, native=kind[0] == "asyncio")
                except* SMSError:
                    pass
        assert await server.settles(0)
