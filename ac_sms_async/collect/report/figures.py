"""Numbers, dates and tables as text for the report's page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from html import escape

from ac_sms_async.collect.report.periods import Grain
from ac_sms_async.collect.report.span import Span

__all__ = [
    "Html",
    "cell",
    "clock",
    "day",
    "moment",
    "number",
    "percent",
    "period",
    "plural",
    "points",
    "shift",
    "span_name",
    "table",
    "text",
]


class Html(str):
    """Text that is markup already, and is put on the page as it is."""

    __slots__ = ()


def text(given: str) -> str:
    """Anything that came from outside, made safe; writing from right to left does not turn what stands beside it."""
    return f"<bdi>{escape(given)}</bdi>"


def number(value: float | None) -> str:
    """12,345, or a dash where it isn't known."""
    return "–" if value is None else f"{value:,.0f}"


def percent(rate: float | None) -> str:
    """12.3 %, with two digits where it is small, or a dash where it isn't known."""
    if rate is None:
        return "–"
    return f"{100 * rate:.2f} %" if 0 < rate < 0.01 else f"{100 * rate:.1f} %"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 message`, `2 messages`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def day(value: date | None) -> str:
    """3 Mar 2026."""
    return "–" if value is None else f"{value.day} {value:%b %Y}"


def clock(value: datetime) -> str:
    """3 Mar 2026, 14:05."""
    return f"{day(value.date())}, {value:%H:%M}"


def moment(value: datetime) -> str:
    """3 Mar 2026, 14:05 CST."""
    return f"{clock(value)} {value:%Z}".rstrip()


def points(now: float | None, before: float | None) -> str:
    """By how many percentage points a rate has changed: +0.4 points."""
    if now is None or before is None:
        return ""
    change = 100 * (now - before)
    digits = 2 if max(abs(now), abs(before)) < 0.01 or abs(change) < 0.1 else 1
    said = f"{abs(change):.{digits}f}"
    sign = "±" if not said.strip("0.") else "+" if change > 0 else "−"
    return f"{sign}{said} points"


def shift(now: int | None, before: int | None) -> str:
    """By how much a count has changed: +120 (+5 %)."""
    if now is None or before is None:
        return ""
    change = now - before
    sign = "±" if not change else "+" if change > 0 else "−"
    share = f" ({sign}{100 * abs(change) / before:,.0f} %)" if before and change else ""
    return f"{sign}{abs(change):,}{share}"


def span_name(span: Span) -> str:
    """October 2026, the week of 5 Oct 2026, or the first day to the last."""
    if span.kind == "week":
        return f"the week of {day(span.start)}"
    if span.kind == "month":
        return f"{span.start:%B %Y}"
    if span.kind == "quarter":
        return f"{span.start:%B} to {span.end:%B %Y}"
    return day(span.start) if span.days == 1 else f"{day(span.start)} to {day(span.end)}"


def period(start: date, grain: Grain, *, short: bool = False) -> str:
    """The name of a period: a day, `week of 2 Mar 2026` or `Mar 2026`."""
    if grain == "month":
        return f"{start:%b %y}" if short else f"{start:%b %Y}"
    if short:
        return f"{start.day} {start:%b}"
    return f"week of {day(start)}" if grain == "week" else day(start)


def cell(value: str, beside: str = "") -> Html:
    """A cell of plain text with markup below it."""
    return Html(f"{escape(value)}{beside}")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> str:
    """A table. A head that begins with `#` has numbers below it, with `=` a gauge,
    with `*` names and with `@` dates; cells are escaped unless `Html`."""
    looks = [{"#": "n", "=": "n gauge", "*": "name", "@": "when"}.get(head[:1], "") for head in heads]
    names = [head.lstrip("#=*@") for head in heads]

    head = "".join(f'<th class="{look}">{escape(name)}</th>' for look, name in zip(looks, names, strict=True))

    def line(cells: Sequence[str]) -> str:
        # On a narrow screen each row becomes a card, and its cells say what they are.
        return "".join(
            f'<td class="{look}" data-head="{escape(name)}">{item if isinstance(item, Html) else escape(item)}</td>'
            for look, name, item in zip(looks, names, cells, strict=True)
        )

    body = "".join(f"<tr>{line(row)}</tr>" for row in rows)
    return f'<table aria-label="{escape(caption)}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
