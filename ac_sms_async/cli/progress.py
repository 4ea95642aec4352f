"""Progress: a bar for each account on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Column
from rich.text import Text

from ac_sms_async.cli.output import printable
from ac_sms_async.collect import OnProgress, Progress

__all__ = ["line", "progress_display", "share"]

_BETWEEN_LINES = 10.0
"""Seconds between two lines of an account in a log."""
_PAGE, _CHUNK = 99, 100
"""Rows of a list that a request brings, and ids that one asks about."""


@contextmanager
def progress_display(*, quiet: bool = False, details: bool = False) -> Generator[OnProgress | None, None, None]:
    """What to hand to `collect` as `on_progress`, while the block runs. Everything goes to stderr.

    With `details`, more is to be fetched of each broadcast than its counts: only these say how much.
    """
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield _Bars(bars, details).show
    else:
        yield _Lines(details).show


def _bars() -> RichProgress:
    """Name, bar, percent and time left have their place on 80 columns; what there is to count gets what is left."""
    one_line = Column(no_wrap=True)
    return RichProgress(
        TextColumn("{task.fields[account]}", table_column=Column(no_wrap=True, max_width=18, overflow="ellipsis")),
        BarColumn(bar_width=16, table_column=one_line),
        _Percent(table_column=one_line),
        _Left(table_column=one_line),
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        console=Console(stderr=True),
        expand=True,
    )


class _Percent(ProgressColumn):
    def render(self, task: Task) -> Text:
        """How much of the work is done; nothing while nobody knows how much there is."""
        return Text("    " if task.total is None else _percent(task.completed))


class _Left(ProgressColumn):
    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """The time that is left; in the end, the time that it took."""
        if task.finished:
            return Text(_clock(task.finished_time or 0.0).ljust(len("0:00 left")))
        left = task.time_remaining
        return Text(f"{'-:--' if left is None else _clock(left)} left")


class _Bars:
    def __init__(self, bars: RichProgress, details: bool) -> None:
        self._bars = bars
        self._details = details
        self._tasks: dict[str, TaskID] = {}

    def show(self, progress: Progress) -> None:
        """Draw one account's bar."""
        if progress.account not in self._tasks:
            # Escaped by hand: a column's text is markup.
            name = Text(printable(progress.account)).markup
            self._tasks[progress.account] = self._bars.add_task("", total=None, account=name)
        task, done = self._tasks[progress.account], share(progress, details=self._details)
        self._bars.update(
            task, total=None if done is None else 1.0, completed=done or 0.0, description=_counts(progress)
        )


class _Lines:
    def __init__(self, details: bool) -> None:
        self._details = details
        self._last: dict[str, float] = {}

    def show(self, progress: Progress) -> None:
        """Print one account's line, unless the last one is fresh."""
        last = self._last.get(progress.account)
        if last is None or progress.elapsed - last >= _BETWEEN_LINES:
            self._last[progress.account] = progress.elapsed
            click.echo(line(progress, details=self._details), err=True)


def share(progress: Progress, *, details: bool = False) -> float | None:
    """How much of the work is done, in requests, from 0 to 1; None while nobody knows how much there is.

    While the list is read, the rest of it is taken to bring as much as what was read; and broadcasts that are not yet
    counted are taken to want as many details as those that are.
    """
    listed = max(progress.expected or 0, progress.broadcasts)
    if not progress.broadcasts or (details and progress.metrics_total and not progress.metrics_done):
        return None
    more = listed / progress.broadcasts
    to_count = progress.metrics_total * more
    more_details = to_count / progress.metrics_done if progress.metrics_done else more
    rows = progress.recipients_expected
    got = rows if progress.recipients_done == progress.recipients_total else min(progress.recipients, rows)
    total = (
        listed / _PAGE
        + to_count / _CHUNK
        + more_details * (progress.failures_total + progress.recipients_total + rows / _PAGE)
    )
    done = (
        progress.broadcasts / _PAGE
        + progress.metrics_done / _CHUNK
        + progress.failures_done
        + progress.recipients_done
        + got / _PAGE
    )
    # What isn't quite one by a rounding is one.
    return round(done / total, 9)


def line(progress: Progress, *, details: bool = False) -> str:
    """The progress as a line."""
    done = share(progress, details=details)
    percent = "" if done is None else f" {_percent(done).strip()},"
    return f"{printable(progress.account)}:{percent} {_counts(progress)}, {progress.elapsed:.0f}s"


def _percent(share: float) -> str:
    # Rounded down: a hundred means that all is done.
    return f"{int(share * 100):>3}%"


def _clock(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def _counts(progress: Progress) -> str:
    of = (
        f" of {progress.expected:,}"
        if progress.expected is not None and progress.expected > progress.broadcasts
        else ""
    )
    parts = [f"{progress.broadcasts:,}{of} broadcasts"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.recipients_total:
        rows = f"{progress.recipients:,} rows"
        parts.append(f"recipients {progress.recipients_done:,}/{progress.recipients_total:,} ({rows})")
    if progress.failures_total:
        parts.append(f"failures {progress.failures_done:,}/{progress.failures_total:,}")
    parts.append(f"{progress.metrics_done:,} with metrics")
    return ", ".join(parts)
