"""Progress: a bar for each account on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from ac_sms_async.cli.output import printable
from ac_sms_async.collect import OnProgress, Progress

__all__ = ["line", "progress_display", "share"]

_BETWEEN_LINES = 10.0
"""Seconds between two lines of an account in a log."""


@contextmanager
def progress_display(*, quiet: bool = False) -> Generator[OnProgress | None, None, None]:
    """What to hand to `collect` as `on_progress`, while the block runs. Everything goes to stderr."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield _Bars(bars).show
    else:
        yield _Lines().show


def _bars() -> RichProgress:
    return RichProgress(
        TextColumn("{task.fields[account]}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


class _Bars:
    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def show(self, progress: Progress) -> None:
        """Draw one account's bar."""
        if progress.account not in self._tasks:
            # Escaped by hand: a column's text is markup.
            name = Text(printable(progress.account)).markup
            self._tasks[progress.account] = self._bars.add_task("", total=1.0, account=name)
        self._bars.update(self._tasks[progress.account], completed=share(progress), description=_counts(progress))


class _Lines:
    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def show(self, progress: Progress) -> None:
        """Print one account's line, unless the last one is fresh."""
        last = self._last.get(progress.account)
        if last is None or progress.elapsed - last >= _BETWEEN_LINES:
            self._last[progress.account] = progress.elapsed
            click.echo(line(progress), err=True)


def share(progress: Progress) -> float:
    """How much is done of what is known to do, from 0 to 1: a broadcast counts when it was found and when counted."""
    expected = max(progress.expected or 0, progress.broadcasts)
    done = progress.broadcasts + progress.metrics_done + progress.failures_done + progress.recipients_done
    total = 2 * expected + progress.failures_total + progress.recipients_total
    return done / total if total else 0.0


def line(progress: Progress) -> str:
    """The progress as a line."""
    return f"{printable(progress.account)}: {_counts(progress)}, {progress.elapsed:.0f}s"


def _counts(progress: Progress) -> str:
    of = (
        f" of {progress.expected:,}"
        if progress.expected is not None and progress.expected > progress.broadcasts
        else ""
    )
    parts = [f"{progress.broadcasts:,}{of} broadcasts", f"{progress.metrics_done:,} with metrics"]
    if progress.failures_total:
        parts.append(f"failures {progress.failures_done:,}/{progress.failures_total:,}")
    if progress.recipients_total:
        parts.append(
            f"recipients {progress.recipients_done:,}/{progress.recipients_total:,} ({progress.recipients:,} rows)"
        )
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    return ", ".join(parts)
