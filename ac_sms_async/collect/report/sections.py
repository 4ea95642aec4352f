"""The report's sections about a period as a whole: its figures, its broadcasts, what was unusual, its course."""

from __future__ import annotations

from collections.abc import Callable

from ac_sms_async.collect.report.counts import Count, Counts, RateName
from ac_sms_async.collect.report.data import BroadcastLine, ReportData
from ac_sms_async.collect.report.figures import (
    Html,
    clock,
    number,
    percent,
    period,
    plural,
    points,
    shift,
    span_name,
    table,
    text,
)
from ac_sms_async.collect.report.periods import MOST_PERIODS
from ac_sms_async.collect.report.svg import Bar, column_chart, line_chart

__all__ = ["broadcast_cell", "key", "key_figures", "over_time", "rates", "unusual", "went_out", "wide_and_narrow"]

_EACH = {"day": "each day", "week": "each week", "month": "each month"}
NAMES: dict[RateName, str] = {
    "delivery": "delivered",
    "failure": "not delivered",
    "click": "clicks",
    "reply": "replies",
    "opt_out": "opt-outs",
}
_LINES: tuple[tuple[str, str, str, RateName], ...] = (
    ("Click rate", "good", ".1%", "click"),
    ("Reply rate", "fourth", ".1%", "reply"),
    ("Opt-out rate", "third", ".2%", "opt_out"),
)
_SHOWN = 90


def key_figures(data: ReportData) -> str:
    """The whole in eight numbers, each beside the period before."""
    now, before = data.totals, data.totals_before
    counts: tuple[tuple[str, Count, Count], ...] = (
        ("Broadcasts sent", now.broadcasts, before.broadcasts),
        ("Messages sent", now.sends, before.sends),
    )
    parts: tuple[tuple[str, RateName, Count], ...] = (
        ("Delivered", "delivery", now.deliveries),
        ("Not delivered", "failure", now.failures),
        ("Clicks", "click", now.clicks),
        ("Replies", "reply", now.replies),
        ("Opt-outs", "opt_out", now.opt_outs),
    )
    tiles = [_tile(name, number(count), "", shift(count, earlier)) for name, count, earlier in counts]
    for name, rate, count in parts:
        change = points(now.rate(rate), before.rate(rate))
        tiles.append(_tile(name, percent(now.rate(rate)), number(count), change, real=data.real_changes[rate] is True))
    left = [line.available for line in data.credits if line.available is not None]
    several = "of all accounts" if len(data.credits) > 1 else ""
    tiles.append(_tile("Credits left", number(sum(left) if left else None), several, ""))
    return (
        f'<section><dl class="tiles">{"".join(tiles)}</dl>'
        f'<p class="note">Changes are against {span_name(data.before)}. Delivered and not delivered are parts of what '
        "was sent; clicks, replies and opt-outs are counted for each message delivered. A change in bold is larger "
        f"than broadcasts differ anyway.{_not_told(data)}{_not_known(data)}</p></section>"
    )


def _tile(name: str, figure: str, beside: str, change: str, *, real: bool = False) -> str:
    look = "change real" if real else "change"
    return (
        f'<div class="tile"><dt>{name}</dt><dd class="figure">{figure}</dd>'
        f'<dd class="beside">{beside or "&nbsp;"}</dd><dd class="{look}">{change or "&nbsp;"}</dd></div>'
    )


def _not_told(data: ReportData) -> str:
    if any(real is not None for real in data.real_changes.values()) or not data.totals.broadcasts:
        return ""
    return " Here they are too few to tell."


def _not_known(data: ReportData) -> str:
    said: list[str] = []
    if data.unknown:
        said.append(f"Of {plural(data.unknown, 'broadcast')} the server has not said all counts: rates leave them out.")
    if data.undated:
        said.append(f"No period has the {plural(data.undated, 'broadcast')} without a date of sending.")
    return "".join(f" {sentence}" for sentence in said)


def went_out(data: ReportData) -> str:
    """What went out, and what came of it?"""
    head = "<section><h2>What went out</h2>"
    if not data.sent:
        return f"{head}<p>Nothing was sent in {span_name(data.span)}.</p></section>"
    several = len(data.accounts) > 1
    rows = [
        (
            broadcast_cell(line, several=several),
            clock(line.at),
            number(line.row[0]),
            *(_beside_usual(data, line, rate) for rate in ("delivery", "click", "reply", "opt_out")),
        )
        for line in data.sent
    ]
    more = data.totals.broadcasts - len(data.sent)
    note = (
        f" The newest {len(data.sent)} of {data.totals.broadcasts:,}; all are in <code>ac-sms export</code>."
        if more
        else ""
    )
    return (
        f'{head}<p class="soft">Newest first. Below each rate stands what is usual for the account: the middle of its '
        f"broadcasts in the year before, where there are enough.{note}</p>"
        + table(
            ["*Broadcast", "@Sent", "#Messages", "#Delivered", "#Clicks", "#Replies", "#Opt-outs"],
            rows,
            caption="What went out",
        )
        + "</section>"
    )


def broadcast_cell(line: BroadcastLine, *, several: bool = False) -> Html:
    """A broadcast's name, with the beginning of its message below."""
    account = f"{line.account} · " if several else ""
    return Html(f"{text(line.name or '(no name)')}<span class='soft'>{text(f'{account}{_short(line.body)}')}</span>")


def _beside_usual(data: ReportData, line: BroadcastLine, rate: RateName) -> Html:
    if rate == "click" and not line.link and not line.row[3]:
        # There was nothing to click on.
        return Html("–")
    usual = data.usual.get((line.account, rate))
    beside = f"<span class='soft'>usual {percent(usual.rate)}</span>" if usual is not None else ""
    return Html(f"{percent(line.counts.rate(rate))}{beside}")


def unusual(data: ReportData) -> str:
    """What was otherwise than usual?"""
    changed = [
        f"<li>{NAMES[rate].capitalize()}: {percent(data.totals.rate(rate))} instead of "
        f"{percent(data.totals_before.rate(rate))} "
        f"({points(data.totals.rate(rate), data.totals_before.rate(rate))})</li>"
        for rate, real in data.real_changes.items()
        # What isn't delivered has failed: once is enough.
        if real and rate != "delivery"
    ]
    parts = ["<section><h2>What was unusual</h2>"]
    if changed:
        parts.append(
            f"<p>Against {span_name(data.before)}, by more than broadcasts differ anyway:</p>"
            f"<ul>{''.join(changed)}</ul>"
        )
    if data.unusual:
        rows = [
            (
                broadcast_cell(entry.broadcast, several=len(data.accounts) > 1),
                clock(entry.broadcast.at),
                f"{'many' if entry.score > 0 else 'few'} {NAMES[entry.rate]}",
                percent(entry.value),
                percent(entry.usual),
            )
            for entry in data.unusual[:10]
        ]
        parts.append(table(["*Broadcast", "@Sent", "What", "#Rate", "#Usual"], rows, caption="Unusual broadcasts"))
    if not changed and not data.unusual:
        parts.append("<p>Nothing.</p>" if data.compared or _could_tell(data) else "<p>Too few broadcasts to tell.</p>")
    if data.compared:
        parts.append(
            f'<p class="note">{plural(data.compared, "broadcast")} of this period are held against those of the year '
            "before: against how much the account's broadcasts differ from each other, not against chance alone.</p>"
        )
    return "".join([*parts, "</section>"])


def _could_tell(data: ReportData) -> bool:
    return any(real is not None for real in data.real_changes.values())


def over_time(data: ReportData) -> str:
    """What was sent over time, and what came of it?"""
    if not data.periods:
        return "<section><h2>Over time</h2><p>Nothing was sent yet.</p></section>"
    each = _EACH[data.grain]
    columns = [
        Bar(
            period(entry.start, data.grain, short=True),
            f"{period(entry.start, data.grain)}{'' if entry.whole else ', so far'}: {number(entry.counts.sends)} sent, "
            f"{number(entry.counts.failures)} not delivered",
            (
                float(max((entry.counts.sends or 0) - (entry.counts.failures or 0), 0)),
                float(entry.counts.failures or 0),
            ),
            entry.whole,
        )
        for entry in data.periods
    ]
    over = sum(entry.whole for entry in data.periods)
    lines = "".join(
        f"<figure><h3>{name}</h3>"
        + line_chart(
            [(period(entry.start, data.grain, short=True), entry.counts.rate(rate)) for entry in data.periods],
            title=f"{name} {each}",
            look=look,
            values=values,
            over=over,
        )
        + "</figure>"
        for name, look, values, rate in _LINES
    )
    rows = [
        (
            f"{period(entry.start, data.grain)}{'' if entry.whole else ', so far'}",
            number(entry.counts.broadcasts),
            number(entry.counts.sends),
            *rates(entry.counts),
        )
        for entry in reversed(data.periods)
        if entry.counts.broadcasts
    ]
    limited = f", the last {MOST_PERIODS} shown" if len(data.periods) == MOST_PERIODS else ""
    unfinished = "" if over == len(data.periods) else " What is not over yet is drawn pale."
    return (
        f"<section><h2>Over time</h2>"
        f'<p class="soft">Messages sent {each}{limited}.{unfinished}</p>'
        f'<ul class="legend"><li>{key("good")}delivered, or on the way</li><li>{key("bad")}not delivered</li></ul>'
        + wide_and_narrow(
            lambda width: column_chart(columns, title=f"Messages sent {each}", classes=("good", "bad"), width=width)
        )
        + f'<div class="trio">{lines}</div>'
        + table(
            ["Period", "#Broadcasts", "#Sent", "#Delivered", "#Clicks", "#Replies", "#Opt-outs"],
            rows,
            caption="Over time",
        )
        + "</section>"
    )


def wide_and_narrow(draw: Callable[[int], str]) -> str:
    """A chart twice: scaled down to a phone's width, nobody could read it."""
    return f'<div class="wide">{draw(720)}</div><div class="narrow">{draw(340)}</div>'


def rates(counts: Counts) -> list[str]:
    """Delivered, clicks, replies and opt-outs, each with its rate."""
    return [
        f"{number(count)} ({percent(rate)})"
        for count, rate in (
            (counts.deliveries, counts.delivery_rate),
            (counts.clicks, counts.click_rate),
            (counts.replies, counts.reply_rate),
            (counts.opt_outs, counts.opt_out_rate),
        )
    ]


def _short(body: str, most: int = _SHOWN) -> str:
    line = " ".join(body.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def key(look: str) -> str:
    """A legend's patch of colour."""
    return f'<svg viewBox="0 0 14 14" aria-hidden="true"><rect class="{look}" width="14" height="14"/></svg>'
