"""Calls cancelled after so many turns of the event loop: afterwards no slot and no connection is lost."""

from __future__ import annotations

import asyncio
import gc
import os
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
from tests.transport.worlds import LIBRARIES, World

pytestmark = pytest.mark.anyio

TURNS = 45
CALLERS = 4
SLOTS = 3


WORLDS = [
    World("asyncio", "httpx"),
    World("trio", "httpx"),
    World("uvloop", "httpx"),
    World("asyncio", "httptools"),
    World("uvloop", "httptools"),
    World("asyncio", "own-httpx"),
    World("trio", "own-httpx2"),
    World("asyncio", "safe-httpx2"),
    World("trio", "safe-httpx"),
]


@pytest.fixture(params=WORLDS, ids=str)
def world(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend(world: World) -> Any:
    return world.anyio_backend


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
async def test_a_storm(world: World, secure: bool, server_tls: Any, client_tls: Any) -> None:
    if secure and (world.loop, world.client) == ("uvloop", "httptools"):
        pytest.skip("uvloop's own TLS writes to a transport that it has closed, and tells the loop's exception handler")
    before = sockets()
    draw = random.Random(5)
    with RawServer(lambda seen: Say(ok().data, delay=0.002), tls=server_tls if secure else None) as server:
        context = {"ssl_context": client_tls} if secure else {}
        async with (
            world.options(rate_limit=None, max_concurrency=SLOTS, deadline=10, **context) as options,
            Transport(server.url, TOKEN, retry=RetryPolicy(1), **options) as transport,
        ):

            async def caller() -> None:
                turns = [*range(TURNS)]
                draw.shuffle(turns)
                for number in turns:
                    native = world.loop != "trio" and number % 4 < 2
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
            # How many a pool of the caller's keeps is the pool's affair.
            assert server.open <= SLOTS or world.is_plain_pool
        assert await server.settles(0)
    # A connection that nobody closed warns when it is collected.
    gc.collect()
    assert sockets() <= before


async def test_what_fails_meanwhile_is_one_of_our_errors(world: World) -> None:
    with RawServer(lambda seen: Say(then="reset") if len(server.seen) % 3 == 0 else ok()) as server:
        async with (
            world.options(rate_limit=None, retry=RetryPolicy(1)) as options,
            Transport(server.url, TOKEN, **options) as transport,
        ):
            for turns in range(0, 60, 2):
                try:
                    await cancelled_after(turns + 1, transport, native=world.loop != "trio")
                except* SMSError:
                    pass
        assert await server.settles(0)


SWEEP = range(0, 60, 1 if os.environ.get("AC_SMS_DEEP") == "1" else 3)


@pytest.mark.parametrize("world", [World(loop, "httpx") for loop in ("asyncio", "trio")], ids=str)
@pytest.mark.parametrize("library", LIBRARIES)
async def test_a_pool_of_one_survives_a_cancellation_at_any_turn(
    world: World, library: str, server_tls: Any, client_tls: Any
) -> None:
    """Over the caller's own plain pool: each call is cancelled after one turn more, and the next one is answered."""
    module = LIBRARIES[library]
    with RawServer(tls=server_tls) as server:
        for turns in SWEEP:
            limits = module.Limits(max_connections=1)
            async with (
                module.AsyncClient(verify=client_tls, trust_env=False, limits=limits, timeout=2) as client,
                Transport(server.url, TOKEN, http_client=client, rate_limit=None, retry=RetryPolicy(1)) as transport,
            ):
                await cancelled_after(turns, transport, native=False)
                assert (await transport.send(reading())).parsed == {"ok": 1}, turns


# What the pool loses is closed by the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.skipif(not os.environ.get("AC_SMS_DEEP"), reason="one turn in thousands: AC_SMS_DEEP=1")
@pytest.mark.parametrize("world", [World("asyncio", "httpx")], ids=str)
@pytest.mark.parametrize("library", LIBRARIES)
async def test_the_same_without_us_loses_it(world: World, library: str, server_tls: Any, client_tls: Any) -> None:
    """So the sweep bites: this is why each step over such a pool runs in a task of its own."""
    module = LIBRARIES[library]
    lost: list[int] = []
    with RawServer(tls=server_tls) as server:
        # It takes a handshake that ends in the very turn: one in hundreds on a busy machine, or in thousands.
        for turns in [*range(60)] * 200:
            limits = module.Limits(max_connections=1)
            patience = module.Timeout(5, pool=0.2)
            async with module.AsyncClient(
                verify=client_tls, trust_env=False, limits=limits, timeout=patience
            ) as client:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(client.get, server.url)
                    for _ in range(turns):
                        await anyio.lowlevel.checkpoint()
                    tasks.cancel_scope.cancel()
                try:
                    await client.get(server.url)
                except module.PoolTimeout:
                    lost.append(turns)
                    break
    gc.collect()
    assert lost
