"""Batches at their edges: when they give up, how far they run ahead, what a chunk is, what they call wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async import BadRequestError, ConfigurationError
from ac_sms_async.batching.chunk_runner import ChunkRunner
from ac_sms_async.batching.outcome import Found
from ac_sms_async.batching.stream import OutcomeStream
from ac_sms_async.options import shown


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


async def _gave_up_after(order: list[int], in_a_row: int) -> int | None:
    """How many refusals it took, in this order of chunks; None if it never gave up."""

    async def refuse(ids: list[int]) -> dict[int, str]:
        raise BadRequestError("no", status=400)

    async def turn() -> None:
        raise AssertionError("a chunk of one id is not split")

    runner: ChunkRunner[str, Found[str]] = ChunkRunner(refuse, Found, give_up_after=in_a_row)
    for count, index in enumerate(order, start=1):
        await runner.run(index, [index + 1], turn)
        if runner.gave_up is not None:
            return count
    return None


def _expected(order: list[int], in_a_row: int) -> int | None:
    for count in range(1, len(order) + 1):
        refused = set(order[:count])
        if any(refused.issuperset(range(start, start + in_a_row)) for start in refused):
            return count
    return None


@given(st.lists(st.integers(0, 9), unique=True), st.integers(1, 5))
def test_the_order_of_the_answers_changes_nothing(order: list[int], in_a_row: int) -> None:
    assert anyio.run(_gave_up_after, order, in_a_row) == _expected(order, in_a_row)


class Server:
    """Knows every id; takes as long as it is told to for the chunk that begins with an id."""

    def __init__(self, **takes: float) -> None:
        self.takes = takes
        self.asked: list[list[int]] = []

    async def fetch(self, ids: list[int]) -> Mapping[int, str]:
        self.asked.append(ids)
        await anyio.sleep(self.takes.get(f"id_{ids[0]}", 1))
        return {id: f"word {id}" for id in ids if id % 10}

    def stream(self, ids: Any, **options: Any) -> OutcomeStream[str, Found[str]]:
        return OutcomeStream(ids, self.fetch, found=Found[str], **options)


@pytest.mark.anyio
async def test_a_chunk_is_a_hundred_ids_and_four_are_asked_for_at_once() -> None:
    server = Server()
    await anext(server.stream(range(1, 1000)))
    assert [len(ids) for ids in server.asked] == [100] * 4


@pytest.mark.anyio
async def test_behind_a_chunk_that_takes_for_ever_no_more_than_two_for_each_worker_pile_up() -> None:
    server = Server(id_1=1000)
    async with server.stream(itertools.count(1), chunk_size=1, max_concurrency=3) as stream:
        await anyio.sleep(500)
        assert [ids[0] for ids in server.asked] == [1, 2, 3, 4, 5, 6]
        assert [(await anext(stream)).id for _ in range(6)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.anyio
async def test_ids_that_end_in_an_error_end_behind_the_slowest_chunk() -> None:
    def ids() -> Iterator[int]:
        yield from (1, 2, 3, 4)
        raise OSError("the file ended")

    seen: list[int] = []

    async def read(stream: OutcomeStream[str, Found[str]]) -> None:
        async with stream:
            while (outcome := await anext(stream, None)) is not None:
                seen.append(outcome.id)

    with pytest.raises(OSError, match="the file ended"):
        await read(Server(id_1=50).stream(ids(), chunk_size=2))
    assert seen == [1, 2, 3, 4]


@pytest.mark.anyio
async def test_whatever_makes_the_outcomes_of_what_was_found_is_told_id_and_value() -> None:
    def make(id: int, value: str, /) -> Found[str]:
        told.append((id, value))
        return Found(id, value)

    told: list[tuple[int, str]] = []
    async for _ in OutcomeStream([9, 10], Server().fetch, found=make):
        pass
    assert told == [(9, "word 9")]


@pytest.mark.anyio
async def test_a_block_that_was_entered_once_says_what_is_wrong_with_it() -> None:
    stream = Server().stream(range(1, 9))
    async with stream:
        pass
    with pytest.raises(ConfigurationError) as again:
        await stream.__aenter__()
    assert str(again.value) == "this stream had its `async with` block already"
    with pytest.raises(ConfigurationError) as late:
        await anext(stream)
    assert str(late.value) == "this stream belongs to an `async with` block that was cancelled or has ended"


@pytest.mark.parametrize("name", ["chunk_size", "max_concurrency", "give_up_after"])
@pytest.mark.parametrize("wrong", [0, -1, True, 1.0, "4", None, -(10**5000)], ids=shown)
def test_what_is_no_number_of_anything_is_called_by_its_name(name: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Server().stream([1], **{name: wrong})
    assert str(caught.value) == f"{name} must be a whole number, 1 or more, not {shown(wrong)}"
