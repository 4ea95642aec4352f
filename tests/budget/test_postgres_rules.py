"""The rules in PostgreSQL against those in Python: on the same schedules both say the same, turn for turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_sms_async.options import Priority, RateLimit
from tests.budget.crowd import Crowd
from tests.budget.mirror import LEDGER, TURN, Mirror

DEEP = bool(os.environ.get("AC_SMS_DEEP"))


@pytest.fixture(scope="module")
def connection(postgres_server: str) -> Iterator[Any]:
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(resources.files("ac_sms_async.budget").joinpath("postgres.sql").read_bytes())
        yield connection
        connection.execute("DROP SCHEMA ac_sms_budget CASCADE")


Mirrored = Callable[[RateLimit | None, int], tuple[Crowd, Mirror]]


@pytest.fixture
def mirrored(connection: Any) -> Mirrored:
    def make(limit: RateLimit | None, seed: int) -> tuple[Crowd, Mirror]:
        connection.execute("TRUNCATE ac_sms_budget.ledgers")
        mirror = Mirror(connection, "acme", limit)
        crowd = Crowd(seed, limit=limit, rules=mirror.module)  # type: ignore[arg-type]  # None is fine for the rules
        return crowd, mirror

    return make


def let_happen(crowd: Crowd, mirror: Mirror, what: str, pick: int) -> None:
    mirror.now = crowd.now
    caller = crowd.callers[pick % len(crowd.callers)]
    if what == "kill":
        crowd.kill(caller)
    elif what == "stop":
        crowd.stop(caller, 0.5 + pick % 3)
    elif what == "cancel":
        crowd.cancel(caller)
    elif what == "pause":
        crowd.pause(0.1 + pick % 3)
    crowd.pass_time(0.3 + pick % 2)
    mirror.compare(crowd.ledger)


CALLER = st.tuples(
    st.sampled_from(["interactive", "bulk"]),
    st.sampled_from([0.0, 0.0, 0.3, 2.0]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([0.0, 0.002, 0.03]),
)


@settings(max_examples=300 if DEEP else 12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    limit=st.sampled_from([RateLimit(5), RateLimit(5, reserve=2), RateLimit(1), RateLimit(3, per=0.5)]),
    callers=st.lists(CALLER, min_size=1, max_size=9),
    course=st.lists(
        st.tuples(st.sampled_from(["kill", "stop", "cancel", "pause", "nothing"]), st.integers(0, 20)), max_size=8
    ),
)
def test_both_say_the_same(
    mirrored: Mirrored,
    seed: int,
    limit: RateLimit,
    callers: list[tuple[Priority, float, float, float]],
    course: list[tuple[str, int]],
) -> None:
    crowd, mirror = mirrored(limit, seed)
    for priority, thinks, cold, late in callers:
        crowd.add(priority, thinks=thinks, cold=cold, late=late)
    for what, pick in course:
        let_happen(crowd, mirror, what, pick)
    crowd.pass_time(2)
    mirror.compare(crowd.ledger)


@pytest.mark.parametrize(("interactive", "bulk", "seed"), [(4, 2, 1), (1, 7, 944), (9, 12, 718), (0, 6, 3)])
def test_both_say_the_same_for_long(mirrored: Mirrored, interactive: int, bulk: int, seed: int) -> None:
    crowd, mirror = mirrored(RateLimit(5, reserve=1), seed)
    for number in range(interactive + bulk):
        crowd.add("interactive" if number < interactive else "bulk", late=0.003, cold=0.1)
    crowd.pass_time(12)
    # Who was killed is forgotten after a minute.
    crowd.kill(crowd.callers[0])
    crowd.pass_time(8)
    for caller in crowd.callers[1:]:
        crowd.cancel(caller)
        crowd.kill(caller)
    crowd.pass_time(62)
    crowd.add("bulk")
    crowd.pass_time(2)
    assert len(crowd.ledger.waiters) == 1
    assert mirror.turns > 100


def test_without_a_limit_only_pauses_count(mirrored: Mirrored) -> None:
    crowd, mirror = mirrored(None, 0)
    crowd.add("bulk", thinks=0.1)
    crowd.add("interactive", thinks=0.1)
    crowd.pass_time(1)
    mirror.now = crowd.now
    crowd.pause(1)
    crowd.pass_time(3)
    assert mirror.turns > 10
    assert crowd.ledger.starts == []


def turn(connection: Any, act: str, number: int = 0, seconds: float = 0.0, *, at: float) -> tuple[Any, ...]:
    values = ("other", act, 7, False, number, seconds, False, 5, 1.05, 0, at)
    return tuple(connection.execute(TURN, values).fetchone())


def starts(connection: Any) -> list[tuple[float, int]]:
    row = connection.execute(LEDGER, ("other",)).fetchone()
    return list(zip(row[0], row[1], strict=True))


@pytest.fixture
def other(connection: Any) -> Any:
    connection.execute("TRUNCATE ac_sms_budget.ledgers")
    return connection


def test_a_ledger_that_is_not_there_counts_as_full(other: Any) -> None:
    assert turn(other, "look", 1, at=100.0)[0] == pytest.approx(1.05)
    assert turn(other, "look", 1, at=101.05)[0] == 0.0


def test_what_is_forgotten_gives_its_place_back(other: Any) -> None:
    turn(other, "leave", at=100.0)
    for number in range(1, 6):
        assert turn(other, "look", number, at=102.0)[0] == 0.0
    turn(other, "forget", 3, at=102.0)
    turn(other, "forget", 9, at=102.0)
    assert [number for _, number in starts(other)] == [1, 2, 4, 5]
    assert turn(other, "look", 6, at=102.1)[0] == 0.0


def test_a_long_pause_is_tried_by_one_request_after_a_minute(other: Any) -> None:
    turn(other, "leave", at=100.0)
    turn(other, "pause", seconds=3600.0, at=102.0)
    assert turn(other, "look", 1, at=103.0)[0] == pytest.approx(59.0)
    turn(other, "pause", seconds=10.0, at=103.0)
    assert turn(other, "look", 1, at=162.0)[0] == 0.0
    assert turn(other, "look", 2, at=162.0)[0] == pytest.approx(1.05)


def test_a_pause_of_a_clock_that_was_set_back_lasts_no_longer_than_any(other: Any) -> None:
    turn(other, "pause", seconds=60.0, at=10_000.0)
    assert turn(other, "look", 1, at=100.0)[0] == pytest.approx(60.0)


def test_who_comes_back_waits_for_others_who_do(other: Any) -> None:
    turn(other, "leave", at=100.0)
    turn(other, "return", seconds=1.25, at=110.0)
    assert turn(other, "look", 1, at=110.0)[0] > 0
    assert turn(other, "look", 1, at=111.05)[0] == pytest.approx(0.2)
    # But not where others go by it already.
    assert turn(other, "look", 1, at=111.3)[0] == 0.0
    turn(other, "return", seconds=1.25, at=111.4)
    assert turn(other, "look", 2, at=111.5)[0] == 0.0
