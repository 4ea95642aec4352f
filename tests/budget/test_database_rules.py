"""The rules in a database against those in Python: on the same schedules both say the same, turn for turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_sms_async.budget.redis_address import connection_to
from ac_sms_async.options import Priority, RateLimit
from tests.budget.crowd import Crowd
from tests.budget.keepers import Keeper, PostgresKeeper, RedisKeeper
from tests.budget.mirror import Mirror

DEEP = bool(os.environ.get("AC_SMS_DEEP"))


@pytest.fixture(scope="module", params=["postgres", "redis"])
def keeper(request: pytest.FixtureRequest) -> Iterator[Keeper]:
    if request.param == "redis":
        wire = connection_to(request.getfixturevalue("redis_server").url)
        yield RedisKeeper(wire)
        wire.disconnect()
        return
    with psycopg.connect(request.getfixturevalue("postgres_server"), autocommit=True) as connection:
        keeper = PostgresKeeper(connection)
        keeper.install()
        yield keeper
        connection.execute("DROP SCHEMA ac_sms_budget CASCADE")


Mirrored = Callable[[RateLimit | None, int], tuple[Crowd, Mirror]]


@pytest.fixture
def mirrored(keeper: Keeper) -> Mirrored:
    def make(limit: RateLimit | None, seed: int) -> tuple[Crowd, Mirror]:
        keeper.forget_all()
        mirror = Mirror(keeper, "acme")
        crowd = Crowd(seed, limit=limit, rules=mirror.module, agree=mirror.agree)  # type: ignore[arg-type]  # None is fine for the rules
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
    st.sampled_from([None, None, None, RateLimit(4), RateLimit(9, per=2, reserve=3)]),
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
    callers: list[tuple[Priority, float, float, float, RateLimit | None]],
    course: list[tuple[str, int]],
) -> None:
    crowd, mirror = mirrored(limit, seed)
    for priority, thinks, cold, late, own in callers:
        crowd.add(priority, limit=own, thinks=thinks, cold=cold, late=late)
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


@pytest.mark.parametrize(
    ("loose", "strict"),
    [
        (RateLimit(7, per=3), RateLimit(2, per=0.5)),
        (RateLimit(20, per=9, reserve=3), RateLimit(5)),
        (RateLimit(10), RateLimit(1)),
    ],
)
def test_both_say_the_same_of_different_limits(mirrored: Mirrored, loose: RateLimit, strict: RateLimit) -> None:
    crowd, mirror = mirrored(loose, 0)
    for _ in range(2):
        crowd.add()
    crowd.pass_time(3.3)
    slow = crowd.add("bulk", limit=strict)
    crowd.pass_time(12)
    crowd.kill(slow)
    # It is forgotten after two minutes.
    crowd.pass_time(123)
    crowd.pass_time(4)
    mirror.compare(crowd.ledger)
    assert len(crowd.ledger.limits) == 1


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


FIVE = (5, 1.05, 0)


def turn(keeper: Keeper, act: str, number: int = 0, seconds: float = 0.0, *, at: float) -> float:
    return keeper.turn("other", (act, 7, False, number, seconds, False, *FIVE), at)


@pytest.fixture
def other(keeper: Keeper) -> Keeper:
    keeper.forget_all()
    return keeper


def test_a_ledger_that_is_not_there_counts_as_full(other: Keeper) -> None:
    assert turn(other, "look", 1, at=100.0) == pytest.approx(1.05)
    assert turn(other, "look", 1, at=101.05) == 0.0


def test_what_is_forgotten_gives_its_place_back(other: Keeper) -> None:
    turn(other, "leave", at=100.0)
    for number in range(1, 6):
        assert turn(other, "look", number, at=102.0) == 0.0
    turn(other, "forget", 3, at=102.0)
    turn(other, "forget", 9, at=102.0)
    assert [number for _, number in other.kept("other").starts] == [1, 2, 4, 5]
    assert turn(other, "look", 6, at=102.1) == 0.0


def test_a_long_pause_is_tried_by_one_request_after_a_minute(other: Keeper) -> None:
    turn(other, "leave", at=100.0)
    turn(other, "pause", seconds=3600.0, at=102.0)
    assert turn(other, "look", 1, at=103.0) == pytest.approx(59.0)
    turn(other, "pause", seconds=10.0, at=103.0)
    assert turn(other, "look", 1, at=162.0) == 0.0
    assert turn(other, "look", 2, at=162.0) == pytest.approx(1.05)


def test_a_pause_of_a_clock_that_was_set_back_lasts_no_longer_than_any(other: Keeper) -> None:
    turn(other, "pause", seconds=60.0, at=10_000.0)
    assert turn(other, "look", 1, at=100.0) == pytest.approx(60.0)


def test_who_comes_back_waits_for_others_who_do(other: Keeper) -> None:
    turn(other, "leave", at=100.0)
    turn(other, "return", seconds=1.25, at=110.0)
    assert turn(other, "look", 1, at=110.0) > 0
    assert turn(other, "look", 1, at=111.05) == pytest.approx(0.2)
    # But not where others go by it already.
    assert turn(other, "look", 1, at=111.3) == 0.0
    turn(other, "return", seconds=1.25, at=111.4)
    assert turn(other, "look", 2, at=111.5) == 0.0


def test_more_limits_than_are_remembered(other: Keeper) -> None:
    turn(other, "leave", at=100.0)
    for number in range(20):
        other.turn("other", ("look", number, False, number, 0.0, False, 30 + number, 1.05, 0), 102.0 + number)
    kept = other.kept("other").limits
    assert [held.requests for held in kept] == list(range(34, 50))
    assert kept[0].until == 106.0 + 120
    # The clock was set back: none is held for longer than that.
    turn(other, "look", 50, at=10.0)
    assert {held.until for held in other.kept("other").limits} == {10.0 + 120}


@pytest.mark.parametrize("keeper", ["redis"], indirect=True)
def test_a_server_that_has_forgotten_its_script_has_forgotten_more(keeper: RedisKeeper) -> None:
    keeper.forget_all()
    turn(keeper, "leave", at=100.0)
    assert turn(keeper, "look", 1, at=102.0) == 0.0
    again = ("look", 7, False, 2, 0.0, False, *FIVE)
    assert keeper.turn("other", again, 102.0, is_new=True) == pytest.approx(1.05)
    assert [number for _, number in keeper.kept("other").starts] == [0, 0, 0, 0, 0, 1]
    assert keeper.turn("other", again, 103.05) == 0.0


def test_equal_moments_are_in_the_order_of_their_numbers(other: Keeper) -> None:
    turn(other, "leave", at=100.0)
    for number in (3, 12, 2, 2**55):
        turn(other, "move", number, 1.0, at=102.0)
    assert [number for _, number in other.kept("other").starts if number] == [2, 3, 12, 2**55]
