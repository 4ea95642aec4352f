"""What was spent, and how long the rest lasts, by what collections saw of the credits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from ac_sms_async.collect.report.data import CreditsLine
from ac_sms_async.collect.report.span import Span
from ac_sms_async.collect.report.spending import Reading, credits_line

OCTOBER = Span(date(2026, 10, 1), date(2026, 10, 31), "month")
REFILL = datetime(2026, 11, 20, tzinfo=UTC)


def reading(
    month: int, day: int, used: int | None, *, left: int | None = 1000, refill: datetime | None = REFILL
) -> Reading:
    return Reading(datetime(2026, month, day, 6, tzinfo=UTC), left, used, 20_000, 0, refill)


def line(*readings: Reading, span: Span = OCTOBER) -> CreditsLine:
    return credits_line("acme", readings, span, UTC)


def test_spent_in_a_month() -> None:
    found = line(reading(9, 30, 100), reading(10, 15, 700), reading(10, 31, 900), reading(11, 10, 1500))
    assert (found.spent, found.spent_at_least) == (800, False)
    # The last reading before the month is where it begins, and the last in it where it ends.
    found = line(reading(9, 1, 0), reading(9, 20, 100), reading(10, 20, 700), reading(11, 10, 1500))
    assert (found.spent, found.spent_at_least) == (600, True)


def test_a_refill_hides_what_was_spent_before_it() -> None:
    later = datetime(2026, 12, 20, tzinfo=UTC)
    found = line(reading(9, 30, 100), reading(10, 15, 700), reading(10, 31, 50, refill=later))
    assert (found.spent, found.spent_at_least) == (650, True)
    assert line(reading(9, 30, 100), reading(10, 31, 900, refill=later)).spent == 900


def test_nobody_knows() -> None:
    for readings in (
        [reading(11, 10, 5)],
        [reading(10, 10, 5)],
        [reading(9, 30, None), reading(10, 31, 5)],
        [reading(9, 30, 5), reading(10, 31, None)],
    ):
        assert line(*readings).spent is None
        assert line(*readings).days_left is None
    # A day of readings is no pace.
    found = line(reading(11, 9, 5), reading(11, 10, 900))
    assert (found.a_day, found.days_left) == (None, None)


def test_how_long_the_rest_lasts() -> None:
    found = line(reading(9, 1, 0), reading(10, 13, 1000), reading(11, 10, 3800, left=2550))
    assert found.a_day == 100
    assert found.days_left == 25
    assert found.refill == REFILL.date()
    assert line(reading(10, 13, 0), reading(11, 10, 0)).days_left is None
    assert line(reading(10, 13, 0), reading(11, 10, 50, left=None)).days_left is None
    assert line(reading(10, 13, 0), reading(11, 10, 50, left=-5)).days_left == 0


def test_a_clock_that_was_ahead() -> None:
    ahead = Reading(datetime(2036, 1, 1, tzinfo=UTC), 5, 9000, 0, 0, None)
    found = line(reading(9, 30, 100), ahead, reading(10, 31, 900))
    assert (found.spent, found.refill, found.available) == (800, REFILL.date(), 1000)
    assert line(Reading(datetime(2026, 1, 1, tzinfo=UTC), 5, 9, 0, 0, None)).refill is None


def test_the_course_is_short() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    many: list[Any] = [Reading(first + timedelta(days=day), day, day, 0, 0, None) for day in range(100)]
    course = list(line(*many).course)
    assert len(course) <= 24
    assert course[-1] == (many[-1].at, 99)
