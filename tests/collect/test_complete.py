"""A run that says `complete` has told the truth, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from ac_sms_async.collect import Row, Window, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.window import Detail
from tests.collect.collecting import Collecting
from tests.collect.conftest import any_store
from tests.collect.fakes import MemoryStore, Mortal
from tests.collect.life import Life, State
from tests.collect.truth import differences
from tests.collect.twins import Elsewhere, Twins
from tests.conftest import VirtualLoop

DEEP = bool(os.environ.get("AC_SMS_DEEP"))


def hold(machine: type[Collecting], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40 * examples if DEEP else examples,
            stateful_step_count=25 if DEEP else 12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
            print_blob=True,
        ),
    )


def test_complete_is_the_truth() -> None:
    hold(Collecting, 40)


@pytest.fixture
def elsewhere(new_database: Callable[[], str]) -> Iterator[Elsewhere]:
    found = Elsewhere(new_database())
    yield found
    found.close()


def test_complete_is_the_truth_on_postgresql_too_where_each_query_answers_as_on_sqlite(elsewhere: Elsewhere) -> None:
    class OnBoth(Collecting):
        def open(self) -> Mortal:
            elsewhere.empty()
            return Twins(elsewhere)

    hold(OnBoth, 12)


def test_failure_groups_that_are_newer_than_the_counts_stay() -> None:
    async def live() -> list[Row]:
        life, store = Life(), MemoryStore()

        async def collect(window: Window) -> None:
            life.next_start = 0.0
            result = await collect_source(life, store, window, frozenset({"failures"}), now=lambda: life.now)
            assert result.status == "complete"

        life.add(State("Old", "sent", life.now), 3)
        await collect(Window())
        # The server leaves its counts out from now on, and a message turns out to have failed.
        life.count(0)
        life.person(0, 0, lambda person: evolve(person, failed="30003"))
        await collect(Window())
        life.now += timedelta(days=60)
        life.add(State("New", "sent", life.now), 1)
        for _ in range(3):
            await collect(Window.since_last())
        rows = await store.read("SELECT broadcast_id, error_code, count FROM failure_groups")
        await store.aclose()
        return rows

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(live()) == [(1, "30003", 1)]


@pytest.mark.parametrize("erased", [False, True])
def test_recipients_that_were_read_while_a_message_failed_for_a_moment_are_read_again(erased: bool) -> None:
    async def live(at: int) -> list[str]:
        life, store = Life(), MemoryStore()
        include: frozenset[Detail] = frozenset({"recipients"})

        async def collect(window: Window) -> list[str]:
            life.next_start, first = 0.0, life.version
            result = await collect_source(life, store, window, include, now=lambda: life.now)
            assert result.status == "complete"
            return await differences(store, life, window, include, first, life.version)

        life.add(State("New", "sent", life.now), 3)
        if erased:
            # One that failed, and that no row tells of.
            life.person(0, 0, lambda person: evolve(person, failed="30003"))
            life.person(0, 0, lambda _: None, moving=False)
        wrong = await collect(Window())
        life.person(0, 0, lambda person: evolve(person, clicks=1))
        life.script = [(at, lambda life: life.person(0, 1, lambda person: evolve(person, failed="30007")))]
        wrong += await collect(Window.since_last())
        life.person(0, 1, lambda person: evolve(person, failed=None))
        wrong += await collect(Window.since_last())
        await store.aclose()
        return wrong

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert [runner.run(live(at)) for at in range(1, 12)] == [[]] * 11


@pytest.mark.anyio
@any_store
async def test_an_account_without_broadcasts(target: str) -> None:
    async with await open_store(target) as store:
        result = await collect_source(Life(latency=0, pace=0), store, Window(), frozenset({"failures"}))
    assert result.status == "complete"
