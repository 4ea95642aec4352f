"""Any life of a stream or pager: shared, interrupted, its owner gone, closed elsewhere. It ends, whole or failed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any, Literal, TypeAlias

import anyio
import anyio.lowlevel
import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_sms_async import ConfigurationError
from ac_sms_async.batching.outcome import Found
from ac_sms_async.batching.stream import OutcomeStream
from ac_sms_async.paging.pager import FetchedPage, Pager
from tests.properties.connections import examples
from tests.spinning import no_spinning

IDS = list(range(1, 25))
Kind: TypeAlias = Literal["stream", "rows", "pages"]
Leaving: TypeAlias = Literal["after reading", "early", "cancelled", "in another task"]
TURNS = 2000
"""Far more turns of the loop than any of these lives takes."""


@frozen
class Life:
    """What happens to one stream or pager."""

    kind: Kind
    live: bool
    leaving: Leaving
    after: int
    """Turns until its owner leaves."""
    cleaning: int
    """Turns for which an owner who was cancelled cleans up under a shield, inside the block."""
    patience: list[list[int]]
    """For each task that reads: after how many turns it gives up waiting, time after time; then it waits."""
    pause: int
    """Turns that a request takes."""
    ordered: bool
    workers: list[tuple[int, int]]
    """On asyncio: after how many turns more which of the tasks is cancelled that the stream or pager has started."""


LIVES = st.builds(
    Life,
    kind=st.sampled_from(["stream", "rows", "pages"]),
    live=st.booleans(),
    leaving=st.sampled_from(["after reading", "early", "cancelled", "in another task"]),
    after=st.integers(0, 40),
    cleaning=st.integers(0, 40),
    patience=st.lists(st.lists(st.integers(0, 12), max_size=6), min_size=1, max_size=3),
    pause=st.integers(0, 8),
    ordered=st.booleans(),
    workers=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 5)), max_size=3),
)


async def turns(count: int) -> None:
    for _ in range(count):
        await anyio.lowlevel.checkpoint()


class Lived:
    """Lives it."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.running = 0
        self.open = False
        self.beside = False
        """Whether an iterator was begun outside of the block: it fetches for itself, also while the block ends."""
        self.got: list[int] = []
        self.ended = 0
        self.errors: list[Exception] = []
        self.stream: Any
        if life.kind == "stream":
            self.stream = OutcomeStream(
                IDS, self.fetch, found=Found[int], chunk_size=3, max_concurrency=2, ordered=life.ordered
            )
        else:
            self.stream = Pager(self.page, key=int, name="numbers", page_size=4, prefetch=2)

    async def fetch(self, ids: list[int]) -> dict[int, int]:
        self.running += 1
        try:
            await turns(self.life.pause)
            return {id: id for id in ids}
        finally:
            self.running -= 1

    async def page(self, offset: int, limit: int) -> FetchedPage[int]:
        return FetchedPage(list(await self.fetch(IDS[offset : offset + limit])), len(IDS))

    def begin(self) -> AsyncIterator[Any]:
        self.beside = self.beside or not self.open
        iterator: AsyncIterator[Any] = self.stream.pages() if self.life.kind == "pages" else aiter(self.stream)
        return iterator

    async def take(self, iterator: AsyncIterator[Any]) -> None:
        item = await anext(iterator)
        self.got += [item.id] if self.life.kind == "stream" else item.items if self.life.kind == "pages" else [item]

    async def read(self, iterator: AsyncIterator[Any], patience: list[int]) -> None:
        failed = 0
        left = list(patience)
        while failed < 3:
            try:
                await self.step(iterator, left.pop() if left else None)
            except StopAsyncIteration:
                self.ended += 1
                # What has failed doesn't end well afterwards.
                assert not failed
                return
            except ConfigurationError as error:
                failed += 1
                self.errors.append(error)

    async def step(self, iterator: AsyncIterator[Any], patience: int | None) -> None:
        if patience is None:
            await self.take(iterator)
            return
        raised: list[Exception] = []

        async def take() -> None:
            try:
                await self.take(iterator)
            except (StopAsyncIteration, ConfigurationError) as error:
                raised.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(take, name="reader")
            await turns(patience)
            group.cancel_scope.cancel()
        if raised:
            raise raised[0]

    async def own(self, read: anyio.Event) -> None:
        if not self.life.live:
            return
        await self.stream.__aenter__()
        self.open = True
        try:
            if self.life.leaving == "after reading":
                await read.wait()
            else:
                await turns(self.life.after)
                if self.life.leaving == "cancelled":
                    with anyio.CancelScope() as scope:
                        scope.cancel()
                        try:
                            await anyio.sleep_forever()
                        finally:
                            with anyio.CancelScope(shield=True):
                                await turns(self.life.cleaning)
        finally:
            self.open = False
            if self.life.leaving == "in another task":
                async with anyio.create_task_group() as group:
                    group.start_soon(self.stream.__aexit__, None, None, None, name="closer")
            else:
                await self.stream.__aexit__(None, None, None)
            # Closing twice is fine.
            await self.stream.__aexit__(None, None, None)
            assert self.running == 0 or self.beside

    async def cancel_workers(self) -> None:
        """Cancel single tasks of the stream or pager, as no caller of it could: by `Task.cancel()`."""
        for after, which in self.life.workers:
            await turns(after)
            named = {task.get_name(): task for task in asyncio.all_tasks()}
            theirs = sorted(name for name in named if name.startswith(("Task-", "ac_sms_async")))
            if theirs:
                named[theirs[which % len(theirs)]].cancel()

    async def run(self, loop: str) -> None:
        read = anyio.Event()

        async def all_read() -> None:
            # One iterator for all of them. It begins beside the block, or in it.
            await turns(self.life.after % 3)
            iterator = self.begin()
            async with anyio.create_task_group() as readers:
                for patience in self.life.patience:
                    readers.start_soon(self.read, iterator, patience, name="reader")
            read.set()

        async with anyio.create_task_group() as group:
            group.start_soon(self.own, read, name="owner")
            group.start_soon(all_read, name="readers")
            if loop == "asyncio":
                group.start_soon(self.cancel_workers, name="canceller")
            await within_bounds(read)
        if self.ended:
            assert sorted(self.got) == IDS
        else:
            assert self.errors
        assert len(set(self.got)) == len(self.got)
        assert self.running == 0
        if self.life.kind != "stream":
            await self.again()

    async def again(self) -> None:
        """A pager begins anew, whatever became of the last time."""
        self.got = []
        read = anyio.Event()

        async def read_all() -> None:
            await self.read(self.begin(), [])
            read.set()

        async with anyio.create_task_group() as group:
            group.start_soon(read_all)
            await within_bounds(read)
        assert self.got == IDS


async def within_bounds(read: anyio.Event) -> None:
    for _ in range(TURNS):
        if read.is_set():
            return
        await anyio.lowlevel.checkpoint()
    raise AssertionError("it doesn't end")


# What AnyIO says of tasks that are cancelled from outside before they begin.
@pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <coroutine:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_any_life_of_a_stream_or_pager_ends(loop: str) -> None:
    @settings(max_examples=examples(150), deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
    @given(LIVES)
    def live(life: Life) -> None:
        with no_spinning():
            anyio.run(Lived(life).run, loop, backend=loop)

    live()
    # Else what is said of those tasks is said in another test.
    gc.collect()
