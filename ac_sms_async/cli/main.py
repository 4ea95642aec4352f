"""The `ac-sms` command as a whole: its groups, and what becomes of errors."""

from __future__ import annotations

import io
import logging
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import click

from ac_sms_async import __version__
from ac_sms_async.cli.advice import advice
from ac_sms_async.cli.command import Commands, Later
from ac_sms_async.cli.output import Output, printable
from ac_sms_async.cli.running import Stopped
from ac_sms_async.cli.streams import give_up_output
from ac_sms_async.errors import ConfigurationError, SMSError

__all__ = ["cli", "run"]

_FAILED = 1
_GIVEN_WRONGLY = 2
_INTERRUPTED = 130

_EPILOG = """\b
Begin with:
  export ACTIVECAMPAIGN_URL=https://youraccount.api-us1.com
  export ACTIVECAMPAIGN_API_TOKEN=...      (both: Settings > Developer)
  ac-sms doctor
  ac-sms collect --include failures
  ac-sms report -o report.html

\b
Or try it without an account: ac-sms sandbox
"""


_COMMANDS = {
    "collect": Later("collect", "collect_command", "Collect broadcasts and what came of them into a store."),
    "report": Later("report", "report", "Make a page of a store: what was sent, and what came of it."),
    "export": Later("export", "export", "Write tables of a store as a workbook, CSV, JSON or Parquet."),
    "store": Later("store", "store", "Check, migrate, back up a store; rename an account in it."),
    "forget": Later("forget", "forget_command", "Blank what a store holds of a contact, for good."),
    "broadcasts": Later("broadcasts", "broadcasts", "List, show, create, change, delete and send broadcasts."),
    "metrics": Later("metrics", "metrics", "Show the numbers of broadcasts."),
    "recipients": Later("recipients", "recipients", "List whom a broadcast was sent to."),
    "lists": Later("lists", "lists", "List the lists that broadcasts can be sent to."),
    "ai": Later("ai", "ai", "Have broadcasts written by the AI."),
    "credits": Later("credits", "credits_command", "Show the SMS credits."),
    "budget": Later("budget", "budget", "Look at the budget that processes share, or pause it."),
    "doctor": Later("doctor", "doctor", "Check URL, token, permissions and rate."),
    "fleet": Later("fleet", "fleet", "Collect many accounts on many machines."),
    "sandbox": Later(
        "ac_sms_async.sandbox.command", "sandbox", "Run a look-alike of ActiveCampaign's SMS API to try things on."
    ),
    "completion": Later("completion", "completion", "Print the script for completion in your shell."),
}


@click.group(
    cls=Commands,
    later=_COMMANDS,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="ac-sms")
def cli() -> None:
    """ActiveCampaign SMS broadcasts: collect what came of them, report on it, send.

    Exit codes: 0 all went well, 1 it failed, 2 the command was given wrongly, 3 a part failed, 130 it was stopped.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # What it says of a connection that broke ("error ignored ...") is said by our own error, and without a password.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    try:
        code = _run(given)
        # What is still on its way may find no room either.
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read our output has gone.
        give_up_output()
        return _FAILED
    except OSError as error:
        give_up_output()
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: cannot read or write: {printable(f'{where}{error.strerror or error}')}", err=True)
        if given[:1] == ["collect"]:
            click.echo("What was fetched is kept.", err=True)
        return _FAILED
    return code


def _run(given: list[str]) -> int:
    try:
        outcome: Any = cli.main(given, prog_name="ac-sms", standalone_mode=False)
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        click.echo("\n".join(map(printable, text.getvalue().rstrip("\n").split("\n"))), err=True)
        return error.exit_code
    except (Stopped, click.Abort):
        return _stopped(given)
    except SMSError as error:
        _explain(error, as_json="--json" in given)
        return _GIVEN_WRONGLY if isinstance(error, ConfigurationError) else _FAILED
    except Exception as error:
        # With its module comes everything that collects.
        from ac_sms_async.collect import StoreError

        if not isinstance(error, StoreError):
            raise
        _explain(error, as_json="--json" in given)
        return _FAILED
    return outcome if isinstance(outcome, int) else 0


def _explain(error: Exception, *, as_json: bool) -> None:
    what_to_do = advice(error)
    if as_json:
        about = {"type": type(error).__name__, "message": str(error), "advice": what_to_do}
        Output(as_json=True).data({"error": about})
        return
    click.echo(f"error: {printable(str(error))}", err=True)
    if what_to_do is not None:
        click.echo(what_to_do, err=True)


def _stopped(given: Sequence[str]) -> int:
    click.echo("stopped", err=True)
    if given[:1] == ["collect"]:
        from ac_sms_async.collect.store.target import without_userinfo

        # --fresh would throw away what was fetched.
        again = without_userinfo(shlex.join(["ac-sms", *(word for word in given if word != "--fresh")]))
        same = "run" if "--fresh" in given else "run the same again"
        click.echo(f"What was fetched is kept. To go on where it stopped, {same}:\n  {printable(again)}", err=True)
    return _INTERRUPTED
