"""What commands print: tables for people, tab-separated lines for pipes, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, cast

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["Output", "json_option", "output", "printable"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_META = "ac_sms_async.json"


def json_option(command: Decorated) -> Decorated:
    """Gives a command `--json`; it calls `output()` to print."""

    def remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        context.meta[_META] = value

    return click.option("--json", is_flag=True, help="Print JSON.", expose_value=False, callback=remember)(command)


class Output:
    """Prints results to stdout and everything else to stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

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
                click.echo("\t".join(_cell(value) for value in line))
            return
        grid = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
        for head, name in zip(heads, names, strict=True):
            grid.add_column(name, justify="right" if head.startswith("#") else "left", overflow="fold")
        for row in rows:
            # Text, not markup: a name may hold brackets.
            grid.add_row(*(Text(_cell(value)) for value in row))
        Console().print(grid)

    def say(self, message: str) -> None:
        """Something for people; it doesn't get in the way of what is piped."""
        click.echo(printable(message), err=True)


def output() -> Output:
    """The output that the running command was asked for."""
    return Output(as_json=cast("bool", click.get_current_context().meta.get(_META, False)))


def printable(text: str) -> str:
    """Text from outside on one line, in whatever script, without what would steer the terminal."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, ends of lines, what turns the direction of all that follows, and halves of characters. What joins letters
and emoji, and spaces of all kinds, are text."""


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int() if sys.stdout.isatty():
            return f"{value:,}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M %Z}".strip()
        case _:
            return printable(str(value))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
