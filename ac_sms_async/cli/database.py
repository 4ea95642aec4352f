"""The store that a command reads or writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from ac_sms_async.collect.store.target import has_password

__all__ = ["database_option", "without_password"]

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
        callback=without_password,
        shell_complete=_files,
        help="The store: a SQLite file, or postgresql://... [AC_SMS_DB]",
    )(command)


def _files(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


def without_password(context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    """Refuse a password in an argument, where `ps` shows it to everybody on the machine."""
    from_command_line = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
    if given is not None and from_command_line and has_password(given):
        raise click.UsageError(
            f"{parameter.opts[0]} with a password can be seen by everybody on this machine: put it into the variable "
            f"{parameter.envvar}, or the password alone into PGPASSWORD or ~/.pgpass"
        )
    return given
