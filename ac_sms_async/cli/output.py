"""What commands print: tables for people, tab-separated lines for pipes, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeVar, cast

import click

__all__ = ["Output", "as_text", "json_option", "output", "printable", "quiet_option"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_META = "ac_sms_async.output"
_ANY = 10_000
"""Columns that no terminal has."""


def json_option(command: Decorated) -> Decorated:
    """Gives a command `--json`; it calls `output()` to print."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.", expose_value=False, callback=_remember)(
        command
    )


def quiet_option(command: Decorated) -> Decorated:
    """Gives a command `--quiet`; it calls `output()` to print."""
    text = "Say nothing, unless something is wrong: for cron."
    return click.option("--quiet", is_flag=True, help=text, expose_value=False, callback=_remember)(command)


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    context.meta.setdefault(_META, {})[parameter.name] = value


class Output:
    """Prints results to stdout and everything else to stderr."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def data(self, value: Any) -> None:
        """A value as JSON."""
        text = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
        # What no encoding takes and what steers a terminal stands in strings alone, where JSON has a way to write it.
        click.echo(_STEERING.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text))

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
        """A table on a terminal, tab-separated lines elsewhere. A head that begins with `#` has numbers below it."""
        names = [head.lstrip("#") for head in heads]
        if not sys.stdout.isatty():
            for line in (names, *rows):
                click.echo("\t".join(map(as_text, line)))
            return
        # It takes a tenth of a second, which who pipes doesn't need to wait for.
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        def made(names: Sequence[str]) -> Table:
            grid = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
            for head, name in zip(heads, names, strict=True):
                side: Literal["left", "right"] = "right" if head.startswith("#") else "left"
                # Text goes over several lines where there is no room; numbers and times don't.
                one_line = side == "right" or head.endswith(("_date", "_at"))
                grid.add_column(name, justify=side, overflow="fold", no_wrap=one_line)
            for row in shown:
                grid.add_row(*row)
            return grid

        # Text, not markup: a name may hold brackets.
        shown = [[Text(_shown(name, value)) for name, value in zip(names, row, strict=True)] for row in rows]
        console, grid = Console(), made(names)
        if console.measure(grid, options=console.options.update(max_width=_ANY)).maximum > console.width:
            grid = made([name.replace("_", "_\n") for name in names])
        console.print(grid)

    def fields(self, values: Mapping[str, Any]) -> None:
        """One thing, a line for each of its fields."""
        looked_at = sys.stdout.isatty()
        rows = [(name, _shown(name, value) if looked_at else value) for name, value in values.items()]
        self.table(["field", "value"], rows)

    def say(self, message: str) -> None:
        """Something for people, unless they want to hear of nothing; it doesn't get in the way of what is piped."""
        if not self.quiet:
            self.warn(message)

    def warn(self, message: str) -> None:
        """Something that people have to know."""
        click.echo(printable(message), err=True)


def output() -> Output:
    """The output that the running command was asked for."""
    return Output(**cast("dict[str, bool]", click.get_current_context().meta.get(_META, {})))


def printable(text: str) -> str:
    """Text from outside on one line, in whatever script, without what would steer the terminal."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, ends of lines, what turns the direction of all that follows, and halves of characters. What joins letters
and emoji, and spaces of all kinds, are text."""


def as_text(value: Any) -> str:
    """A value on one line."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(as_text, cast("Iterable[object]", value)))
        case datetime() if value.tzinfo is not None:
            return _plain(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case _:
            return printable(str(value))


def _shown(name: str, value: Any) -> str:
    """For who looks at it: long numbers in groups, but for those that name something, and times on their own clocks."""
    match value:
        case int() if not isinstance(value, bool) and not name.endswith("id"):
            return f"{value:,}"
        case datetime() if value.tzinfo is not None:
            return f"{value:%Y-%m-%d %H:%M %Z}"
        case _:
            return as_text(value)


def _plain(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        # As the store has it.
        return f"{value.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else str(value)
