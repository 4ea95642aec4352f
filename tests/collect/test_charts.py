"""Charts say what the numbers say."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.collect.report.figures import Html, day, moment, number, percent, plural, table, text
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


def test_ticks_of_nothing() -> None:
    assert nice_ticks(0) == [0.0, 1.0]
    assert nice_ticks(-1) == [0.0, 1.0]
    assert nice_ticks(5e-324) == [0.0, 1.0]


@given(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=40))
def test_columns_are_as_high_as_their_values(values: list[tuple[float, float]]) -> None:
    columns = [Bar(f"<{i}>", "a & b", parts) for i, parts in enumerate(values)]
    root = ElementTree.fromstring(column_chart(columns, title='"t"', classes=("good", "bad")))
    top = nice_ticks(max(bar.height for bar in columns))[-1]
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
    assert [len(line) for line in drawn] == [len(run) for run in runs]
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
    assert (day(None), moment(None)) == ("–", "never")
    assert text("<a>") == "<bdi>&lt;a&gt;</bdi>"
    made = table(["A", "#B"], [("<x>", Html("<b>1</b>"))], caption='"c"')
    assert "&lt;x&gt;" in made
    assert '<td class="n"><b>1</b></td>' in made
    assert 'aria-label="&quot;c&quot;"' in made
