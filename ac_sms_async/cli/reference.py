"""`python -m ac_sms_async.cli.reference`: all commands as a page, made from what `--help` shows."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from ac_sms_async.cli.connection import connection_options
from ac_sms_async.cli.main import cli

__all__ = ["markdown"]

_HEAD = """# The `ac-sms` command

<!-- Made by `python -m ac_sms_async.cli.reference`. -->

`pip install 'ac-sms-async[cli]'` brings it. This is what `ac-sms COMMAND --help` says of each command, beginning with
what they share.

## What all commands share

- **Output** is a table on a terminal, and tab-separated lines with a head elsewhere. Progress, questions and complaints
  go to stderr.
- **`--json`** prints JSON instead. Fields have one name everywhere: that of the column in [the store](store-schema.md),
  so `ac-sms broadcasts list --json` prints the rows that `ac-sms export --table broadcasts --format jsonl` writes, as
  far as the API gives them. `collect` prints the fields of [`RunResult`](collect.md). Times are in UTC. An error is
  `{"error": {"type": ..., "message": ..., "advice": ...}}`.
- **Days** are dates such as `2026-01-31`, `today`, `yesterday`, or `30d` (the day 30 days ago), in the account's
  calendar; `--until` is included. `last` is for commands that collect.
- **Exit codes**: 0 all went well, 1 it failed, 2 the command was given wrongly, 3 a part failed, 130 it was stopped.
- **What changes an account** is shown first, and asked about. `--yes` is for scripts; where nobody can be asked, it is
  needed.
- **An option without effect is refused**, such as `--horizon` without `--since last`.
- `ac-sms completion bash` (or `zsh`, `fish`) prints what completes commands, options and their values.

"""
_ACCOUNT = """### Which account

Commands that talk to an account take these:

"""


def markdown() -> str:
    """The page."""
    probe = click.command("probe")(connection_options(_nothing))
    shared = frozenset(str(parameter.name) for parameter in probe.params)
    parts = [_HEAD, _ACCOUNT, *_table(probe, click.Context(probe), frozenset())]
    parts += _pages(cli, click.Context(cli, info_name="ac-sms"), shared)
    return re.sub(r"\n{3,}", "\n\n", "".join(parts)).rstrip() + "\n"


def _nothing() -> None:
    """What is only looked at."""


def _pages(command: click.Command, context: click.Context, shared: frozenset[str]) -> Iterator[str]:
    """A command, then those below it."""
    if command is not cli:
        depth = context.command_path.count(" ")
        yield f"\n{'#' * (1 + depth)} {context.command_path}\n\n"
        yield _text(inspect.cleandoc(command.help or "").replace("\f", ""))
        if not isinstance(command, click.Group):
            usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
            yield f"\n\n```text\n{usage}\n```\n\n"
            takes_account = shared <= {str(parameter.name) for parameter in command.params}
            yield from _table(command, context, shared if takes_account else frozenset())
            if takes_account:
                yield "\nAnd [which account](#which-account).\n"
        yield _examples(command.epilog or "")
    if isinstance(command, click.Group):
        inner = {name: command.get_command(context, name) for name in command.list_commands(context)}
        for each in filter(None, inner.values()):
            yield from _pages(each, click.Context(each, info_name=each.name, parent=context), shared)


def _table(command: click.Command, context: click.Context, without: frozenset[str]) -> Iterator[str]:
    records = [
        record
        for parameter in command.params
        if parameter.name not in without and (record := parameter.get_help_record(context)) is not None
    ]
    if records:
        yield "| option | |\n|---|---|\n"
        yield from (f"| `{names}` | {_text(' '.join(text.split()))} |\n" for names, text in records)


def _text(text: str) -> str:
    """What stands in a terminal, where brackets and asterisks mean nothing."""
    return re.sub(r"([<>*\[\]|])", r"\\\1", text)


def _examples(epilog: str) -> str:
    """The blocks that end a help: what they are called, and their lines."""
    found = ""
    for block in filter(str.strip, epilog.split("\b\n")):
        head, _, lines = block.strip("\n").partition("\n")
        if lines.startswith("  "):
            found += f"\n{_text(head)}\n\n```text\n{inspect.cleandoc(lines)}\n```\n"
        else:
            found += f"\n{_text(' '.join(block.split()))}\n"
    return found


if __name__ == "__main__":
    click.echo(markdown(), nl=False)
