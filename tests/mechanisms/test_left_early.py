"""Whoever iterates may be cancelled at any turn of the loop: nothing is left running, and what follows is whole."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ac_sms_async.batching.outcome import Found
from ac_sms_async.batching.stream import OutcomeStream
from ac_sms_async.paging.pager import FetchedPage, Pager

pytestmark = pytest.mark.anyio

TURNS = range(60)


class Fetches:
    """Takes a few turns of the loop for everything; counts what is under way."""

    def __init__(self) -> None:
        self.running = 0

    async def work(self) -> None:
        self.running += 1
        try:
            for _ in range(3):
                await anyio.lowlevel.checkpoint()
        finally:
            self.running -= 1

    async def page(self, offset: int, limit: int) -> FetchedPage[int]:
        await self.work()
        return FetchedPage(list(range(40))[offset : offset + limit], 40)

    async def chunk(self, ids: list[int]) -> dict[int, int]:
        await self.work()
        return {id: id for id in ids}

    def pager(self) -> Pager[int]:
        return Pager(self.page, key=int, name="numbers", page_size=7, prefetch=3)

    def stream(self) -> OutcomeStream[int, Found[int]]:
        return OutcomeStream(range(1, 41), self.chunk, found=Found[int], chunk_size=4, max_concurrency=3)


async def go_through(everything: Any, live: bool) -> None:
    async with everything if live else contextlib.nullcontext():
        async for _ in everything:
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("kind", ["pager", "stream"])
async def test_a_scope_that_is_cancelled_at_any_turn(kind: str, live: bool) -> None:
    fetches = Fetches()
    for turns in TURNS:
        everything = getattr(fetches, kind)()
        async with anyio.create_task_group() as group:
            group.start_soon(go_through, everything, live)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        assert fetches.running == 0


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("kind", ["pager", "stream"])
async def test_a_task_that_is_cancelled_at_any_turn(kind: str, live: bool) -> None:
    fetches = Fetches()
    others = asyncio.all_tasks()
    for turns in TURNS:
        task = asyncio.create_task(go_through(getattr(fetches, kind)(), live))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert fetches.running == 0
        assert asyncio.all_tasks() == others


@pytest.mark.parametrize("live", [False, True])
async def test_waits_that_are_cancelled_at_any_turn_lose_nothing(live: bool) -> None:
    fetches = Fetches()
    for turns in range(1, 12):
        pager, stream = fetches.pager(), fetches.stream()
        async with pager if live else contextlib.nullcontext():
            assert await patiently(aiter(pager), turns) == list(range(40))
        async with stream if live else contextlib.nullcontext():
            assert [outcome.id for outcome in await patiently(stream, turns)] == list(range(1, 41))
        assert fetches.running == 0


async def patiently(iterator: AsyncIterator[Any], turns: int) -> list[Any]:
    """All there is, though most of the waits for it are cancelled after some turns, and ever later."""
    got: list[Any] = []
    while True:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(_cancel_after, turns, scope)
                item = await anext(iterator, None)
                group.cancel_scope.cancel()
                if item is None:
                    return got
                got.append(item)
        turns += 1


async def _cancel_after(turns: int, scope: anyio.CancelScope) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()
    scope.cancel()
