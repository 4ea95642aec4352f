"""Charts as inline SVG: no script, colours from the page's style so that light, dark and paper all work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from attrs import field, frozen

__all__ = ["Bar", "bars", "column_chart", "line_chart", "nice_ticks", "share_bar"]

_BESIDE = 34
"""Nearer than this a number would cover the line."""
_NOTHING = 1e-9
"""Less than this is drawn as 0: no count or rate is as small."""
OPEN = ' class="open"'
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 22, 26


@frozen
class Bar:
    """A column: its label, the text shown when pointed at, and the heights of its parts from the bottom up."""

    label: str
    hint: str
    parts: tuple[float, ...]
    whole: bool = True
    """False for a period that is not over: it is drawn as one."""

    @property
    def height(self) -> float:
        """All parts together."""
        return sum(self.parts)


@frozen
class _Plot:
    """From values to places on the canvas."""

    width: float
    height: float
    count: int
    top: float = field(default=1.0)

    @property
    def step(self) -> float:
        return (self.width - _LEFT - _RIGHT) / max(self.count, 1)

    def x(self, place: float) -> float:
        return _LEFT + self.step * (place + 0.5)

    def y(self, value: float) -> float:
        return self.height - _BOTTOM - (self.height - _TOP - _BOTTOM) * value / self.top


def nice_ticks(largest: float, *, count: int = 4, whole: bool = False) -> list[float]:
    """Round numbers from 0 to just above `largest`, about `count` steps; with `whole`, of what comes in ones."""
    if not largest > _NOTHING:
        return [0.0, 1.0]
    rough = max(largest / count, 1.0) if whole else largest / count
    size = 10.0 ** math.floor(math.log10(rough))
    steps = (size * factor for factor in (1, 2, 2.5, 5, 10) if not (whole and size * factor % 1))
    step = next(step for step in steps if step >= rough * 0.999)
    return [step * i for i in range(math.ceil(largest / step - 1e-9) + 1)]


def column_chart(
    columns: Sequence[Bar],
    *,
    title: str,
    classes: Sequence[str],
    width: int = 720,
    height: int = 250,
) -> str:
    """Columns of counts, each of stacked parts that look as `classes` say; written above where there is room."""
    values = ",.0f"
    ticks = nice_ticks(max((bar.height for bar in columns), default=0), whole=True)
    plot = _Plot(width, height, len(columns), ticks[-1])
    thick = min(plot.step * 0.72, 56)
    out = [_open(width, height, title), *_grid(plot, ticks, values)]
    for place, bar in enumerate(columns):
        out.append(f"<g{'' if bar.whole else OPEN}><title>{escape(bar.hint)}</title>")
        base = 0.0
        for part, look in zip(bar.parts, classes, strict=True):
            if part > 0:
                top = plot.y(base + part)
                out.append(_rect(plot.x(place) - thick / 2, top, thick, plot.y(base) - top, look))
            base += part
        out.append("</g>")
        if plot.step >= 36 and bar.height > 0:
            out.append(_label(plot.x(place), plot.y(bar.height) - 5, format(bar.height, values), "value"))
    out += _under(plot, [bar.label for bar in columns])
    return "".join([*out, "</svg>"])


def line_chart(
    points: Sequence[tuple[str, float | None]],
    *,
    title: str,
    look: str,
    values: str,
    whole: bool = False,
    over: int | None = None,
    width: int = 340,
    height: int = 190,
) -> str:
    """A line over the points, broken where there is no value; the last and the highest are written.

    `over` is how many of them are over (None: all): the rest is drawn as unfinished. `whole` is for what comes in ones.
    """
    over = len(points) if over is None else over
    known = [(place, value) for place, (_, value) in enumerate(points) if value is not None]
    ticks = nice_ticks(max((value for _, value in known), default=0), count=3, whole=whole)
    plot = _Plot(width, height, len(points), ticks[-1])
    out = [_open(width, height, title), *_grid(plot, ticks, values)]
    for run in _runs(known):
        for part, state in ((run[: sum(p < over for p, _ in run)], ""), (_rest(run, over), " open")):
            line = " ".join(f"{plot.x(place):.1f},{plot.y(value):.1f}" for place, value in part)
            if line:
                out.append(f'<polyline class="line {look}{state}" points="{line}"/>')
    for place, value in known:
        hint = escape(f"{points[place][0]}: {format(value, values)}")
        out.append(
            f'<circle class="dot {look}{"" if place < over else " open"}" cx="{plot.x(place):.1f}" '
            f'cy="{plot.y(value):.1f}" r="3">'
            f"<title>{hint}</title></circle>"
        )
    for place, value in _spoken(known):
        # Above whatever of the line is near, and inside of the chart.
        near = [other for at, other in known if abs(plot.x(at) - plot.x(place)) < _BESIDE]
        anchor = (
            "middle" if len(points) < 2 else "start" if place == 0 else "end" if place == len(points) - 1 else "middle"
        )
        edge = {"start": -4.0, "end": _RIGHT - 2.0}.get(anchor, 0.0)
        out.append(_label(plot.x(place) + edge, plot.y(max(near)) - 8, format(value, values), "value", anchor))
    out += _under(plot, [label for label, _ in points])
    return "".join([*out, "</svg>"])


def bars(share: float, *, look: str) -> str:
    """A thin bar for a table cell, `share` of its full length (0 to 1)."""
    length = 100 * min(max(share, 0.0), 1.0)
    return (
        '<svg class="inline" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="100" height="8"/><rect class="{look}" width="{length:.1f}" height="8"/></svg>'
    )


def share_bar(parts: Sequence[tuple[float, str]], *, title: str) -> str:
    """One bar cut into parts, each with its look."""
    whole = sum(part for part, _ in parts) or 1.0
    out = [
        f'<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{escape(title)}">',
        '<rect class="track" width="100" height="6"/>',
    ]
    x = 0.0
    for part, look in parts:
        out.append(f'<rect class="{look}" x="{x:.2f}" width="{100 * part / whole:.2f}" height="6"/>')
        x += 100 * part / whole
    return "".join([*out, "</svg>"])


def _runs(known: Sequence[tuple[int, float]]) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = []
    for place, value in known:
        if runs and runs[-1][-1][0] == place - 1:
            runs[-1].append((place, value))
        else:
            runs.append([(place, value)])
    return runs


def _rest(run: Sequence[tuple[int, float]], over: int) -> Sequence[tuple[int, float]]:
    """The unfinished end of a line, from the last point that is over."""
    return run[max(sum(place < over for place, _ in run) - 1, 0) :] if run[-1][0] >= over else []


def _spoken(known: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The points worth a number: the last, and the highest where it is far enough away not to cover it."""
    if not known:
        return []
    last = known[-1]
    highest = max(known, key=lambda point: point[1])
    far = last[0] - highest[0] > max(2, (known[-1][0] - known[0][0]) * 0.2)
    return [highest, last] if far else [last]


def _open(width: int, height: int, title: str) -> str:
    return f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'


def _grid(plot: _Plot, ticks: Sequence[float], values: str) -> list[str]:
    out: list[str] = []
    for tick in ticks:
        y = plot.y(tick)
        look = "axis" if tick == 0 else "grid"
        out.append(f'<line class="{look}" x1="{_LEFT}" x2="{plot.width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(
            f'<text class="tick" x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{_short(tick, values)}</text>'
        )
    return out


def _short(tick: float, values: str) -> str:
    """A tick's number: large ones in thousands or millions, so that they fit."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if tick >= 10 * size or (tick >= size and unit == "M"):
            return f"{tick / size:g}{unit}"
    return format(tick, values)


def _under(plot: _Plot, labels: Sequence[str]) -> list[str]:
    """Labels below the axis, as many as fit, the last one among them."""
    each = max(1, math.ceil(len(labels) * 52 / (plot.width - _LEFT - _RIGHT)))
    shown = [place for place in range(len(labels)) if (len(labels) - 1 - place) % each == 0]
    return [_label(plot.x(place), plot.height - 8, labels[place], "tick") for place in shown]


def _label(x: float, y: float, text: str, look: str, anchor: str = "middle") -> str:
    return f'<text class="{look}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _rect(x: float, y: float, width: float, height: float, look: str) -> str:
    return f'<rect class="{look}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
