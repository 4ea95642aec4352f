"""The store that a command reads or writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["database_option"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def database_option(command: Decorated) -> Decorated:
    """Gives a command `--db`, as its argument `database`."""
    return click.option(
        "--db",
        "database",
        metavar="FILE|DSN",
        envvar="AC_SMS_DB",
        default="metrics.sqlite",
        show_default=True,
        help="The store: a SQLite file, or postgresql://... [AC_SMS_DB]",
    )(command)
