"""Whatever ids are bad or missing, however they are cut and in whatever order answers come: one outcome each."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from attrs import define
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_sms_async.batching.outcome import Found, Outcome
from ac_sms_async.batching.stream import OutcomeStream
from ac_sms_async.errors import BadRequestError, SMSError

IDS = st.lists(st.integers(1, 30), max_size=40)


@define
class Case:
    """What is asked for, and what the server makes of it; `delays` are turns of the loop, in the order of requests."""

    ids: list[int]
    bad: frozenset[int]
    missing: frozenset[int]
    chunk_size: int
    max_concurrency: int
    ordered: bool
    delays: list[int]


CASES = st.builds(
    Case,
    ids=IDS,
    bad=st.one_of(st.just(frozenset[int]()), st.frozensets(st.integers(1, 30))),
    missing=st.frozensets(st.integers(1, 30), max_size=5),
    chunk_size=st.integers(1, 9),
    max_concurrency=st.integers(1, 5),
    ordered=st.booleans(),
    delays=st.lists(st.integers(0, 8), min_size=1, max_size=10),
)


async def run(case: Case, live: bool, give_up_after: int) -> tuple[list[Outcome[int]], SMSError | None, int]:
    requests = 0
    delays = itertools.cycle(case.delays)

    async def fetch(ids: list[int]) -> dict[int, int]:
        nonlocal requests
        requests += 1
        for _ in range(next(delays)):
            await anyio.lowlevel.checkpoint()
        if case.bad & set(ids):
            raise BadRequestError("one of them is bad", status=400)
        return {id: -id for id in ids if id not in case.missing}

    stream = OutcomeStream(
        case.ids,
        fetch,
        found=Found[int],
        chunk_size=case.chunk_size,
        max_concurrency=case.max_concurrency,
        ordered=case.ordered,
        give_up_after=give_up_after,
    )
    got: list[Outcome[int]] = []
    async with stream if live else contextlib.nullcontext():
        try:
            async for outcome in stream:
                got.append(outcome)  # noqa: PERF401 - what came before an error counts
        except SMSError as error:
            return got, error, requests
    return got, None, requests


def expected(case: Case, id: int) -> tuple[str, int | None]:
    if id in case.bad:
        return "failed", None
    return ("missing", None) if id in case.missing else ("ok", -id)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("live", [False, True])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=CASES)
def test_every_id_gets_its_outcome(backend: str, live: bool, case: Case) -> None:
    got, error, requests = anyio.run(run, case, live, 10**6, backend=backend)
    ids = list(dict.fromkeys(case.ids))
    assert error is None
    assert sorted(outcome.id for outcome in got) == sorted(ids)
    if case.ordered:
        assert [outcome.id for outcome in got] == ids
    for outcome in got:
        assert (outcome.status, outcome.value) == expected(case, outcome.id)
    assert requests <= 2 * len(ids)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("live", [False, True])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=CASES)
def test_a_run_ends_after_two_chunks_in_a_row_that_are_all_bad(backend: str, live: bool, case: Case) -> None:
    got, error, _ = anyio.run(run, case, live, 2, backend=backend)
    ids = list(dict.fromkeys(case.ids))
    size = case.chunk_size
    all_bad: list[Any] = [set(ids[at : at + size]) <= case.bad for at in range(0, len(ids), size)]
    assert (error is not None) == any(first and second for first, second in itertools.pairwise(all_bad))
    assert len({outcome.id for outcome in got}) == len(got)
    for outcome in got:
        assert (outcome.status, outcome.value) == expected(case, outcome.id)
