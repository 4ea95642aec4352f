"""Which ids came before: exactly, and in little room."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_sms_async.batching.id_chunks import SeenIds
from ac_sms_async.batching.outcome import Found
from ac_sms_async.batching.stream import OutcomeStream

IDS = st.one_of(st.integers(1, 12), st.integers(2**63 - 3, 2**63 + 3), st.integers(1, 10**30))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(IDS, max_size=40))
def test_an_id_is_new_once(ids: list[int]) -> None:
    seen = SeenIds()
    assert [id for id in ids if seen.add(id)] == list(dict.fromkeys(ids))


async def fetch(ids: list[int]) -> dict[int, int]:
    return dict.fromkeys(ids, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("live", [False, True])
async def test_many_ids_take_little_room(step: int, live: bool) -> None:
    count = 10_000
    stream = OutcomeStream(range(1, count * step + 1, step), fetch, found=Found[int])
    tracemalloc.start()
    try:
        got = 0
        async with stream if live else contextlib.nullcontext():
            async for _ in stream:
                got += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert got == count
    # A set of them takes 80 bytes for each.
    assert peak < 300_000 + (20 * count if step > 1 else 0)
