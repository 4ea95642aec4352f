"""When answers come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.sandbox.course import CLICKS, DAY, HOUR, LATE_FAILURES, OPT_OUTS, REPLIES, Course
from ac_sms_async.sandbox.draw import Draw
from ac_sms_async.sandbox.fates import Fates

CURVES = (CLICKS, REPLIES, OPT_OUTS, LATE_FAILURES)


@given(
    curve=st.sampled_from(CURVES),
    total=st.integers(0, 500),
    slowness=st.integers(5000, 15_000),
    seconds=st.integers(-100, 30 * DAY) | st.integers(-100, HOUR),
)
def test_what_is_reached_are_the_events_until_then(
    curve: tuple[tuple[int, int], ...], total: int, slowness: int, seconds: int
) -> None:
    course = Course(curve, total, slowness)
    times = [course.at(number) for number in range(total)]
    assert times == sorted(times)
    assert course.reached(seconds) == sum(time <= seconds for time in times)
    assert all(0 < time <= curve[-1][1] * slowness // 10_000 for time in times)


def test_most_come_soon_and_the_last_after_days() -> None:
    course = Course(CLICKS, 1000)
    assert [course.reached(age) for age in (19, HOUR // 2, 6 * HOUR, 2 * DAY, 14 * DAY)] == [0, 500, 800, 950, 1000]
    assert Course(CLICKS, 1).at(0) == HOUR // 2
    # Ten million need no more than a few looks; all of a second count.
    assert 5_000_000 <= Course(CLICKS, 10_000_000).reached(HOUR // 2) < 5_001_000


@given(size=st.integers(0, 100_000), number=st.integers(0, 1000))
def test_fates_add_up_at_every_age(size: int, number: int) -> None:
    fates = Fates.drawn(size, Draw("fates", number))
    ages = [-10, 0, 30, 60, HOUR, DAY, 2 * DAY, 7 * DAY, 40 * DAY]
    course = [fates.reached(age) for age in ages]
    for before, after in pairwise(course):
        assert before.failed <= after.failed <= fates.failures
        assert before.clicks <= after.clicks
        assert before.opted_out <= after.opted_out
        assert before.replies <= after.replies
    begun, ended = course[0], course[-1]
    assert (begun.failed, begun.clicks, begun.replies) == (fates.failures - fates.late, 0, 0)
    assert ended.failed == fates.failures
    assert ended.clicks == fates.clickers + fates.twice + fates.thrice
    assert ended.replies == fates.opt_outs + fates.repliers + fates.again
    assert fates.failures + max(fates.clickers, fates.opt_outs + fates.repliers) <= size
    assert fates.groups[-1] == (("30003", "twilio"), fates.late)


@pytest.mark.parametrize("what", ["clicks", "replies", "failed", "opted_out"])
def test_broadcasts_differ_in_how_fast_they_are_answered(what: str) -> None:
    fates = [Fates.drawn(10_000, Draw("fates", number)) for number in range(20)]
    shares = {getattr(each.reached(2 * HOUR), what) / getattr(each.reached(40 * DAY), what) for each in fates}
    assert len(shares) > 15
    assert max(shares) < 1
