"""Something for each of many ids: in chunks, a few at once, and each id gets exactly one outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from functools import partial
from typing import Any, Generic, Self, TypeVar, cast

import anyio

from ac_sms_async.async_only import AsyncOnly
from ac_sms_async.batching.chunk_runner import ChunkFetch, ChunkRunner, FoundFactory
from ac_sms_async.batching.id_chunks import IdChunks
from ac_sms_async.batching.outcome import Failed, Found, Missing, OutcomeOf
from ac_sms_async.errors import ConfigurationError, SMSError
from ac_sms_async.options import refuse_async, whole_number
from ac_sms_async.tasks import Background, Condition

__all__ = ["ChunkFetch", "FoundFactory", "OutcomeStream", "collect"]

V = TypeVar("V")
B = TypeVar("B")
FoundT = TypeVar("FoundT", bound=Found[Any])

Progress = Callable[[int, int, int | None], object]
"""`on_progress(done, failed, total)`: ids with an outcome, those of them that failed, all ids where that is known."""


class OutcomeStream(AsyncOnly, Generic[V, FoundT]):
    """Iterate over it for one outcome of each id: `async for outcome in stream`, once.

    Iterated plainly, requests run only while the next outcome is awaited, up to `max_concurrency` at once; leaving the
    loop leaves nothing open. Inside `async with stream:` that many run all the time, up to two chunks each ahead of
    what was taken; leaving the block ends them.

    An error that ends the run (401, 402, 403; `give_up_after` chunks in a row refused to the last id; a bad id; an
    error of `ids` itself) comes out behind the outcomes of all chunks that were finished.
    """

    _instead_of_await = "use `async for outcome in stream`"
    _instead_of_for = "use `async for outcome in stream`"

    def __init__(
        self,
        ids: Iterable[int] | AsyncIterable[int],
        fetch: ChunkFetch[V],
        *,
        found: FoundFactory[V, FoundT],
        chunk_size: int = 100,
        max_concurrency: int = 4,
        ordered: bool = True,
        give_up_after: int = 2,
        on_progress: Progress | None = None,
    ) -> None:
        """`fetch(ids)` gets a chunk; `found(id, value)` makes the outcome of an id that was found.

        `ordered` gives outcomes out in the order of the ids, otherwise as their chunks come in. Duplicate ids
        are asked for once.
        """
        chunk_size = whole_number("chunk_size", chunk_size)
        max_concurrency = whole_number("max_concurrency", max_concurrency)
        give_up_after = whole_number("give_up_after", give_up_after)
        refuse_async("on_progress", on_progress)
        self._chunks = IdChunks(ids, chunk_size)
        self._runner = ChunkRunner(fetch, found, give_up_after=give_up_after)
        self._max_concurrency = max_concurrency
        self._ordered = ordered
        self._on_progress = on_progress
        self._done = self._failed = 0
        # A chunk is pulled (_todo), runs, is finished, and becomes ready when its turn has come.
        self._pulled = 0
        self._todo: dict[int, list[int]] = {}
        self._exhausted = False
        self._finished: dict[int, list[OutcomeOf[FoundT]]] = {}
        self._next = 0
        self._ready: deque[list[OutcomeOf[FoundT]]] = deque()
        self._current: Iterator[OutcomeOf[FoundT]] = iter(())
        self._failure: Exception | None = None
        self._source_failure: Exception | None = None
        self._wave = anyio.Lock(fast_acquire=True)
        self._background: Background | None = None
        self._working = False
        self._changed = Condition()
        self._room = Condition()
        self._one_less = Condition()

    def __repr__(self) -> str:
        ids = "ids" if self._chunks.total is None else f"of {self._chunks.total} ids"
        return f"<{type(self).__name__}: {self._done} {ids} done, {self._failed} failed>"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> OutcomeOf[FoundT]:
        while True:
            for outcome in self._current:
                return outcome
            if self._ready:
                self._current = iter(self._ready.popleft())
                self._room.notify_all()
            elif self._failure is not None:
                raise self._failure
            elif self._exhausted and not self._todo and not self._finished and self._source_failure is None:
                raise StopAsyncIteration
            elif self._background is None:
                await self._run_wave()
            elif self._working:
                await self._changed.wait()
            else:
                raise ConfigurationError("this stream belongs to an `async with` block that was cancelled or has ended")

    async def __aenter__(self) -> Self:
        if self._background is not None:
            raise ConfigurationError("this stream had its `async with` block already")
        self._background = Background()
        await self._background.__aenter__()
        self._working = True
        self._background.start(self._work_all, self._end_work)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._background is not None:
            await self._background.__aexit__(*error)

    async def _run_wave(self) -> None:
        """Make at least one chunk's outcomes ready, or find out that none will come, or why."""
        # Tasks that share the stream take turns.
        async with self._wave:
            if self._ready or self._failure is not None or self._background is not None:
                return
            # What is pulled stays in _todo until it is finished, so a wave that is cancelled is run again by the next
            # call.
            while len(self._todo) < self._max_concurrency and await self._pull():
                pass
            async with anyio.create_task_group() as group:
                for index in self._todo:
                    group.start_soon(self._run, index, group.cancel_scope)
            self._release()

    async def _work_all(self) -> None:
        turn = anyio.Lock()
        async with self._wave:
            # A wave that was under way when the block began has ended.
            left = deque(self._todo)
        async with anyio.create_task_group() as group:
            for _ in range(self._max_concurrency):
                group.start_soon(self._work, left, turn, group.cancel_scope)

    def _end_work(self) -> None:
        self._working = False
        self._release()

    async def _work(self, left: deque[int], turn: anyio.Lock, end: anyio.CancelScope) -> None:
        try:
            while True:
                async with turn:
                    while len(self._todo) + len(self._finished) + len(self._ready) >= 2 * self._max_concurrency:
                        await self._room.wait()
                    if not left:
                        if not await self._pull():
                            return
                        left.append(self._pulled - 1)
                    index = left.popleft()
                await self._run(index, end)
                self._release()
        except BaseException:
            # Without the chunk that it leaves behind, the others would wait for ever.
            end.cancel()
            raise

    async def _pull(self) -> bool:
        """Get one more chunk to do; False where there is none."""
        if self._exhausted:
            return False
        try:
            ids = await self._chunks.next()
        except Exception as error:  # noqa: BLE001 - raised behind the outcomes of the chunks before it
            self._source_failure = error
            ids = []
        if not ids:
            self._exhausted = True
            return False
        self._todo[self._pulled] = ids
        self._pulled += 1
        return True

    async def _run(self, index: int, end: anyio.CancelScope) -> None:
        try:
            outcomes = await self._runner.run(index, self._todo[index], partial(self._turn, index))
            del self._todo[index]
            self._one_less.notify_all()
            self._finished[index] = outcomes
            self._done += len(outcomes)
            self._failed += sum(outcome.status == "failed" for outcome in outcomes)
            if self._on_progress is not None:
                self._on_progress(self._done, self._failed, self._chunks.total)
            failure: Exception | None = self._runner.gave_up
        except Exception as error:  # noqa: BLE001 - raised behind the outcomes of the chunks that are finished
            failure = error
        if failure is not None:
            self._failure = self._failure or failure
            end.cancel()

    async def _turn(self, index: int) -> None:
        """Wait until all chunks before this one are finished."""
        while next(iter(self._todo)) != index:
            await self._one_less.wait()

    def _release(self) -> None:
        """Move what is finished, and whose turn has come, to what is ready."""
        if self._exhausted and not self._todo:
            self._failure = self._failure or self._source_failure
        if self._ordered and self._failure is None:
            while self._next in self._finished:
                self._ready.append(self._finished.pop(self._next))
                self._next += 1
        else:
            for index in sorted(self._finished):
                self._ready.append(self._finished.pop(index))
        self._changed.notify_all()


async def collect(
    stream: OutcomeStream[V, FoundT], build: Callable[[dict[int, V], list[int], dict[int, SMSError]], B]
) -> B:
    """Run the stream to its end and `build(values, missing, failed)`: every id is in exactly one of the three.

    An `SMSError` that ends the run early carries what was built of the outcomes so far as `.batch`.
    """
    values: dict[int, V] = {}
    missing: list[int] = []
    failed: dict[int, SMSError] = {}
    try:
        async with stream:
            async for outcome in stream:
                if isinstance(outcome, Failed):
                    failed[outcome.id] = outcome.error
                elif isinstance(outcome, Missing):
                    missing.append(outcome.id)
                else:
                    values[outcome.id] = outcome.value
    except SMSError as error:
        error.batch = cast("Any", build(values, missing, failed))
        raise
    return build(values, missing, failed)
