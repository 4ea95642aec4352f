"""Jobs beside a block whose tasks are cancelled from outside, as by the event loop's end: nobody waits for ever."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Generator
from pathlib import Path

import anyio
import pytest

from ac_sms_async import ConfigurationError
from ac_sms_async.batching.outcome import Found
from ac_sms_async.batching.stream import OutcomeStream
from ac_sms_async.downloads.part_file import PartFile
from ac_sms_async.downloads.part_writer import PartWriter
from ac_sms_async.paging.pager import FetchedPage, Pager
from ac_sms_async.tasks import Background

# The warning is what AnyIO says of tasks that are cancelled from outside before they begin.
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <coroutine:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def said_here() -> Generator[None]:
    yield
    gc.collect()


@pytest.fixture
def anyio_backend() -> str:
    """On trio nobody cancels the tasks of others."""
    return "asyncio"


async def cancel_the_others(turns: int, kept: set[asyncio.Task[object]]) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in asyncio.all_tasks() - kept:
        task.cancel()


async def fetch(ids: list[int]) -> dict[int, int]:
    await anyio.sleep_forever()
    return {}


async def page(offset: int, limit: int) -> FetchedPage[int]:
    await anyio.sleep_forever()
    return FetchedPage([])


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("kind", ["stream", "pager"])
async def test_who_waits_is_told_when_the_tasks_are_cancelled(kind: str, turns: int) -> None:
    many = (
        OutcomeStream([1, 2], fetch, found=Found[int], chunk_size=1)
        if kind == "stream"
        else Pager(page, key=int, name="numbers")
    )
    kept = asyncio.all_tasks()
    with anyio.fail_after(10):
        async with many:
            reader = asyncio.ensure_future(anext(aiter(many)))
            await cancel_the_others(turns, {*kept, reader})
            with pytest.raises(ConfigurationError, match="has ended"):
                await reader
    assert asyncio.all_tasks() == kept


async def test_a_block_ends_whose_task_never_began() -> None:
    ended: list[str] = []

    async def job() -> None:
        ended.append("it began")

    kept = asyncio.all_tasks()
    with anyio.fail_after(10):
        async with Background() as background:
            background.start(job, lambda: ended.append("told"))
            await cancel_the_others(0, kept)
    assert ended == ["told"]
    assert asyncio.all_tasks() == kept


@pytest.mark.parametrize("turns", range(4))
async def test_a_file_whose_writer_is_cancelled_is_an_error(tmp_path: Path, turns: int) -> None:
    kept = asyncio.all_tasks()
    writer = PartWriter(PartFile(tmp_path / "file"))
    with anyio.fail_after(10):
        async with Background() as background:
            background.start(writer.run, writer.end)
            await cancel_the_others(turns, kept)
            await asyncio.sleep(0)
            writer.put([b"what comes then"])
            with pytest.raises(ConfigurationError, match="what writes the file was cancelled"):
                await writer.drain()


async def test_what_a_job_raises_ends_the_others_and_comes_out_at_the_end() -> None:
    told: list[str] = []

    async def bug() -> None:
        raise ZeroDivisionError

    async def block() -> None:
        async with Background() as background:
            background.start(anyio.sleep_forever, lambda: told.append("the other has ended"))
            background.start(bug, lambda: told.append("it has ended"))
            with anyio.fail_after(10):
                while len(told) < 2:  # noqa: ASYNC110  # nobody tells
                    await asyncio.sleep(0)

    with pytest.raises(ExceptionGroup) as caught:
        await block()
    assert caught.group_contains(ZeroDivisionError)
    assert told == ["it has ended", "the other has ended"]
