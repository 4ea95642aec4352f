"""Charts say what the numbers say."""

from __future__ import annotations

import re
from datetime import datetime
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.collect.report.figures import (
    Html,
    clock,
    day,
    moment,
    number,
    percent,
    plural,
    points,
    shift,
    table,
    text,
)
from ac_sms_async.collect.report.svg import Bar, bars, column_chart, line_chart, nice_ticks, share_bar

sizes = st.floats(min_value=0, max_value=1e12, allow_subnormal=False)


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_ticks_are_few_round_and_enough(largest: float) -> None:
    ticks = nice_ticks(largest)
    assert ticks[0] == 0
    assert ticks[-1] >= largest * 0.999999
    assert 2 <= len(ticks) <= 7
    step = ticks[1]
    assert f"{step:.6e}"[:3] in {"1.0", "2.0", "2.5", "5.0"}


@given(st.integers(1, 10**9))
def test_counts_have_whole_steps(largest: int) -> None:
    ticks = nice_ticks(largest, whole=True)
    assert all(tick == int(tick) for tick in ticks)
    assert ticks[-1] >= largest
    assert len(ticks) <= 7
    labels = [
        label.text for label in _ticks(column_chart([Bar("a", "", (float(largest),))], title="t", classes=("x",)))
    ]
    assert len(labels) == len(set(labels))


def _ticks(chart: str) -> list[ElementTree.Element]:
    ticks = [label for label in ElementTree.fromstring(chart).iter("text") if label.get("class") == "tick"]
    return [label for label in ticks if label.get("text-anchor") == "end"]


def test_what_is_not_over_is_drawn_so() -> None:
    columns = column_chart([Bar("Oct", "", (1.0,)), Bar("Nov", "", (2.0,), whole=False)], title="t", classes=("good",))
    assert columns.count('class="open"') == 1
    line = ElementTree.fromstring(
        line_chart([("Sep", 0.1), ("Oct", 0.2), ("Nov", 0.3)], title="t", look="good", values=".1%", over=2)
    )
    drawn = {str(entry.get("class")): str(entry.get("points")).split() for entry in line.iter("polyline")}
    whole, rest = drawn["line good"], drawn["line good open"]
    assert (len(whole), len(rest)) == (2, 2)
    assert whole[-1] == rest[0]
    assert [entry.get("class") for entry in line.iter("circle")] == ["dot good", "dot good", "dot good open"]
    alone = line_chart([("Nov", 0.3)], title="t", look="good", values=".1%", over=0)
    assert alone.count("polyline") == alone.count("line good open") == 1


def test_a_number_stands_above_the_line_and_inside_the_chart() -> None:
    values = [0.01] * 30 + [0.05, 0.04]
    root = ElementTree.fromstring(
        line_chart([(str(i), value) for i, value in enumerate(values)], title="t", look="good", values=".1%")
    )
    [last] = [label for label in root.iter("text") if label.get("class") == "value" and label.text == "4.0%"]
    highest = min(float(circle.get("cy", "")) for circle in root.iter("circle"))
    assert float(last.get("y", "")) == pytest.approx(highest - 8, abs=0.1)
    assert last.get("text-anchor") == "end"
    assert float(last.get("x", "")) <= 340
    assert "start" in line_chart([("a", 1.0), ("b", None)], title="t", look="good", values=".1%")


def test_ticks_of_nothing() -> None:
    assert nice_ticks(0) == [0.0, 1.0]
    assert nice_ticks(-1) == [0.0, 1.0]
    assert nice_ticks(5e-324) == [0.0, 1.0]


@given(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=40))
def test_columns_are_as_high_as_their_values(values: list[tuple[float, float]]) -> None:
    columns = [Bar(f"<{i}>", "a & b", parts) for i, parts in enumerate(values)]
    root = ElementTree.fromstring(column_chart(columns, title='"t"', classes=("good", "bad")))
    top = nice_ticks(max(bar.height for bar in columns), whole=True)[-1]
    for group, bar in zip(root.iter("g"), columns, strict=True):
        heights = {rect.get("class"): float(rect.get("height", "")) for rect in group.iter("rect")}
        for look, part in zip(("good", "bad"), bar.parts, strict=True):
            assert heights.get(look, 0.0) == pytest.approx(202 * part / top, abs=0.1)
        assert group.find("title") is not None


@given(st.lists(st.none() | st.floats(min_value=0, max_value=5), max_size=40))
def test_lines_break_where_nothing_is_known(values: list[float | None]) -> None:
    points = [(str(i), value) for i, value in enumerate(values)]
    root = ElementTree.fromstring(line_chart(points, title="t", look="good", values=".1%"))
    known = [value for value in values if value is not None]
    assert len(list(root.iter("circle"))) == len(known)
    runs = re.findall("x+", "".join("-" if value is None else "x" for value in values))
    drawn = [(line.get("points") or "").split() for line in root.iter("polyline")]
    assert [len(line) for line in drawn] == [len(run) for run in runs if run]
    if known:
        spoken = [label.text for label in root.iter("text") if label.get("class") == "value"]
        assert format(known[-1], ".1%") in spoken
        assert len(spoken) == 1 or format(max(known), ".1%") in spoken


def test_no_columns() -> None:
    assert "<rect" not in column_chart([], title="t", classes=("good",))


def test_large_numbers_are_short() -> None:
    ticks = column_chart([Bar("a", "", (2_500_000.0,))], title="t", classes=("good",))
    assert ">1M<" in ticks
    assert ">50k<" in column_chart([Bar("a", "", (99_000.0,))], title="t", classes=("good",))
    assert ">5,000<" in column_chart([Bar("a", "", (9_900.0,))], title="t", classes=("good",))


def test_gauges() -> None:
    assert 'width="50.0" height="8"' in bars(0.5, look="good")
    assert 'width="100.0"' in bars(7, look="good")
    assert 'width="0.0"' in bars(-1, look="good")
    assert 'width="25.00"' in share_bar([(1, "good"), (3, "bad")], title="t")
    assert share_bar([(0, "good")], title="t")


def test_figures() -> None:
    assert (number(None), number(12345.4)) == ("–", "12,345")
    assert (percent(None), percent(0), percent(0.004), percent(0.5)) == ("–", "0.0 %", "0.40 %", "50.0 %")
    assert (plural(1, "id"), plural(2, "id"), plural(2, "reply", "replies")) == ("1 id", "2 ids", "2 replies")
    assert day(None) == "–"
    at = datetime(2026, 3, 1, 15, 5, tzinfo=ZoneInfo("America/Chicago"))
    assert (clock(at), moment(at)) == ("1 Mar 2026, 15:05", "1 Mar 2026, 15:05 CST")
    assert points(None, 0.1) == points(0.1, None) == shift(None, 1) == shift(1, None) == ""
    assert (points(0.054, 0.05), points(0.05, 0.054)) == ("+0.4 points", "−0.4 points")
    assert (points(0.0054, 0.005), points(0.5, 0.5), points(0.5001, 0.5)) == (
        *("+0.04 points", "±0.00 points", "+0.01 points"),
    )
    assert points(0.500001, 0.5) == "±0.00 points"
    assert (shift(12, 10), shift(5, 10), shift(10, 10), shift(3, 0)) == ("+2 (+20 %)", "−5 (−50 %)", "±0", "+3")
    assert text("<a>") == "<bdi>&lt;a&gt;</bdi>"
    made = table(["A", "#B"], [("<x>", Html("<b>1</b>"))], caption='"c"')
    assert "&lt;x&gt;" in made
    assert '<td class="n" data-head="B"><b>1</b></td>' in made
    assert 'aria-label="&quot;c&quot;"' in made
