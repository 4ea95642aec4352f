"""What the ledger's rules promise, each as a function of the rules: kept by the real ones, and not by broken ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from statistics import median
from types import ModuleType

from ac_sms_async.budget.limits import Held
from ac_sms_async.options import Priority, RateLimit
from tests.budget.crowd import Agree, Crowd, most_beyond_a_limit, most_in_a_second, share_of_bulk, waits

Check = Callable[[ModuleType], None]
Agreement = Callable[[ModuleType, Agree], None]


def _mixed(rules: ModuleType, interactive: int, bulk: int, *, seed: int = 0, **how: float) -> Crowd:
    crowd = Crowd(seed, rules=rules)
    priorities: list[Priority] = [*["interactive"] * interactive, *["bulk"] * bulk]  # type: ignore[list-item]  # literals
    for priority in priorities:
        crowd.add(priority, **how)  # type: ignore[arg-type]  # it has no limit in it
    return crowd


def no_sixth_start_in_a_second(rules: ModuleType) -> None:
    for seed, late in enumerate([0.0, 0.003, 0.003, 0.03]):
        crowd = _mixed(rules, 3, 3, seed=seed, cold=0.3 if seed < 3 else 0.0, late=late)
        for _ in range(40):
            crowd.pass_time(1)
            assert crowd.ledger.starts == sorted(crowd.ledger.starts)
        times = [start.at for start in crowd.started]
        assert all(later - earlier > 1.04 for earlier, later in zip(times, times[5:], strict=False))
        assert most_in_a_second(crowd.seen) <= 5


def nobody_starts_in_a_pause(rules: ModuleType) -> None:
    crowd = _mixed(rules, 2, 2)
    crowd.pass_time(3.1)
    before = len(crowd.started)
    crowd.pause(2)
    crowd.pause(1)
    crowd.pass_time(1.99)
    assert len(crowd.started) == before
    crowd.pass_time(0.1)
    assert len(crowd.started) == before + 5


def the_rate_is_used(rules: ModuleType) -> None:
    for interactive, bulk in [(6, 0), (0, 6), (4, 2), (1, 1), (4, 4), (12, 12)]:
        crowd = _mixed(rules, interactive, bulk, late=0.001)
        crowd.pass_time(60)
        assert len(crowd.started) >= 0.93 * 5 * 60, (interactive, bulk, len(crowd.started))
    lone = Crowd(rules=rules)
    lone.add(late=0.004)
    lone.pass_time(60)
    assert lone.used >= 0.997


def connections_cost_what_they_take_and_no_more(rules: ModuleType) -> None:
    for interactive, bulk in [(6, 0), (4, 4), (2, 1)]:
        crowd = _mixed(rules, interactive, bulk, cold=0.3, late=0.001)
        crowd.pass_time(120)
        assert crowd.used >= 0.98, (interactive, bulk, crowd.used)


def callers_that_come_late_cost_little(rules: ModuleType) -> None:
    crowd = _mixed(rules, 4, 2, late=0.01)
    crowd.pass_time(60)
    assert crowd.used >= 0.98, crowd.used


def bulk_gets_a_fifth_and_no_more(rules: ModuleType) -> None:
    for interactive, bulk in [(1, 1), (4, 2), (2, 6), (12, 12)]:
        crowd = _mixed(rules, interactive, bulk, late=0.001)
        crowd.pass_time(60)
        # The first places belong to whoever is there.
        share = share_of_bulk(crowd.started[10:])
        assert 0.19 <= share <= 0.21, (interactive, bulk, share)


def interactive_calls_hardly_wait_for_bulk_ones(rules: ModuleType) -> None:
    crowd = _mixed(rules, 4, 0, thinks=10.0, late=0.001)
    for _ in range(3):
        crowd.add("bulk", late=0.001)
    crowd.pass_time(300)
    waited = waits(crowd.started, "interactive")
    assert median(waited) < 0.15, median(waited)
    assert waited[int(len(waited) * 0.95)] < 0.3
    assert crowd.used >= 0.99


def places_are_kept_while_interactive_calls_are_about(rules: ModuleType) -> None:
    crowd = _mixed(rules, 4, 0, thinks=10.0, late=0.001)
    crowd.limit = RateLimit(5, reserve=1)
    for _ in range(3):
        crowd.add("bulk", late=0.001)
    crowd.pass_time(300)
    waited = waits(crowd.started, "interactive")
    assert median(waited) < 0.02, median(waited)
    assert waited[int(len(waited) * 0.95)] < 0.2
    assert 0.7 < crowd.used < 0.85
    for caller in crowd.callers[:4]:
        crowd.cancel(caller)
        crowd.kill(caller)
    crowd.pass_time(62)
    del crowd.started[:]
    # Nobody was about for a minute, and bulk work gets all of it.
    crowd.pass_time(60)
    assert len(crowd.started) >= 0.93 * 5 * 60


def bulk_alone_makes_room_for_nobody(rules: ModuleType) -> None:
    crowd = _mixed(rules, 0, 2)
    crowd.pass_time(1)
    assert [start.at for start in crowd.started] == [crowd.started[0].at] * 5


def bulk_gets_its_fifth_of_the_places_that_are_kept(rules: ModuleType) -> None:
    crowd = _mixed(rules, 3, 2)
    crowd.limit = RateLimit(5, reserve=4)
    crowd.pass_time(60)
    assert 0.19 <= share_of_bulk(crowd.started[10:]) <= 0.21
    assert len(crowd.started) >= 0.93 * 5 * 60


def a_bulk_turn_is_not_put_off(rules: ModuleType) -> None:
    # Four calls that had the places; then bulk has a turn, and is not held to its distance from the fourth.
    crowd = _mixed(rules, 4, 1, thinks=1000.0)
    crowd.pass_time(0.05)
    assert [start.caller.priority for start in crowd.started] == [*["interactive"] * 4, "bulk"]


def they_take_turns(rules: ModuleType) -> None:
    for interactive, bulk in [(7, 0), (0, 7), (3, 4)]:
        crowd = _mixed(rules, interactive, bulk, late=0.001)
        crowd.pass_time(60)
        for priority in ("interactive", "bulk"):
            counts = Counter(start.caller.id for start in crowd.started if start.caller.priority == priority)
            # Only its turns bring a bulk caller forward; whoever is late now and then loses its own.
            assert not counts or max(counts.values()) - min(counts.values()) <= 3, counts


def nobody_waits_longer_than_for_its_turn(rules: ModuleType) -> None:
    for interactive, bulk, seed in [(1, 7, 944), (1, 4, 449), (2, 4, 281), (9, 12, 718)]:
        crowd = _mixed(rules, interactive, bulk, seed=seed, late=0.003)
        crowd.pass_time(120)
        assert waits(crowd.started, "interactive")[-1] < interactive / (0.93 * 5 * 0.8) + 1.2
        assert waits(crowd.started, "bulk")[-1] < bulk / (0.93 * 5 * 0.2) + 1.2


def first_come_first_served(rules: ModuleType) -> None:
    crowd = Crowd(limit=RateLimit(1), rules=rules)
    for _ in range(6):
        crowd.add(thinks=1000.0)
        crowd.pass_time(0.001)
    crowd.pass_time(8)
    assert [start.caller.id for start in crowd.started] == [1, 2, 3, 4, 5, 6]


def who_is_killed_costs_less_than_30_ms_once(rules: ModuleType) -> None:
    for interactive, bulk in [(6, 0), (0, 6), (3, 3)]:
        for killed in range(6):
            crowd = _mixed(rules, interactive, bulk)
            twin = _mixed(rules, interactive, bulk)
            for one in (crowd, twin):
                one.pass_time(9.87)
            crowd.kill(crowd.callers[killed])
            for one in (crowd, twin):
                one.pass_time(40)
            last = min(len(crowd.started), len(twin.started))
            later = [crowd.started[-1 - n].at - twin.started[last - 1 - n].at for n in range(5)]
            assert max(later) < 0.03, (interactive, bulk, killed, later)
            assert len(crowd.ledger.waiters) == 6
            crowd.pass_time(30)
            assert len(crowd.ledger.waiters) == 5


def a_place_is_not_kept_for_whoever_sleeps(rules: ModuleType) -> None:
    limit = RateLimit(2, per=10, margin=0)
    ledger = rules.Ledger()
    for number in (1, 2):
        rules.enter(ledger, limit, float(number), number, "interactive", number)
    # The next place is that of the first at 11, and the next but one that of the second.
    assert rules.look(ledger, limit, 5.0, 3, "interactive") == 6.0
    assert 6.0 < rules.look(ledger, limit, 5.0, 4, "interactive") < 6.02
    assert 7.0 < rules.look(ledger, limit, 5.0, 5, "interactive") < 7.02
    rules.leave(ledger, 3, "interactive")
    rules.leave(ledger, 4, "interactive")
    # Whoever comes when the place is free gets it, as 5 is far from looking.
    assert rules.look(ledger, limit, 11.0, 6, "interactive") == 0.0
    # But not if it is about to.
    assert 0.0 < rules.look(ledger, limit, 11.995, 6, "interactive") < 0.01


def it_stays_small(rules: ModuleType) -> None:
    crowd = _mixed(rules, 3, 3, cold=0.3)
    for _ in range(30):
        crowd.pass_time(1)
        assert len(crowd.ledger.starts) <= 10
        assert len(crowd.ledger.waiters) <= 6


def the_strictest_limit_holds_for_all(rules: ModuleType, agree: Agree) -> None:
    for strict, loose in [
        (RateLimit(5), RateLimit(10)),
        (RateLimit(1, per=2), RateLimit(5)),
        # Neither has fewer requests a second in every window.
        (RateLimit(5), RateLimit(40, per=20)),
        (RateLimit(2, per=0.5), RateLimit(7, per=3)),
    ]:
        crowd = Crowd(rules=rules, agree=agree)
        for _ in range(2):
            crowd.add(limit=loose)
        crowd.pass_time(3.3)
        crowd.add(limit=strict, thinks=20.0)
        crowd.add("bulk", limit=strict, thinks=20.0)
        crowd.pass_time(90)
        assert most_beyond_a_limit(crowd) == 0, (strict, loose)


def the_one_that_holds_keeps_each(rules: ModuleType, agree: Agree) -> None:
    for limits, window in [
        ((RateLimit(5), RateLimit(10), RateLimit(7)), 1.05),
        ((RateLimit(5), RateLimit(40, per=20)), 20.05 / 8),
        ((RateLimit(5), RateLimit(7, per=3)), 3.05),
        ((RateLimit(1, per=2), RateLimit(5)), 2.05),
    ]:
        held: list[Held] = []
        *_, found = [agree(held, limit, 10.0) for limit in limits]
        assert found is not None
        assert found.requests == min(limit.requests for limit in limits)
        assert abs(found.window - window) < 1e-9


def who_has_gone_for_good_holds_up_the_others_for_two_minutes(rules: ModuleType, agree: Agree) -> None:
    crowd = Crowd(rules=rules, agree=agree)
    for _ in range(3):
        crowd.add(limit=RateLimit(10))
    slow = crowd.add(limit=RateLimit(1))
    crowd.pass_time(10)
    crowd.kill(slow)
    crowd.pass_time(2)
    del crowd.started[:]
    crowd.pass_time(116)
    assert 0.93 * 116 <= len(crowd.started) <= 116
    crowd.pass_time(5)
    del crowd.started[:]
    crowd.pass_time(20)
    assert len(crowd.started) >= 0.93 * 10 * 20
    assert len(crowd.ledger.limits) == 1


def a_limit_that_was_looser_is_kept_when_it_is_the_only_one_left(rules: ModuleType, agree: Agree) -> None:
    # All of the five in the last 1.05 s are known, and those of the longer window before that.
    crowd = Crowd(rules=rules, agree=agree)
    crowd.add(limit=RateLimit(80, per=30))
    strict = crowd.add(limit=RateLimit(5))
    crowd.pass_time(30)
    crowd.kill(strict)
    crowd.pass_time(200)
    assert most_beyond_a_limit(crowd) == 0


def who_waits_through_the_longest_pause_still_holds_the_others(rules: ModuleType, agree: Agree) -> None:
    crowd = Crowd(rules=rules, agree=agree)
    crowd.add(limit=RateLimit(10))
    crowd.add(limit=RateLimit(5), late=0.02)
    crowd.pass_time(0.5)
    crowd.pause(60)
    crowd.pass_time(60.4)
    crowd.pause(60)
    crowd.pass_time(65)
    assert most_beyond_a_limit(crowd) == 0


def places_that_one_wants_kept_are_kept_by_all(rules: ModuleType, agree: Agree) -> None:
    for limits, reserve in [((RateLimit(5, reserve=1), RateLimit(5)), 1), ((RateLimit(9, reserve=8), RateLimit(3)), 2)]:
        held: list[Held] = []
        *_, found = [agree(held, limit, 10.0) for limit in limits]
        assert found is not None
        assert found.reserve == reserve


AGREEMENTS: list[Agreement] = [
    the_strictest_limit_holds_for_all,
    the_one_that_holds_keeps_each,
    who_has_gone_for_good_holds_up_the_others_for_two_minutes,
    a_limit_that_was_looser_is_kept_when_it_is_the_only_one_left,
    who_waits_through_the_longest_pause_still_holds_the_others,
    places_that_one_wants_kept_are_kept_by_all,
]

CHECKS: list[Check] = [
    no_sixth_start_in_a_second,
    nobody_starts_in_a_pause,
    the_rate_is_used,
    connections_cost_what_they_take_and_no_more,
    callers_that_come_late_cost_little,
    bulk_gets_a_fifth_and_no_more,
    interactive_calls_hardly_wait_for_bulk_ones,
    places_are_kept_while_interactive_calls_are_about,
    bulk_alone_makes_room_for_nobody,
    bulk_gets_its_fifth_of_the_places_that_are_kept,
    a_bulk_turn_is_not_put_off,
    they_take_turns,
    nobody_waits_longer_than_for_its_turn,
    first_come_first_served,
    who_is_killed_costs_less_than_30_ms_once,
    a_place_is_not_kept_for_whoever_sleeps,
    it_stays_small,
]
