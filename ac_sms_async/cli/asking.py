"""What changes an account is shown first, and asked about."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ac_sms_async.cli.output import Output, printable

__all__ = ["ask", "describe", "somebody_is_there", "yes_option"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def yes_option(command: Decorated) -> Decorated:
    """Gives a command `--yes`, as its argument `yes`."""
    return click.option("--yes", is_flag=True, help="Do not ask: for scripts.")(command)


def somebody_is_there(yes: bool, verb: str) -> None:
    """Refuse to go on where nobody can be asked, and nobody said that there is no need to."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError(f"nobody is there to be asked: add --yes to {verb} without")


def describe(out: Output, lines: Sequence[tuple[str, str]]) -> None:
    """Show what is about to be done, a line for each of its parts."""
    width = max(14, *(len(name) + 2 for name, _ in lines))
    for name, value in lines:
        out.warn(f"{f'{name}:':<{width}}{printable(value)}")


def ask(question: str, refused: str, *, yes: bool) -> None:
    """Ask, unless there is no need to; end with `refused` where the answer is no."""
    if not yes and not click.confirm(question, err=True):
        raise click.ClickException(refused)
