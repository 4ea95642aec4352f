"""A batch gives up when so many chunks in a row were refused, in whatever order their answers come."""

from __future__ import annotations

import anyio
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async import BadRequestError, Outcome
from ac_sms_async.chunk_runner import ChunkRunner


async def _gave_up_after(order: list[int], in_a_row: int) -> int | None:
    """How many refusals it took, in this order of chunks; None if it never gave up."""

    async def refuse(ids: list[int]) -> dict[int, str]:
        raise BadRequestError("no", status=400)

    async def turn() -> None:
        raise AssertionError("a chunk of one id is not split")

    runner: ChunkRunner[str, Outcome[str]] = ChunkRunner(refuse, Outcome, give_up_after=in_a_row)
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
