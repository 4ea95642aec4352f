"""The report's sections about what was lost and spent: opt-outs, failures, credits; and what people replied."""

from __future__ import annotations

from datetime import timedelta

from ac_sms_async.collect.report.comparisons import ranking
from ac_sms_async.collect.report.data import CreditsLine, ReportData
from ac_sms_async.collect.report.figures import (
    Html,
    cell,
    clock,
    day,
    moment,
    number,
    percent,
    period,
    plural,
    span_name,
    table,
    text,
)
from ac_sms_async.collect.report.sections import key, wide_and_narrow
from ac_sms_async.collect.report.svg import Bar, bars, column_chart, line_chart, share_bar

__all__ = ["credits", "failures", "opt_outs", "replies"]


def opt_outs(data: ReportData) -> str:
    """Whom do we lose, and by which messages?"""
    head = "<section><h2>Opt-outs</h2>"
    lost = data.totals.opt_outs
    if not data.totals.broadcasts:
        return f"{head}<p>Nothing was sent in {span_name(data.span)}.</p></section>"
    if lost is None:
        return f"{head}<p>Nobody knows how many opted out.</p></section>"
    columns = [
        Bar(
            period(entry.start, data.grain, short=True),
            f"{period(entry.start, data.grain)}{'' if entry.whole else ', so far'}: "
            f"{number(entry.counts.opt_outs)} opted out, {percent(entry.counts.opt_out_rate)} of messages delivered",
            (float(entry.counts.opt_outs or 0),),
            entry.whole,
        )
        for entry in data.periods
    ]
    chart = wide_and_narrow(
        lambda width: column_chart(columns, title="Opt-outs", classes=("third",), width=width, height=180)
    )
    return (
        f"{head}<p>In {span_name(data.span)} {plural(lost, 'contact')} opted out: "
        f"{percent(data.totals.opt_out_rate)} of messages delivered.</p>{chart}"
        "<h3>Broadcasts that surely lost most</h3>"
        + ranking(data, data.most_opt_outs, "opt-outs", "opt_out")
        + _BY_BOUND
        + "</section>"
    )


_BY_BOUND = (
    '<p class="note">By the lower bound of the rate (95 %, Wilson): one of ten says less than fifty of a thousand.</p>'
)


def failures(data: ReportData) -> str:
    """Why did messages fail, and what can be done?"""
    head = "<section><h2>Why messages failed</h2>"
    failed = data.totals.failures
    if failed is None:
        return f"{head}<p>Nobody knows how many failed.</p></section>"
    if not failed:
        return f"{head}<p>No message failed.</p></section>"
    said = f"{plural(failed, 'message')} failed, {percent(data.totals.failure_rate)} of those sent."
    worst = (
        "<h3>Broadcasts of which surely most failed</h3>"
        + ranking(data, data.most_failures, "failures", "failure")
        + _BY_BOUND
    )
    known = sum(line.count for line in data.failures)
    if not known:
        return f"{head}<p>{said} To see why, collect with <code>--include failures</code>.</p>{worst}</section>"
    rows = [
        (
            Html(f"{text(line.code or 'no code')}<span class='soft'>{text(line.source or 'unknown source')}</span>"),
            Html(f"{text(line.meaning.meaning)}<span class='soft'>{text(line.meaning.advice)}</span>"),
            number(line.broadcasts),
            number(line.count),
            cell(percent(line.count / known), bars(line.count / data.failures[0].count, look="bad")),
        )
        for line in data.failures
    ]
    part = "" if known >= failed else f" The reasons of {known:,} of them are known."
    return (
        f"{head}<p>{said}{part}</p>"
        + table(
            ["Code", "*Meaning, and what to do", "#Broadcasts", "#Messages", "=Share"], rows, caption="Failures by code"
        )
        + worst
        + "</section>"
    )


def credits(data: ReportData) -> str:
    """What was spent, and how long will the rest last?"""
    head = "<section><h2>Credits</h2>"
    if not data.credits:
        return f"{head}<p>Not collected yet.</p></section>"
    rows = [
        (
            Html(text(line.account)),
            _spent(line),
            number(line.available),
            _lasts(line),
            number(line.used),
            number(line.included),
            number(line.extra),
            day(line.refill),
            moment(line.at),
        )
        for line in data.credits
    ]
    heads = ["Account", "#Spent", "#Left", "Lasts", "#Used", "#Included", "#Extra", "@Next refill", "@As of"]
    return (
        f'{head}<p class="soft">Spent in {span_name(data.span)}, as collections saw it; used since the last refill. '
        "How long the rest lasts is by the pace of the last four weeks before the last collection.</p>"
        + _gauges(data)
        + _course(data)
        + table(heads, rows, caption="Credits of each account")
        + "</section>"
    )


def _spent(line: CreditsLine) -> str:
    if line.spent is None:
        return "–"
    return f"{line.spent:,} or more" if line.spent_at_least else f"{line.spent:,}"


def _lasts(line: CreditsLine) -> str:
    left = line.days_left
    if left is None:
        return "–"
    pace = f"at {line.a_day:,.0f} a day" if (line.a_day or 0) >= 1 else "at less than 1 a day"
    if left > 730:
        return f"more than two years, {pace}"
    return f"{plural(left, 'day')} ({day((line.at + timedelta(days=left)).date())}), {pace}"


def _gauges(data: ReportData) -> str:
    if len(data.credits) > 8:
        # The table says the same in less room.
        return ""
    made = "".join(
        f'<p class="soft">{text(line.account)}: {number(line.used)} used in this period, '
        f"{number(line.available)} left</p>"
        + share_bar(
            [(float(line.used or 0), "third"), (float(max(line.available or 0, 0)), "fourth")],
            title=f"{number(line.used)} used, {number(line.available)} left",
        )
        for line in data.credits
        if line.used is not None and line.available is not None
    )
    legend = f'<ul class="legend"><li>{key("third")}used in this period</li><li>{key("fourth")}left</li></ul>'
    return f"{made}{legend}" if made else ""


def _course(data: ReportData) -> str:
    """The credits left at each collection, where there is one account and a course to show."""
    if len(data.credits) != 1:
        return ""
    points = data.credits[0].course
    if points[-1][0] - points[0][0] < timedelta(days=1):
        return ""
    shown = [(f"{at.day} {at:%b}", None if left is None else float(left)) for at, left in points]
    title = "Credits left, at each collection"
    return f"<h3>{title}</h3>" + wide_and_narrow(
        lambda width: line_chart(shown, title=title, look="fourth", values=",.0f", whole=True, width=width, height=190)
    )


def replies(data: ReportData) -> str:
    """What did people reply? (Where it was asked for.)"""
    if data.replies is None:
        return ""
    head = "<section><h2>Replies</h2>"
    if not data.replies:
        return f"{head}<p>None are known. To have them, collect with <code>--include recipients</code>.</p></section>"
    rows = [
        (Html(text(line.message)), "–" if line.at is None else clock(line.at), Html(text(line.broadcast)))
        for line in data.replies
    ]
    return (
        f'{head}<p class="soft">To broadcasts of this period, newest first, fifty at most.</p>'
        + table(["*Reply", "@Came", "Broadcast"], rows, caption="Replies")
        + "</section>"
    )
