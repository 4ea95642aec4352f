"""Which ids came before: exactly, and in little room."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_sms_async.batching import Outcome, OutcomeStream
from ac_sms_async.id_chunks import SeenIds

IDS = st.one_of(st.integers(1, 12), st.integers(2**63 - 3, 2**63 + 3), st.integers(1, 10**30))


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(IDS, max_size=40))
def test_an_id_is_new_once(ids: list[int]) -> None:
    seen = SeenIds()
    assert [id for id in ids if seen.add(id)] == list(dict.fromkeys(ids))


async def fetch(ids: list[int]) -> dict[int, int]:
    return dict.fromkeys(ids, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("live", [False, True])
async def test_a_hundred_thousand_ids_take_no_room(step: int, live: bool) -> None:
    stream = OutcomeStream(range(1, 100_000 * step + 1, step), fetch, outcome=Outcome[int])
    tracemalloc.start()
    try:
        count = 0
        if live:
            async with stream:
                async for _ in stream:
                    count += 1
        else:
            async for _ in stream:
                count += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 100_000
    assert peak < 2_500_000
