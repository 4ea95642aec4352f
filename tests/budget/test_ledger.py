"""The ledger's rules: whatever its users do, never a sixth start in a second, and hardly a place that goes unused."""

from __future__ import annotations

import math
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ac_sms_async.budget import ledger as rules
from ac_sms_async.budget.ledger import Ledger, count_ahead, expected_wait, forget, move
from ac_sms_async.budget.limits import HELD_FOR, MOST_LIMITS, Held, agree, strictest
from ac_sms_async.options import Priority, RateLimit
from tests.budget.checks import AGREEMENTS, CHECKS, Agreement, Check
from tests.budget.crowd import Caller, Crowd, most_beyond_a_limit, most_in_a_second, share_of_bulk, waits

DEEP = bool(os.environ.get("AC_SMS_DEEP"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_rules_keep_what_they_promise(check: Check) -> None:
    check(rules)


@pytest.mark.parametrize("agreement", AGREEMENTS, ids=lambda agreement: agreement.__name__)
def test_all_limits_hold_for_all(agreement: Agreement) -> None:
    agreement(rules, agree)


class AnyCrowd(RuleBasedStateMachine):
    """Callers of all kinds come, are killed, stopped and cancelled, and the account is paused."""

    def __init__(self) -> None:
        super().__init__()
        self.crowd = Crowd()
        self.checked = 0
        self.paused_until = -math.inf

    @rule(
        priority=st.sampled_from(["interactive", "bulk"]),
        thinks=st.sampled_from([0.0, 0.0, 0.1, 1.0, 5.0]),
        cold=st.sampled_from([0.0, 0.0, 0.3, 1.0]),
        late=st.sampled_from([0.0, 0.001, 0.01, 0.05]),
    )
    @precondition(lambda self: len(self.crowd.callers) < 20)
    def comes(self, priority: Priority, thinks: float, cold: float, late: float) -> None:
        self.crowd.add(priority, thinks=thinks, cold=cold, late=late)

    @rule(pick=st.randoms(use_true_random=False))
    @precondition(lambda self: self.living)
    def is_killed(self, pick: Any) -> None:
        self.crowd.kill(pick.choice(self.living))

    @rule(pick=st.randoms(use_true_random=False), seconds=st.floats(0.01, 5))
    @precondition(lambda self: self.living)
    def is_stopped(self, pick: Any, seconds: float) -> None:
        self.crowd.stop(pick.choice(self.living), seconds)

    @rule(pick=st.randoms(use_true_random=False))
    @precondition(lambda self: self.living)
    def is_cancelled(self, pick: Any) -> None:
        self.crowd.cancel(pick.choice(self.living))

    @rule(seconds=st.floats(0.01, 3))
    def a_pause_is_asked_for(self, seconds: float) -> None:
        self.crowd.pause(seconds)
        self.paused_until = max(self.paused_until, self.crowd.now + seconds)

    @rule(seconds=st.floats(0.001, 5))
    def time_passes(self, seconds: float) -> None:
        paused, before = min(self.paused_until - self.crowd.now, seconds), len(self.crowd.started)
        if paused > 0:
            self.crowd.pass_time(paused - 1e-6)
            assert len(self.crowd.started) == before
        self.crowd.pass_time(seconds - max(paused, 0))

    @property
    def living(self) -> list[Caller]:
        return [caller for caller in self.crowd.callers if not caller.dead]

    @invariant()
    def never_a_sixth(self) -> None:
        times = [start.at for start in self.crowd.started[self.checked :]]
        assert all(later - earlier > 1.0 for earlier, later in zip(times, times[5:], strict=False))
        self.checked = max(len(self.crowd.started) - 10, 0)
        assert most_in_a_second([at for at in self.crowd.seen[-50:] if at > self.crowd.now - 5]) <= 5

    @invariant()
    def it_is_small(self) -> None:
        assert len(self.crowd.ledger.waiters) <= len(self.crowd.callers)
        # What counts from later on holds a place; only a loop that came to write too late can exceed them.
        assert len(self.crowd.ledger.starts) <= 12

    def teardown(self) -> None:
        """Whoever is left and wants something gets it, however it looked before."""
        self.crowd.pass_time(max(self.paused_until - self.crowd.now, 0) + 6)
        since = self.crowd.now
        self.crowd.pass_time(5 + 2 * len(self.living))
        served = {start.caller.id for start in self.crowd.started if start.at > since}
        assert served >= {caller.id for caller in self.living if caller.thinks == 0 and caller.late < 0.05}


def limit_of(requests: int, per: float, reserve: int) -> RateLimit:
    return RateLimit(requests, per=per, reserve=min(reserve, requests - 1))


LIMITS = st.builds(
    limit_of,
    st.integers(1, 12),
    st.sampled_from([0.3, 1.0, 1.0, 1.0, 2.5, 10.0]),
    st.integers(0, 3),
)


class AnyLimits(RuleBasedStateMachine):
    """Callers who were given limits of their own come, are killed and stopped, and the account is paused."""

    def __init__(self) -> None:
        super().__init__()
        self.crowd = Crowd()

    @rule(
        priority=st.sampled_from(["interactive", "bulk"]),
        limit=LIMITS,
        thinks=st.sampled_from([0.0, 0.0, 1.0, 30.0]),
        late=st.sampled_from([0.0, 0.001, 0.01]),
    )
    @precondition(lambda self: len(self.crowd.callers) < 12)
    def comes(self, priority: Priority, limit: RateLimit, thinks: float, late: float) -> None:
        self.crowd.add(priority, limit=limit, thinks=thinks, late=late)

    @rule(pick=st.randoms(use_true_random=False))
    @precondition(lambda self: self.crowd.callers)
    def is_killed(self, pick: Any) -> None:
        self.crowd.kill(pick.choice(self.crowd.callers))

    @rule(pick=st.randoms(use_true_random=False), seconds=st.floats(0.01, 5))
    @precondition(lambda self: self.crowd.callers)
    def is_stopped(self, pick: Any, seconds: float) -> None:
        self.crowd.stop(pick.choice(self.crowd.callers), seconds)

    @rule(seconds=st.floats(0.01, 60))
    def a_pause_is_asked_for(self, seconds: float) -> None:
        self.crowd.pause(seconds)

    @rule(seconds=st.one_of(st.floats(0.001, 5), st.floats(0.001, 40)))
    def time_passes(self, seconds: float) -> None:
        self.crowd.pass_time(seconds)

    @invariant()
    def every_limit_holds_for_all(self) -> None:
        assert most_beyond_a_limit(self.crowd, latest=60) <= 0

    @invariant()
    def it_is_small(self) -> None:
        assert len(self.crowd.ledger.limits) <= len(self.crowd.callers)
        assert len(self.crowd.ledger.starts) <= 100

    def teardown(self) -> None:
        """Of those who are left the strictest holds, and no longer that of those who have gone."""
        living = [caller for caller in self.crowd.callers if not caller.dead]
        self.crowd.pass_time(70)
        for caller in living[1:]:
            self.crowd.kill(caller)
        self.crowd.pass_time(HELD_FOR + 60)
        del self.crowd.started[:]
        self.crowd.pass_time(60)
        if living and living[0].thinks == 0:
            [lone], limit = living[:1], living[0].limit
            assert limit is not None
            assert lone.came_at is not None
            assert len(self.crowd.started) >= 0.9 * 60 / limit.window * limit.requests - limit.requests


TestAnyLimits = AnyLimits.TestCase
TestAnyLimits.settings = settings(max_examples=500 if DEEP else 20, stateful_step_count=25)


@given(st.lists(LIMITS, min_size=1, max_size=6))
def test_one_limit_that_keeps_them_all(limits: list[RateLimit]) -> None:
    found = strictest(limits)
    assert found is not None
    for limit in limits:
        windows = limit.requests // found.requests
        assert windows >= 1
        # So many of its windows have as many requests as the other has in one of its own, and last as long.
        assert windows * found.requests <= limit.requests
        assert windows * found.window >= limit.window - 1e-9
    held: list[Held] = []
    *_, agreed = [agree(held, limit, 10.0) for limit in limits]
    assert agreed is not None
    assert (agreed.requests, agreed.window, agreed.reserve) == (found.requests, found.window, found.reserve)


def test_with_the_same_seconds_the_fewest_requests_hold() -> None:
    assert strictest([]) is None
    assert strictest([RateLimit(5)]) == RateLimit(5)
    assert strictest([RateLimit(7), RateLimit(5, reserve=1), RateLimit(10)]) == RateLimit(5, reserve=1)
    assert strictest([RateLimit(5), RateLimit(5, margin=0.1)]) == RateLimit(5, margin=0.1)
    assert strictest([RateLimit(5, fallback=3), RateLimit(5, fallback=2)]) == RateLimit(5, fallback=2)
    assert strictest([RateLimit(9, fallback=9), RateLimit(2, fallback=2)]) == RateLimit(2, fallback=2)
    assert strictest([RateLimit(9, fallback=None), RateLimit(2)]) == RateLimit(2, fallback=None)
    both = strictest([RateLimit(5), RateLimit(20, per=20, margin=0)])
    assert both == RateLimit(5, per=5.0, margin=0)


def test_who_has_no_limit_is_held_to_those_of_the_others() -> None:
    held: list[Held] = []
    assert agree(held, None, 10.0) is None
    agree(held, RateLimit(5), 10.0)
    found = agree(held, None, 11.0)
    assert found is not None
    assert (found.requests, found.window) == (5, RateLimit(5).window)
    assert agree(held, None, 10.0 + HELD_FOR) is None
    for number in range(1, MOST_LIMITS + 4):
        agree(held, RateLimit(number), 10.0)
    assert [known.requests for known in held] == list(range(4, MOST_LIMITS + 4))


TestAnyCrowd = AnyCrowd.TestCase
TestAnyCrowd.settings = settings(max_examples=1000 if DEEP else 30, stateful_step_count=30)


def crowds(**fixed: float) -> st.SearchStrategy[Crowd]:
    """Up to a dozen of each priority who always want more, from the first second on."""

    def make(seed: int, interactive: int, bulk: int, late: float, cold: float) -> Crowd:
        crowd = Crowd(seed)
        for number in range(interactive + bulk):
            how = {"late": late, "cold": cold, **fixed}
            crowd.add("interactive" if number < interactive else "bulk", **how)  # type: ignore[arg-type]  # no limit
        return crowd

    sizes = st.integers(1, 12)
    return st.builds(make, st.integers(0, 10_000), sizes, sizes, st.floats(0, 0.003), st.floats(0, 0.3))


FOUND = settings(max_examples=300 if DEEP else 15)


@FOUND
@given(crowds(cold=0.0))
def test_93_percent_of_the_rate_are_used_and_bulk_keeps_its_fifth(crowd: Crowd) -> None:
    crowd.pass_time(60)
    assert len(crowd.started) >= 0.93 * 5 * 60
    assert 0.19 <= share_of_bulk(crowd.started[10:]) <= 0.21


@FOUND
@given(crowds())
def test_connections_that_are_opened_cost_the_time_they_take(crowd: Crowd) -> None:
    crowd.pass_time(60)
    assert crowd.used >= 0.97
    assert most_in_a_second(crowd.seen) <= 5


@FOUND
@given(crowds(cold=0.0))
def test_nobody_starves(crowd: Crowd) -> None:
    crowd.pass_time(120)
    for priority, share in (("interactive", 0.8), ("bulk", 0.2)):
        callers = sum(caller.priority == priority for caller in crowd.callers)
        assert waits(crowd.started, priority)[-1] < callers / (0.93 * 5 * share) + 1.2  # type: ignore[arg-type]  # literals


@pytest.mark.parametrize(
    ("ahead", "starts", "wait"),
    [
        (0, [], 0.0),
        (1, [], 0.0),
        (2, [], 10.0),
        (5, [], 20.0),
        (0, [4.0], 0.0),
        (1, [4.0], 8.0),
        (0, [4.0, 5.0], 8.0),
        (1, [4.0, 5.0], 9.0),
        (2, [4.0, 5.0], 18.0),
        (0, [4.0, 6.5], 8.0),
        (1, [4.0, 6.5], 10.0),
        (0, [4.0, math.inf], 8.0),
        (1, [4.0, math.inf], 10.0),
        (0, [math.inf, math.inf], 10.0),
        (3, [math.inf, math.inf], 20.0),
        (0, [3.0, 4.0, 5.0], 8.0),
    ],
)
def test_how_long_one_waits_behind_others(ahead: int, starts: list[float], wait: float) -> None:
    ledger = Ledger(starts=[(start, number) for number, start in enumerate(starts)])
    assert expected_wait(ledger, RateLimit(2, per=10, margin=0), 6.0, ahead) == wait


@pytest.mark.parametrize(("ahead", "wait"), [(0, 5.0), (1, 8.0), (2, 15.0), (3, 18.0)])
def test_a_pause_puts_all_of_them_off(ahead: int, wait: float) -> None:
    ledger = Ledger(starts=[(4.0, 1)], paused_until=11.0)
    assert expected_wait(ledger, RateLimit(2, per=10, margin=0), 6.0, ahead) == wait
    assert expected_wait(ledger, None, 6.0, ahead) == 5.0


@pytest.mark.parametrize(
    ("since_bulk", "interactive", "bulk", "before_interactive"),
    [(0, 0, 9, 0), (3, 0, 9, 0), (4, 0, 9, 1), (40, 0, 9, 1), (0, 3, 9, 3), (0, 4, 9, 5), (3, 8, 9, 10), (3, 8, 1, 9)],
)
def test_how_many_start_before_one_who_comes_now(
    since_bulk: int, interactive: int, bulk: int, before_interactive: int
) -> None:
    ledger = Ledger(since_bulk=since_bulk)
    assert count_ahead(ledger, "interactive", interactive, bulk) == before_interactive
    assert count_ahead(ledger, "bulk", interactive, bulk) == interactive + bulk


def test_what_is_moved_or_forgotten_may_have_left_already() -> None:
    ledger = Ledger(starts=[(1.0, 7), (2.0, 8)])
    forget(ledger, 9)
    move(ledger, 9, 1.5)
    move(ledger, 7, 3.0)
    assert ledger.starts == [(1.5, 9), (2.0, 8), (3.0, 7)]
    forget(ledger, 8)
    assert ledger.starts == [(1.5, 9), (3.0, 7)]
