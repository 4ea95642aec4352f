"""A cancellation storm: many calls at once, each cancelled soon after its start, by time or by turns of the loop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
from attrs import define

MOMENTS = 0.006
"""A call is cancelled at the latest this many seconds after it began; the server takes 10 ms."""
TURNS = 60
"""Or after so many turns of the event loop: that finds windows which no clock hits."""

Call = Callable[[], Awaitable[object]]


@define
class Tally:
    """How the calls ended."""

    finished: int = 0
    cancelled: int = 0

    @property
    def calls(self) -> int:
        return self.finished + self.cancelled


async def storm(call: Callable[[random.Random], Call], *, calls: int, callers: int, seed: int, native: bool) -> Tally:
    """Run `calls` calls by so many concurrent callers, and cancel each.

    `native` cancels asyncio's own way, `task.cancel()`, every other time: what an AnyIO scope forgives, that may not.
    """
    tally = Tally()
    numbers = iter(range(calls))

    async def caller() -> None:
        for number in numbers:
            # Each call draws for itself, so that the order in which callers get their turn changes nothing.
            draw = random.Random(f"{seed}-{number}")
            cancel = _cancel_task if native and draw.random() < 0.5 else _cancel_scope
            if await cancel(call(draw), draw):
                tally.finished += 1
            else:
                tally.cancelled += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(callers):
            tasks.start_soon(caller)
    return tally


async def _moment(draw: random.Random) -> None:
    if draw.random() < 0.5:
        await anyio.sleep(draw.uniform(0, MOMENTS))
    else:
        for _ in range(draw.randrange(TURNS)):
            await anyio.lowlevel.checkpoint()


async def _cancel_scope(call: Call, draw: random.Random) -> bool:
    finished = False

    async def run() -> None:
        nonlocal finished
        await call()
        finished = True
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await _moment(draw)
        tasks.cancel_scope.cancel()
    return finished


async def _cancel_task(call: Call, draw: random.Random) -> bool:
    async def run() -> None:
        await call()

    task = asyncio.get_running_loop().create_task(run())
    await _moment(draw)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True
