"""The report's page: one HTML file that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

from ac_sms_async.collect.report import comparisons, losses, sections
from ac_sms_async.collect.report.data import Debt, ReportData
from ac_sms_async.collect.report.figures import day, moment, plural, span_name, text

__all__ = ["render_report"]

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{hatch}
<header><h1>{title}</h1>
<p class="soft">{span}</p></header>
{debts}{sections}
<footer>Made on {made}; {collected}. Rates are over each broadcast's whole life so far. \
Days and times are those of {zone}.</footer>
</body>
</html>
"""

_HATCH = (
    '<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs>'
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch-ground" width="6" height="6"/><line class="hatch-line" x1="0" y1="0" x2="0" y2="6"/>'
    "</pattern></defs></svg>"
)
"""Stripes tell failed messages from others where colours don't."""


def render_report(data: ReportData) -> str:
    """The report as HTML: light, dark and on paper, without script and without anything from elsewhere."""
    answers = "\n".join(filter(None, (section(data) for section in _SECTIONS)))
    style = resources.files("ac_sms_async.collect.report").joinpath("style.css").read_text(encoding="utf-8")
    return _PAGE.format(
        title="SMS broadcasts",
        style=style,
        hatch=_HATCH,
        span=_span(data),
        debts=_debts(data),
        sections=answers,
        zone=text(data.zone),
        made=moment(data.made_at),
        collected=(
            "nothing was collected yet" if data.collected_at is None else f"collected until {moment(data.collected_at)}"
        ),
    )


def _span(data: ReportData) -> str:
    shown = data.accounts if len(data.accounts) <= _NAMED else data.accounts[:_NAMED]
    names = ", ".join(text(name) for name in shown) or "no account yet"
    more = len(data.accounts) - len(shown)
    name = span_name(data.span)
    span = f"{name[0].upper()}{name[1:]}, beside {span_name(data.before)}"
    return f"{names}{f' and {more} more' if more else ''} · {span}"


def _debts(data: ReportData) -> str:
    """What stands in a report that isn't whole, before everything else."""
    if not data.debts:
        return ""
    shown = "".join(f"<li>{_debt(debt, several=len(data.accounts) > 1)}</li>" for debt in data.debts[:_NAMED])
    more = len(data.debts) - _NAMED
    rest = f"<li>and {plural(more, 'more account')}</li>" if more > 0 else ""
    return f'<div class="alert"><p>Not all of it is here:</p><ul>{shown}{rest}</ul></div>\n'


def _debt(debt: Debt, *, several: bool) -> str:
    said: list[str] = []
    if debt.collected_on is not None:
        said.append(f"it was last collected on {day(debt.collected_on)}, before this period was over")
    if debt.last_run is not None:
        said.append(_LAST_RUN.get(debt.last_run, f"its last run is {text(debt.last_run)}"))
    if debt.owed:
        what = ", ".join(f"{kind} ({plural(count, 'id')})" for kind, count in debt.owed)
        said.append(f"owed is {text(what)}, and the next collection tries again")
    if debt.given_up:
        was = "was" if debt.given_up == 1 else "were"
        said.append(f"{plural(debt.given_up, 'id')} could not be fetched, and {was} given up")
    whole = "; ".join(said)
    return f"{text(debt.account)}: {whole}." if several else f"{whole[0].upper()}{whole[1:]}."


_LAST_RUN = {
    "partial": "its last run came to its end, but not whole",
    "failed": "its last run failed",
    "interrupted": "its last run was stopped",
    "running": "it is being collected, or a run was killed",
    "abandoned": "its last run was given up",
}
_NAMED = 6
"""More names of accounts are only counted."""

_SECTIONS: tuple[Callable[[ReportData], str], ...] = (
    sections.key_figures,
    sections.went_out,
    sections.unusual,
    sections.over_time,
    comparisons.rankings,
    comparisons.lists,
    comparisons.lengths,
    comparisons.hours,
    losses.opt_outs,
    losses.failures,
    losses.credits,
    comparisons.accounts,
    losses.replies,
)
