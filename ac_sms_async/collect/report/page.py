"""The report's page: one HTML file that needs nothing beside itself."""

from __future__ import annotations

from importlib import resources

from ac_sms_async.collect.report.data import ReportData
from ac_sms_async.collect.report.figures import day, moment, plural, text
from ac_sms_async.collect.report.sections import SECTIONS

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
{owed}{sections}
<footer>Made on {made} from what was collected until {collected}. Rates are over each broadcast's whole life. \
Times are in UTC.</footer>
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
    style = resources.files("ac_sms_async.collect.report").joinpath("style.css").read_text(encoding="utf-8")
    return _PAGE.format(
        title="SMS broadcasts",
        style=style,
        hatch=_HATCH,
        span=_span(data),
        owed=_owed(data),
        sections="\n".join(section(data) for section in SECTIONS),
        made=moment(data.made_at),
        collected=moment(data.collected_at),
    )


def _span(data: ReportData) -> str:
    names = ", ".join(text(name) for name in data.accounts) or "no account yet"
    if not data.periods:
        return names
    return f"{names} · {day(data.first)} to {day(data.last)}"


def _owed(data: ReportData) -> str:
    if not data.owed:
        return ""
    what = ", ".join(f"{kind} ({plural(count, 'id')})" for kind, count in data.owed)
    return f'<p class="alert">Not all of it could be fetched: {text(what)}. The next collection tries again.</p>\n'
