"""The report's sections that hold broadcasts beside each other: best and worst, lists, lengths, hours, accounts."""

from __future__ import annotations

from collections.abc import Sequence

from ac_sms_async.collect.report.counts import RateName
from ac_sms_async.collect.report.data import BroadcastLine, ReportData
from ac_sms_async.collect.report.figures import Html, cell, clock, day, number, percent, plural, table, text
from ac_sms_async.collect.report.sections import broadcast_cell, rates
from ac_sms_async.collect.report.svg import bars

__all__ = ["accounts", "hours", "lengths", "lists", "ranking", "rankings"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PLACES = {"clicks": 3, "replies": 4, "opt-outs": 5, "failures": 2}
_LOOKS = {"clicks": "good", "replies": "fourth", "opt-outs": "third", "failures": "bad"}


def rankings(data: ReportData) -> str:
    """Which broadcasts worked, and which didn't?"""
    measure = "clicks" if data.ranked_by == "click" else "replies"
    head = "<section><h2>Best and worst broadcasts</h2>"
    if not data.worst:
        return f"{head}<p>There are no two to hold beside each other.</p></section>"
    with_link = " Only broadcasts with a link are here." if data.ranked_by == "click" else ""
    return (
        f'{head}<p class="soft">By {measure} for each message delivered. A rate that rests on few messages counts as '
        f"one nearer to the mean: three of three are no record.{with_link}</p>"
        f"<h3>Best</h3>{ranking(data, data.best, measure, data.ranked_by)}"
        f"<h3>Worst</h3>{ranking(data, data.worst, measure, data.ranked_by, full=data.best)}</section>"
    )


def ranking(
    data: ReportData,
    lines: Sequence[BroadcastLine],
    measure: str,
    rate: RateName,
    *,
    full: Sequence[BroadcastLine] = (),
) -> str:
    """A table of broadcasts, with gauges. A full gauge is the highest rate of `full`, or of the table itself."""
    if not lines:
        return "<p class='soft'>None.</p>"
    several = len(data.accounts) > 1
    longest = max(line.counts.rate(rate) or 0.0 for line in (*full, *lines)) or 1.0
    rows = [
        (
            broadcast_cell(line, several=several),
            clock(line.at),
            number(line.row[0]),
            number(line.row[_PLACES[measure]]),
            cell(
                percent(line.counts.rate(rate)), bars((line.counts.rate(rate) or 0.0) / longest, look=_LOOKS[measure])
            ),
        )
        for line in lines
    ]
    heads = ["*Broadcast", "@Sent", "#Messages", f"#{measure.capitalize()}", "=Rate"]
    return table(heads, rows, caption=f"Broadcasts by {measure}")


def lists(data: ReportData) -> str:
    """Which lists?"""
    if not data.lists:
        return ""
    several = len(data.accounts) > 1
    rows = [
        (
            Html(text(f"{line.account} · {line.name}" if several else line.name)),
            number(line.counts.broadcasts),
            number(line.counts.sends),
            *rates(line.counts),
        )
        for line in data.lists
    ]
    return (
        '<section><h2>Lists</h2><p class="soft">A broadcast to several lists counts for each of them: what came from '
        "which, the server doesn't say.</p>"
        + table(
            ["*List", "#Broadcasts", "#Sent", "#Delivered", "#Clicks", "#Replies", "#Opt-outs"], rows, caption="Lists"
        )
        + "</section>"
    )


def lengths(data: ReportData) -> str:
    """Do long messages and links pay?"""
    if not data.lengths:
        return ""
    rows = [
        (
            f"{'3 or more segments' if line.segments == 3 else plural(line.segments, 'segment')}, "
            f"{'with' if line.link else 'without'} a link",
            number(line.counts.broadcasts),
            number(line.counts.sends),
            percent(line.counts.click_rate) if line.link or line.counts.clicks else "–",
            percent(line.counts.reply_rate),
            percent(line.counts.opt_out_rate),
        )
        for line in data.lengths
    ]
    return (
        '<section><h2>Length and links</h2><p class="soft">Segments of the message as it was written: merge tags, '
        "short links and the opt-out notice may add one. Without a link there is nothing to click on.</p>"
        + table(
            ["Message", "#Broadcasts", "#Sent", "#Clicks", "#Replies", "#Opt-outs"], rows, caption="Length and links"
        )
        + "</section>"
    )


def hours(data: ReportData) -> str:
    """When is what sent, and when does it work?"""
    if not data.hours:
        return ""
    measure = "clicks" if data.ranked_by == "click" else "replies"
    found = {(line.hour, line.weekday): line for line in data.hours}
    highest = max((line.rate or 0.0 for line in data.hours), default=0.0) or 1.0
    rows: list[str] = []
    for hour in sorted({line.hour for line in data.hours}):
        cells: list[str] = []
        for weekday in range(7):
            line = found.get((hour, weekday))
            if line is None:
                cells.append("<td></td>")
                continue
            gauge = bars((line.rate or 0.0) / highest, look=_LOOKS[measure])
            rate = _tight(line.rate)
            cells.append(f"<td>{rate}{gauge}<span class='soft'>{line.broadcasts:,}</span></td>")
        rows.append(f"<tr><th>{hour:02}</th>{''.join(cells)}</tr>")
    heads = "".join(f"<th>{name}</th>" for name in _DAYS)
    return (
        f'<section><h2>Days and hours</h2><p class="soft">{measure.capitalize()} for a hundred messages delivered, and '
        f"below that how many broadcasts that rests on, since {day(data.hours_since)}. A few broadcasts in an hour say "
        "little about the hour.</p>"
        f'<table class="hours" aria-label="Days and hours"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></section>"
    )


def _tight(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f}"


def accounts(data: ReportData) -> str:
    """How do the accounts compare? (Where there are several.)"""
    if len(data.by_account) < 2:
        return ""
    rows = [
        (
            Html(text(name)),
            number(counts.broadcasts),
            Html(f"{number(counts.sends)}<span class='soft'>{number(before.sends)} before</span>"),
            *rates(counts),
        )
        for name, counts, before in sorted(data.by_account, key=lambda entry: -(entry[1].sends or 0))
    ]
    return (
        "<section><h2>Accounts</h2>"
        + table(
            ["*Account", "#Broadcasts", "#Sent", "#Delivered", "#Clicks", "#Replies", "#Opt-outs"],
            rows,
            caption="Accounts",
        )
        + "</section>"
    )
