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
from ac_sms_async.cli.ai import ai
from ac_sms_async.cli.broadcasts import broadcasts
from ac_sms_async.cli.budget import budget
from ac_sms_async.cli.collect import collect_command
from ac_sms_async.cli.completion import completion
from ac_sms_async.cli.credits import credits_command
from ac_sms_async.cli.doctor import doctor
from ac_sms_async.cli.export import export
from ac_sms_async.cli.fleet import fleet
from ac_sms_async.cli.forget import forget_command
from ac_sms_async.cli.metrics import metrics
from ac_sms_async.cli.output import Output, printable
from ac_sms_async.cli.report import report
from ac_sms_async.cli.running import Stopped
from ac_sms_async.cli.store import store
from ac_sms_async.cli.streams import give_up_output
from ac_sms_async.collect import StoreError
from ac_sms_async.collect.store.target import without_userinfo
from ac_sms_async.errors import ConfigurationError, SMSError
from ac_sms_async.sandbox.command import sandbox

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


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ac-sms")
def cli() -> None:
    """ActiveCampaign SMS broadcasts: collect what came of them, report on it, send.

    Exit codes: 0 all went well, 1 it failed, 2 the command was given wrongly, 3 a part failed, 130 it was stopped.
    """


for _command in (
    collect_command, report, export, forget_command, store,
    broadcasts, ai, metrics, credits_command, budget, doctor, fleet, sandbox, completion,
):  # fmt: skip
    cli.add_command(_command)


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
    except (SMSError, StoreError) as error:
        _explain(error, as_json="--json" in given)
        return _GIVEN_WRONGLY if isinstance(error, ConfigurationError) else _FAILED
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
        # --fresh would throw away what was fetched.
        again = without_userinfo(shlex.join(["ac-sms", *(word for word in given if word != "--fresh")]))
        same = "run" if "--fresh" in given else "run the same again"
        click.echo(f"What was fetched is kept. To go on where it stopped, {same}:\n  {printable(again)}", err=True)
    return _INTERRUPTED
