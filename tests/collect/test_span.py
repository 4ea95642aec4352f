"""The days that a report is about, and those before."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async import ConfigurationError
from ac_sms_async.collect.report.counts import Sum
from ac_sms_async.collect.report.figures import span_name
from ac_sms_async.collect.report.periods import MOST_PERIODS, course_of, periods_of
from ac_sms_async.collect.report.span import Last, Span, chosen, last_full

SUNDAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("last", "today", "start", "end", "before"),
    [
        ("week", SUNDAY, "2026-11-16", "2026-11-22", "2026-11-09"),
        ("week", SUNDAY + timedelta(days=1), "2026-11-23", "2026-11-29", "2026-11-16"),
        ("month", SUNDAY, "2026-10-01", "2026-10-31", "2026-09-01"),
        ("month", date(2026, 1, 31), "2025-12-01", "2025-12-31", "2025-11-01"),
        ("month", date(2024, 3, 1), "2024-02-01", "2024-02-29", "2024-01-01"),
        ("quarter", SUNDAY, "2026-07-01", "2026-09-30", "2026-04-01"),
        ("quarter", date(2026, 3, 31), "2025-10-01", "2025-12-31", "2025-07-01"),
    ],
)
def test_the_last_one_that_is_over(last: Last, today: date, start: str, end: str, before: str) -> None:
    span = last_full(last, today)
    assert (str(span.start), str(span.end), span.kind) == (start, end, last)
    assert (str(span.before.start), span.before.end, span.before.kind) == (before, span.start - timedelta(days=1), last)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(["week", "month", "quarter"]))
def test_any_day_comes_after_its_last_period(today: date, last: Last) -> None:
    span = last_full(last, today)
    assert span.end < today
    assert today not in span
    assert last_full(last, span.end + timedelta(days=1)) == span
    assert span.before == last_full(last, span.start)


@given(st.dates(date(1901, 1, 1), date(2100, 1, 1)), st.integers(1, 3000))
def test_days_are_compared_with_as_many_days(start: date, days: int) -> None:
    span = Span(start, start + timedelta(days=days - 1))
    before = span.before
    assert span.days == days
    assert before.end + timedelta(days=1) == span.start
    whole_months = start.day == 1 and (span.end + timedelta(days=1)).day == 1
    assert before.start.day == 1 if whole_months else before.days == days


def test_what_can_be_chosen() -> None:
    assert chosen(None, None, None, SUNDAY) == last_full("month", SUNDAY)
    assert chosen("week", None, None, SUNDAY) == last_full("week", SUNDAY)
    assert chosen(None, date(2026, 11, 1), None, SUNDAY) == Span(date(2026, 11, 1), SUNDAY)
    assert chosen(None, date(2027, 1, 1), None, SUNDAY) == Span(date(2027, 1, 1), date(2027, 1, 1))
    half = chosen(None, date(2026, 1, 1), date(2026, 6, 30), SUNDAY)
    assert half.before == Span(date(2025, 7, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    ("last", "since", "until", "message"),
    [
        ("week", SUNDAY, None, "either"),
        ("week", None, SUNDAY, "either"),
        (None, None, SUNDAY, "its first day"),
        (None, SUNDAY, date(2026, 1, 1), "after its end"),
        (None, date(1, 1, 1), None, "nothing was sent in 1"),
    ],
)
def test_what_can_not(last: Any, since: Any, until: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        chosen(last, since, until, SUNDAY)


def test_names() -> None:
    assert span_name(last_full("week", SUNDAY)) == "the week of 16 Nov 2026"
    assert span_name(last_full("month", SUNDAY)) == "October 2026"
    assert span_name(last_full("quarter", SUNDAY)) == "July to September 2026"
    assert span_name(Span(SUNDAY, SUNDAY)) == "29 Nov 2026"
    assert span_name(Span(date(2026, 11, 1), SUNDAY)) == "1 Nov 2026 to 29 Nov 2026"


def days_of(*days: date) -> dict[date, Sum]:
    found: dict[date, Sum] = {}
    for day in days:
        found.setdefault(day, Sum()).add((10, 9, 1, 0, 0, 0))
    return found


def test_the_course_before_a_period() -> None:
    assert course_of(last_full("week", SUNDAY)) == ("week", date(2026, 8, 24))
    assert course_of(last_full("month", SUNDAY)) == ("month", date(2025, 10, 1))
    assert course_of(last_full("quarter", SUNDAY)) == ("month", date(2025, 7, 1))
    for days, grain in ((31, "day"), (32, "week"), (217, "week"), (218, "month")):
        assert course_of(Span(SUNDAY, SUNDAY + timedelta(days=days - 1))) == (grain, SUNDAY)


def test_periods_have_no_gaps_and_what_is_not_over_is_not_whole() -> None:
    days = days_of(date(2026, 9, 3), date(2026, 9, 4), date(2026, 11, 20))
    options: dict[str, Any] = {"start": date(2026, 1, 1), "end": SUNDAY, "reached": SUNDAY}
    months = periods_of(days, "month", **options)
    # Nothing is known to have been sent before September, so there are no zeros before.
    assert [(p.start.month, p.counts.sends, p.counts.broadcasts, p.whole) for p in months] == [
        (9, 20, 2, True),
        (10, 0, 0, True),
        (11, 10, 1, False),
    ]
    # What was collected last in the middle of October says nothing of November.
    short = periods_of(days_of(date(2026, 9, 3)), "month", **{**options, "reached": date(2026, 10, 15)})
    assert [(p.start.month, p.whole) for p in short] == [(9, True), (10, False)]
    # A span that ends in the middle of a month ends there.
    cut = periods_of(days, "month", start=date(2026, 9, 4), end=date(2026, 10, 10), reached=SUNDAY)
    assert [(p.start.month, p.counts.sends, p.whole) for p in cut] == [(9, 10, True), (10, 0, True)]
    weeks = periods_of(days_of(date(2026, 11, 22), date(2026, 11, 23)), "week", **options)
    assert [(p.start.day, p.whole) for p in weeks] == [(16, True), (23, False)]
    single = periods_of(days_of(SUNDAY - timedelta(days=1), SUNDAY), "day", **options)
    assert [p.whole for p in single] == [True, False]
    assert periods_of({}, "day", **options) == []
    many = periods_of(days_of(date(2000, 1, 1), SUNDAY), "month", **{**options, "start": date(2000, 1, 1)})
    assert len(many) == MOST_PERIODS
