"""Plots from the store that `ac-sms collect` fills, with nothing but the standard library.

    ac-sms collect --db metrics.sqlite
    python plot_store.py metrics.sqlite plots.html

The cells (`# %%`) run one by one in VS Code, PyCharm and Jupyter; run as a script, it writes one HTML page.
"""

from __future__ import annotations

# %% What is in the store: one row for each broadcast, from the view made for it
import sqlite3
import sys
from contextlib import closing
from html import escape
from pathlib import Path

store = Path(sys.argv[1] if len(sys.argv) > 1 else "metrics.sqlite")
page = Path(sys.argv[2] if len(sys.argv) > 2 else "plots.html")
if not store.exists():
    sys.exit(f"there is no {store}: make one with `ac-sms collect --db {store}`")

with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
    rows: list[tuple[str, str, int, float, float]] = database.execute(
        """
        SELECT name, substr(sent_date, 1, 10), deliveries, click_rate, opt_out_rate
        FROM broadcast_rates
        WHERE sent_date IS NOT NULL AND deliveries > 0
        ORDER BY sent_date
        """
    ).fetchall()
if not rows:
    sys.exit("nothing was delivered yet")
print(f"{len(rows)} broadcasts, from {rows[0][1]} to {rows[-1][1]}")


# %% Do more clicks come with more opt-outs? One dot for each broadcast, as large as its audience
def scatter(points: list[tuple[str, str, int, float, float]], width: int = 640, height: int = 360) -> str:
    left, bottom = 50, 40
    most_clicks = max(point[3] for point in points) or 1.0
    most_opt_outs = max(point[4] for point in points) or 1.0
    largest = max(point[2] for point in points)

    def x(rate: float) -> float:
        return left + rate / most_clicks * (width - left - 20)

    def y(rate: float) -> float:
        return height - bottom - rate / most_opt_outs * (height - bottom - 20)

    dots = "".join(
        f'<circle cx="{x(clicks):.1f}" cy="{y(opt_outs):.1f}" r="{2 + 8 * (delivered / largest) ** 0.5:.1f}">'
        f"<title>{escape(name)}, {day}: {clicks:.1%} clicked, {opt_outs:.1%} opted out</title></circle>"
        for name, day, delivered, clicks, opt_outs in points
    )
    ticks = "".join(
        f'<text x="{x(most_clicks * part):.0f}" y="{height - bottom + 18}" text-anchor="middle">'
        f'{most_clicks * part:.1%}</text><text x="{left - 6}" y="{y(most_opt_outs * part) + 4:.0f}" text-anchor="end">'
        f"{most_opt_outs * part:.1%}</text>"
        for part in (0, 0.5, 1)
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" font-family="system-ui" font-size="11">'
        f'<path d="M{left} 10V{height - bottom}H{width - 10}" fill="none" stroke="#888"/>'
        f'<g fill="#0072b2" fill-opacity=".5">{dots}</g>{ticks}'
        f'<text x="{width / 2}" y="{height - 4}" text-anchor="middle">clicked</text>'
        f'<text x="{left}" y="10" dx="6">opted out</text></svg>'
    )


# %% Clicks by month, as bars
def bars(points: list[tuple[str, str, int, float, float]], width: int = 640, height: int = 200) -> str:
    months: dict[str, list[float]] = {}
    for _, day, delivered, clicks, _ in points:
        total = months.setdefault(day[:7], [0.0, 0.0])
        total[0] += clicks * delivered
        total[1] += delivered
    rates = {month: clicked / delivered for month, (clicked, delivered) in months.items()}
    highest = max(rates.values()) or 1.0
    step = width / len(rates)
    scale = (height - 50) / highest
    drawn = "".join(
        f'<rect x="{number * step + 1:.1f}" y="{height - 24 - rate * scale:.1f}" width="{step - 2:.1f}" '
        f'height="{rate * scale:.1f}"><title>{month}: {rate:.1%}</title></rect>'
        for number, (month, rate) in enumerate(rates.items())
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" font-family="system-ui" font-size="11">'
        f'<g fill="#009e73">{drawn}</g><text x="2" y="{height - 8}">{min(rates)}</text>'
        f'<text x="{width - 2}" y="{height - 8}" text-anchor="end">{max(rates)}</text>'
        f'<text x="2" y="14">at most {highest:.1%} clicked</text></svg>'
    )


# %% The page
page.write_text(
    f"<!doctype html><meta charset=utf-8><title>Text messages</title><h1>{len(rows)} broadcasts</h1>"
    f"<h2>Clicks and opt-outs</h2>{scatter(rows)}<h2>Clicks by month</h2>{bars(rows)}",
    "utf-8",
)
print(f"wrote {page}")
