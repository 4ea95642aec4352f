"""Numbers, dates and tables as text for the report's page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from html import escape

from ac_sms_async.collect.report.data import Grain

__all__ = ["PERCENT", "Html", "cell", "day", "moment", "number", "percent", "period", "plural", "table", "text"]

PERCENT = ".1%"


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


def moment(value: datetime | None) -> str:
    """3 Mar 2026, 14:05 UTC."""
    return "never" if value is None else f"{day(value.astimezone(UTC).date())}, {value.astimezone(UTC):%H:%M} UTC"


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

    def line(tag: str, cells: Sequence[str]) -> str:
        made = (
            f'<{tag} class="{look}">{item if isinstance(item, Html) else escape(item)}</{tag}>'
            for look, item in zip(looks, cells, strict=True)
        )
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(line("td", row) for row in rows)
    return (
        f'<div class="scroll"><table aria-label="{escape(caption)}">'
        f"<thead>{line('th', names)}</thead><tbody>{body}</tbody></table></div>"
    )
