"""What numbers can bear: bounds hold, few messages prove little, and what is usual is not called unusual."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.collect.report import findings
from ac_sms_async.collect.report.counts import Counts, Row, Sum
from ac_sms_async.collect.report.data import BroadcastLine
from ac_sms_async.collect.report.statistics import (
    FEW,
    Pair,
    Usual,
    change_is_real,
    limit,
    shrunk,
    weight_of_mean,
    wilson,
)

LINK = "See https://shop.example"


def line(number: int, row: Row, *, body: str = LINK, lists: str | None = None, account: str = "acme") -> BroadcastLine:
    at = datetime(2026, 11, 2 + number % 7, 15, tzinfo=UTC)
    return BroadcastLine(account, number, f"Sale {number}", body, at, row, "http" in body, lists)


def test_bounds_are_wilsons() -> None:
    # As published: 3 of 3, and 81 of 263.
    assert wilson(3, 3) == pytest.approx((0.4385, 1.0), abs=1e-4)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(7, 3) == wilson(3, 3)


@given(st.integers(0, 10**18), st.integers(1, 10**18))
def test_bounds_hold_the_rate(part: int, whole: int) -> None:
    low, high = wilson(part, whole)
    assert 0 <= low <= min(part / whole, 1) * (1 + 1e-9)
    assert min(part / whole, 1) * (1 - 1e-9) <= high <= 1


def test_three_of_three_are_no_record() -> None:
    pairs = [(80 + 10 * place, 1000) for place in range(8)]
    mean, weight = weight_of_mean([*pairs, (3, 3)])
    assert shrunk(3, 3, mean, weight) < shrunk(150, 1000, mean, weight)
    # Much weight where broadcasts hardly differ, little where they do.
    assert weight_of_mean([(100, 1000)] * 6)[1] > 10_000
    assert weight_of_mean([(10, 1000), (500, 1000)] * 3)[1] < 10
    for nothing in ([], [(0, 0)], [(5, 100)], [(0, 100)] * 9):
        assert weight_of_mean(nothing)[1] == 100


def test_what_is_usual_is_between_broadcasts() -> None:
    chance = random.Random(1)
    # A hundred thousand messages each, and broadcasts that differ by a third: chance alone would flag them all.
    pairs = [(int(100_000 * chance.gauss(0.1, 0.03)), 100_000) for _ in range(60)]
    usual = Usual.of(pairs, each_once=False)
    assert usual is not None
    assert usual.broadcasts == 60
    assert usual.rate == pytest.approx(0.1, abs=0.01)
    assert max(abs(usual.score(*pair)) for pair in pairs) < limit(60)
    assert usual.score(30_000, 100_000) > limit(60)
    # The same rate of ten messages is nothing.
    assert abs(usual.score(3, 10)) < limit(60)
    assert Usual.of(pairs[: FEW - 1], each_once=False) is None
    assert Usual.of([*pairs[: FEW - 1], (0, 0)], each_once=False) is None


def test_most_alike_does_not_mean_that_all_are() -> None:
    # In most of them nobody opts out; in a few some do, and always did.
    usual = Usual.of([(0, 1000)] * 16 + [(4, 1000)] * 4, each_once=True)
    assert usual is not None
    assert usual.score(4, 1000) < limit(10)
    assert usual.score(60, 1000) > limit(10)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_found_where_nothing_is(seed: int) -> None:
    """Skewed rates, small and large broadcasts: 400 of them, and on all pages but one in a hundred no alarm."""
    chance = random.Random(seed)

    def some() -> Row:
        sends = int(chance.lognormvariate(7, 1.2)) + 20
        clicks = int(sends * chance.betavariate(2, 18))
        return sends, sends - sends // 40, sends // 40, clicks, 0, sum(chance.random() < 0.006 for _ in range(sends))

    usual = findings.usual_of([line(number, some()) for number in range(200)])
    found, compared = findings.unusual_among([line(1000 + number, some()) for number in range(200)], usual)
    assert (found, compared) == ([], 200)


def test_the_limit_grows_with_what_is_looked_at() -> None:
    assert limit(0) == limit(1) == 4.0
    assert limit(10_000) > 4.5


def test_changes() -> None:
    chance = random.Random(3)

    def some(rate: float, count: int = 8) -> list[Pair]:
        return [(int(2000 * rate * chance.uniform(0.8, 1.2)), 2000) for _ in range(count)]

    assert change_is_real(some(0.02), some(0.01)) is True
    assert change_is_real(some(0.0102), some(0.01)) is False
    assert change_is_real(some(0.02, 4), some(0.01)) is None
    assert change_is_real([(0, 0)] * 9, some(0.01)) is None
    assert change_is_real([(20, 2000)] * 8, [(20, 2000)] * 8) is False
    # Alike among themselves, and only a click apart: chance does as much.
    assert change_is_real([(20, 2000)] * 7 + [(21, 2000)], [(20, 2000)] * 8) is False
    assert change_is_real([(0, 2000)] * 8, [(0, 2000)] * 7 + [(1, 2000)]) is False


def test_changes_cry_rarely_without_a_cause() -> None:
    chance = random.Random(4)
    alarms = 0
    for _ in range(1000):
        now, before = (
            [(int(1500 * chance.betavariate(2, 18)), 1500) for _ in range(chance.randint(5, 20))] for _ in range(2)
        )
        alarms += change_is_real(now, before) is True
    assert alarms <= 8


def row(sends: int, clicks: int, opt_outs: int = 0, failures: int = 0) -> Row:
    return sends, sends - failures, failures, clicks, 0, opt_outs


def test_nothing_is_best_and_worst() -> None:
    for count in range(12):
        lines = [line(number, row(1000, 10 * number + 1)) for number in range(count)]
        best, worst = findings.best_and_worst(lines, "click")
        assert not {entry.broadcast_id for entry in best} & {entry.broadcast_id for entry in worst}
        assert len(best) == len(worst) == min(5, count // 2)
        if count > 1:
            assert (best[0].broadcast_id, worst[0].broadcast_id) == (count - 1, 0)


def test_rankings_take_links_and_what_is_known() -> None:
    lines = [line(1, row(1000, 90)), line(2, row(1000, 50)), line(3, row(1000, 0), body="Thanks"), line(4, row(0, 0))]
    lines += [line(5, (1000, 900, None, None, None, None)), line(6, row(1000, 0))]
    best, worst = findings.best_and_worst(lines, "click")
    assert [entry.broadcast_id for entry in (*best, *worst)] == [1, 6]
    # Nobody clicked: there is no best.
    assert findings.best_and_worst([line(1, row(100, 0)), line(2, row(200, 0))], "click")[0] == []


def test_each_account_has_its_own_mean() -> None:
    quiet = [line(number, row(1000, 290 + number), account="quiet") for number in range(3)]
    loud = [line(10 + number, row(1000, 500 + number), account="loud") for number in range(6)]
    # A hundred messages don't make a broadcast worse than all of an account in which half as many click.
    _, worst = findings.best_and_worst([*quiet, *loud, line(20, row(100, 10), account="loud")], "click")
    assert [entry.broadcast_id for entry in worst] == [0, 1, 2, 20, 10]


def test_most_is_what_is_surest() -> None:
    lines = [line(1, row(10, 0, 1)), line(2, row(1000, 0, 50)), line(3, row(100, 0, 0)), line(4, row(100, 0, 2))]
    assert [entry.broadcast_id for entry in findings.most(lines, "opt_out")] == [2, 1, 4]
    assert findings.most(lines, "failure") == []


def test_unusual_broadcasts_are_found() -> None:
    earlier = [line(number, row(1000, 80 + number, 5, 20)) for number in range(30)]
    usual = findings.usual_of(earlier)
    now = [line(100, row(1000, 95, 5, 20)), line(101, row(1000, 95, 60, 20)), line(102, row(1000, 5, 5, 300))]
    stranger = line(103, row(1000, 900, 500), account="new")
    found, compared = findings.unusual_among([*now, stranger], usual)
    assert {(entry.broadcast.broadcast_id, entry.rate, entry.score > 0) for entry in found} == {
        (101, "opt_out", True),
        (102, "click", False),
        (102, "failure", True),
    }
    assert compared == 3
    assert [abs(entry.score) for entry in found] == sorted((abs(entry.score) for entry in found), reverse=True)


def test_a_thousand_broadcasts_tell_what_is_usual() -> None:
    newest = [line(number, row(1000, 100)) for number in range(1000)]
    usual = findings.usual_of([*newest, *(line(number, row(1000, 900)) for number in range(5000))])["acme", "click"]
    assert usual is not None
    assert (usual.rate, usual.broadcasts, usual.spread) == (0.1, 1000, 0.0)


def test_lists_lengths_and_hours() -> None:
    lines = [
        line(1, row(100, 10), lists="[1,2]"),
        line(2, row(300, 30), lists="[2]", body=LINK + "x" * 200),
        line(3, row(50, 0), lists='[true,"a",null,9]', body="Thanks"),
        line(8, row(0, 0), lists='{"a":1}', body=""),
    ]
    rows = findings.by_list(lines, {("acme", 1): "Everybody", ("acme", 2): "VIP"})
    assert [(entry.name, entry.counts.broadcasts, entry.counts.sends) for entry in rows] == [
        ("VIP", 2, 400),
        ("Everybody", 1, 100),
        ("list 9", 1, 50),
    ]
    lengths = findings.by_length(lines)
    assert [(entry.segments, entry.link, entry.counts.broadcasts) for entry in lengths] == [
        (1, False, 2),
        (1, True, 1),
        (2, True, 1),
    ]
    hours = findings.by_hour(lines, "click")
    assert [(entry.weekday, entry.hour, entry.broadcasts, entry.rate) for entry in hours] == [
        (1, 15, 2, 0.1),
        (2, 15, 1, 0.1),
        (3, 15, 1, None),
    ]


counts_or_not = st.none() | st.integers(0, 10**6)


@given(st.lists(st.tuples(*[counts_or_not] * 6), max_size=8), st.integers(0, 8))
def test_sums_of_parts_are_the_sum(rows: list[Row], cut: int) -> None:
    whole, first, rest = Counts.of(rows), Sum(), Sum()
    for part, some in ((first, rows[:cut]), (rest, rows[cut:])):
        for each in some:
            part.add(each)
    first.merge(rest)
    assert first.counts() == whole
    assert whole.broadcasts == len(rows)
    for place, name in enumerate(("sends", "deliveries", "failures", "clicks", "replies", "opt_outs")):
        known = [each[place] for each in rows if each[place] is not None]
        assert getattr(whole, name) == (sum(filter(None, known)) if known or not rows else None)
    for name, of, in_all in (
        ("delivery", 1, 0),
        ("failure", 2, 0),
        ("click", 3, 1),
        ("reply", 4, 1),
        ("opt_out", 5, 1),
    ):
        both = [(each[of], each[in_all]) for each in rows if each[of] is not None and each[in_all] is not None]
        messages = sum(b or 0 for _, b in both)
        expected = sum(a or 0 for a, _ in both) / messages if messages else None
        assert getattr(whole, f"{name}_rate") == expected
