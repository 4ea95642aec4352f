"""Whenever it dies, the same call ends with the rows of an undisturbed run, and repeats only what was under way."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from ac_sms_async.collect import RunResult, Window
from ac_sms_async.collect.job import collect_source
from tests.collect.fakes import EVERYTHING, FakeSource, Killed, MemoryStore, contents

pytestmark = pytest.mark.anyio

FEW = list(range(1, 9))


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ac_sms_async.collect.stages.CHUNK", 4)


async def run(source: FakeSource, store: MemoryStore, window: Window | None = None) -> RunResult:
    return await collect_source(source, store, window or Window(), EVERYTHING)


def note(source: FakeSource, lost: list[int]) -> None:
    lost.append(source.under_way)


async def test_dies_at_every_write_and_goes_on() -> None:
    calm, quiet = MemoryStore(), FakeSource(FEW)
    undisturbed = await run(quiet, calm)
    assert undisturbed.status == "complete"
    wanted = await contents(calm)

    for moment in range(1, calm.writes + 1):
        store, source = MemoryStore(), FakeSource(FEW)
        store.kill_at = moment
        lost: list[int] = []
        store.on_kill = partial(note, source, lost)
        with pytest.raises(Killed):
            await run(source, store)
        store.kill_at = None
        result = await run(source, store)
        assert result.status == "complete", moment
        assert result.resumed is (moment > 1), moment
        assert await contents(store) == wanted, moment
        assert set(source.requests) >= set(quiet.requests), moment
        # Failure groups are fetched under counts that are still the same: only what was under way is fetched again,
        # and what was just being written (two answers may come at once).
        times = Counter(what for what in source.requests if what[0] == "failures")
        assert len([what for what, count in times.items() if count > 1]) <= lost[0] + 2, moment


async def test_dies_again_and_again() -> None:
    calm = MemoryStore()
    await run(FakeSource(), calm)
    store, source = MemoryStore(), FakeSource()
    deaths = 0
    while True:
        # A little later each time: it is complete once a sitting lives to see all of the account.
        store.kill_at = store.writes + 4 + deaths
        try:
            result = await run(source, store)
        except Killed:
            deaths += 1
        else:
            break
    assert deaths > 10
    assert result.resumed
    assert await contents(store) == await contents(calm)
