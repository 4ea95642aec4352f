"""The sections of the report, each an answer to one question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from ac_sms_async.collect.report.data import MOST_PERIODS, BroadcastLine, Counts, CreditsLine, ReportData
from ac_sms_async.collect.report.figures import (
    Html,
    cell,
    day,
    moment,
    number,
    percent,
    period,
    plural,
    table,
    text,
)
from ac_sms_async.collect.report.svg import Bar, bars, column_chart, line_chart, share_bar

__all__ = ["SECTIONS"]

_EACH = {"day": "each day", "week": "each week", "month": "each month"}
_CREDITS_SHOWN = 24


def _click_rate(counts: Counts) -> float | None:
    return counts.click_rate


def _reply_rate(counts: Counts) -> float | None:
    return counts.reply_rate


def _opt_out_rate(counts: Counts) -> float | None:
    return counts.opt_out_rate


_LINES: tuple[tuple[str, str, str, Callable[[Counts], float | None]], ...] = (
    ("Click rate", "good", ".1%", _click_rate),
    ("Reply rate", "fourth", ".1%", _reply_rate),
    ("Opt-out rate", "third", ".2%", _opt_out_rate),
)


def key_figures(data: ReportData) -> str:
    """The whole in eight numbers."""
    totals = data.totals
    latest = _latest_credits(data)
    left = sum(line.available or 0 for line in latest) if latest else None
    tiles = [
        ("Broadcasts sent", number(totals.broadcasts), ""),
        ("Messages sent", number(totals.sends), ""),
        ("Delivered", percent(totals.delivery_rate), number(totals.deliveries)),
        ("Not delivered", percent(totals.failure_rate), number(totals.failures)),
        ("Clicks", percent(totals.click_rate), number(totals.clicks)),
        ("Replies", percent(totals.reply_rate), number(totals.replies)),
        ("Opt-outs", percent(totals.opt_out_rate), number(totals.opt_outs)),
        ("Credits left", number(left), "of all accounts" if len(latest) > 1 else ""),
    ]
    made = "".join(
        f'<div class="tile"><dt>{name}</dt><dd class="figure">{figure}</dd>'
        f'<dd class="beside">{beside or "&nbsp;"}</dd></div>'
        for name, figure, beside in tiles
    )
    return (
        f'<section><dl class="tiles">{made}</dl>'
        '<p class="note">Delivered and not delivered are parts of what was sent; '
        "clicks, replies and opt-outs are counted for each message delivered.</p></section>"
    )


def over_time(data: ReportData) -> str:
    """What was sent, and what came of it?"""
    if not data.periods:
        return "<section><h2>Over time</h2><p>Nothing was sent yet.</p></section>"
    each = _EACH[data.grain]
    columns = [
        Bar(
            period(entry.start, data.grain, short=True),
            f"{period(entry.start, data.grain)}: {number(entry.counts.sends)} sent, "
            f"{number(entry.counts.failures)} not delivered",
            (float(max(entry.counts.sends - entry.counts.failures, 0)), float(entry.counts.failures)),
        )
        for entry in data.periods
    ]
    lines = "".join(
        f"<figure style='margin:0'><h3>{name}</h3>"
        + line_chart(
            [(period(entry.start, data.grain, short=True), rate(entry.counts)) for entry in data.periods],
            title=f"{name} {each}",
            look=look,
            values=values,
        )
        + "</figure>"
        for name, look, values, rate in _LINES
    )
    rows = [
        (
            period(entry.start, data.grain),
            number(entry.counts.broadcasts),
            number(entry.counts.sends),
            *_rates(entry.counts),
        )
        for entry in reversed(data.periods)
        if entry.counts.broadcasts
    ]
    older = len(data.periods) == MOST_PERIODS
    return (
        f"<section><h2>What was sent, and what came of it</h2>"
        f'<p class="soft">Messages sent {each}{f", the last {MOST_PERIODS} shown" if older else ""}.</p>'
        f'<ul class="legend"><li>{_key("good")}delivered, or on the way</li><li>{_key("bad")}not delivered</li></ul>'
        + column_chart(columns, title=f"Messages sent {each}", classes=("good", "bad"))
        + f'<div class="trio">{lines}</div>'
        + table(
            ["Period", "#Broadcasts", "#Sent", "#Delivered", "#Clicks", "#Replies", "#Opt-outs"],
            rows,
            caption="Over time",
        )
        + "</section>"
    )


def rankings(data: ReportData) -> str:
    """Which broadcasts worked, and which didn't?"""
    measure = "Clicks" if data.ranked_by == "click" else "Replies"
    rate = _click_rate if data.ranked_by == "click" else _reply_rate
    among = f"Among broadcasts of at least {plural(data.enough, 'message')}"
    with_link = " that have a link" if data.ranked_by == "click" else ""
    return (
        "<section><h2>Best and worst broadcasts</h2>"
        f'<p class="soft">{among}, by {measure.lower()} for each message delivered.</p>'
        f"<h3>Best</h3>{_ranking(data.best, measure, rate)}"
        f"<h3>Worst{with_link}</h3>{_ranking(data.worst, measure, rate, full=data.best)}</section>"
    )


def opt_outs(data: ReportData) -> str:
    """Whom do we lose, and by which messages?"""
    columns = [
        Bar(
            period(entry.start, data.grain, short=True),
            f"{period(entry.start, data.grain)}: {plural(entry.counts.opt_outs, 'opt-out')}, "
            f"{percent(entry.counts.opt_out_rate)} of messages delivered",
            (float(entry.counts.opt_outs),),
        )
        for entry in data.periods
    ]
    chart = column_chart(columns, title="Opt-outs", classes=("third",), height=180) if columns else ""
    return (
        f"<section><h2>Opt-outs</h2><p>{plural(data.totals.opt_outs, 'contact')} opted out: "
        f"{percent(data.totals.opt_out_rate)} of messages delivered.</p>{chart}"
        "<h3>Broadcasts that lost most, by rate</h3>"
        + _ranking(data.most_opt_outs, "Opt-outs", _opt_out_rate)
        + "</section>"
    )


def failures(data: ReportData) -> str:
    """Why did messages fail, and what can be done?"""
    head = "<section><h2>Why messages failed</h2>"
    if not data.totals.failures:
        return f"{head}<p>No message failed.</p></section>"
    known = data.failed_in_groups
    if not known:
        return (
            f"{head}<p>{plural(data.totals.failures, 'message')} failed. To see why, collect with "
            "<code>--include failures</code>.</p></section>"
        )
    largest = data.failures[0].count
    rows = [
        (
            Html(
                f"{text(line.code or 'no code')}<br><span class='soft'>{text(line.source or 'unknown source')}</span>"
            ),
            Html(f"{text(line.meaning.meaning)}<span class='soft'>{text(line.meaning.advice)}</span>"),
            number(line.broadcasts),
            number(line.count),
            cell(percent(line.count / known), bars(line.count / largest, look="bad")),
        )
        for line in data.failures
    ]
    part = "" if known >= data.totals.failures else f" The reasons of {known:,} of them are known."
    return (
        f"{head}<p>{plural(data.totals.failures, 'message')} failed, "
        f"{percent(data.totals.failure_rate)} of those sent.{part}"
        "</p>"
        + table(
            ["Code", "*Meaning, and what to do", "#Broadcasts", "#Messages", "=Share"], rows, caption="Failures by code"
        )
        + "</section>"
    )


def credits(data: ReportData) -> str:
    """How long will the credits last?"""
    head = "<section><h2>Credits</h2>"
    latest = _latest_credits(data)
    if not latest:
        return f"{head}<p>Not collected yet.</p></section>"
    rows = [
        (
            Html(text(line.account)),
            number(line.available),
            number(line.used),
            number(line.included),
            number(line.extra),
            day(line.refill),
            moment(line.at),
        )
        for line in latest
    ]
    gauges = "".join(
        f'<p class="soft">{text(line.account)}: {number(line.used)} used in this period, '
        f"{number(line.available)} left</p>"
        + share_bar(
            [(float(line.used or 0), "third"), (float(max(line.available or 0, 0)), "fourth")],
            title=f"{number(line.used)} used, {number(line.available)} left",
        )
        for line in latest
    )
    return (
        f"{head}{gauges}"
        f'<ul class="legend"><li>{_key("third")}used in this period</li><li>{_key("fourth")}left</li></ul>'
        + _credits_course(data)
        + table(
            ["Account", "#Left", "#Used", "#Included", "#Extra", "Next refill", "As of"],
            rows,
            caption="Credits of each account",
        )
        + "</section>"
    )


def accounts(data: ReportData) -> str:
    """How do the accounts compare? (Where there are several.)"""
    if len(data.by_account) < 2:
        return ""
    rows = [
        (Html(text(name)), number(counts.broadcasts), number(counts.sends), *_rates(counts))
        for name, counts in sorted(data.by_account, key=lambda entry: -entry[1].sends)
    ]
    return (
        "<section><h2>Accounts</h2>"
        + table(
            ["Account", "#Broadcasts", "#Sent", "#Delivered", "#Clicks", "#Replies", "#Opt-outs"],
            rows,
            caption="Accounts",
        )
        + "</section>"
    )


def _rates(counts: Counts) -> list[str]:
    return [
        f"{number(count)} ({percent(rate)})"
        for count, rate in (
            (counts.deliveries, counts.delivery_rate),
            (counts.clicks, counts.click_rate),
            (counts.replies, counts.reply_rate),
            (counts.opt_outs, counts.opt_out_rate),
        )
    ]


def _ranking(
    lines: Sequence[BroadcastLine],
    measure: str,
    rate: Callable[[Counts], float | None],
    *,
    full: Sequence[BroadcastLine] = (),
) -> str:
    """A table of broadcasts, with gauges. A full gauge is the highest rate of `full`, or of the table itself."""
    if not lines:
        return "<p class='soft'>None.</p>"
    longest = max(rate(line.counts) or 0.0 for line in full or lines) or 1.0
    look = {"Clicks": "good", "Replies": "fourth", "Opt-outs": "third"}[measure]
    rows = [
        (
            Html(f"{text(line.name)}<span class='soft'>{text(_short(line.body))}</span>"),
            day(line.sent),
            number(line.counts.sends),
            percent(line.counts.delivery_rate),
            percent(line.counts.opt_out_rate if measure != "Opt-outs" else line.counts.click_rate),
            number(
                {"Clicks": line.counts.clicks, "Replies": line.counts.replies, "Opt-outs": line.counts.opt_outs}[
                    measure
                ]
            ),
            cell(percent(rate(line.counts)), bars((rate(line.counts) or 0.0) / longest, look=look)),
        )
        for line in lines
    ]
    other = "#Opt-out rate" if measure != "Opt-outs" else "#Click rate"
    heads = ["*Broadcast", "@Sent on", "#Sent", "#Delivered", other, f"#{measure}", "=Rate"]
    return table(heads, rows, caption=f"Broadcasts by {measure.lower()}")


def _short(body: str, most: int = 90) -> str:
    line = " ".join(body.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _latest_credits(data: ReportData) -> list[CreditsLine]:
    latest = {line.account: line for line in data.credits}
    return [latest[name] for name in sorted(latest)]


def _credits_course(data: ReportData) -> str:
    """The credits left at each collection, where there is one account and a course to show."""
    lines = data.credits
    times = [line.at for line in lines]
    if len({line.account for line in lines}) != 1 or max(times) - min(times) < timedelta(days=1):
        return ""
    each = -(-len(lines) // _CREDITS_SHOWN)
    shown = lines[::-1][::each][::-1]
    points = [
        (f"{line.at.day} {line.at:%b}", None if line.available is None else float(line.available)) for line in shown
    ]
    title = "Credits left, at each collection"
    return f"<h3>{title}</h3>" + line_chart(points, title=title, look="fourth", values=",.0f", width=720, height=190)


def _key(look: str) -> str:
    return f'<svg viewBox="0 0 14 14" aria-hidden="true"><rect class="{look}" width="14" height="14"/></svg>'


SECTIONS: tuple[Callable[[ReportData], str], ...] = (
    key_figures,
    over_time,
    rankings,
    opt_outs,
    failures,
    credits,
    accounts,
)
