"""`ac-sms budget`: what an account's processes share, and a pause for all of them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import attrs
import click

from ac_sms_async.budget.scope import Database, Scope, parse_scope
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.output import json_option, output, printable
from ac_sms_async.cli.running import run_async
from ac_sms_async.client import BUDGET_VARIABLE
from ac_sms_async.errors import ConfigurationError

if TYPE_CHECKING:
    from ac_sms_async.budget.desk import Desk

__all__ = ["budget", "desk_for"]

_LONGEST = 60.0
_EPILOG = "\b\nExamples:\n  ac-sms budget show\n  ac-sms budget pause 30\n"


@click.group(epilog=_EPILOG, short_help="Look at the budget that processes share, or pause it.")
def budget() -> None:
    """Look at an account's request budget as its processes share it, or pause it.

    It is that of this machine, or that of the database which AC_SMS_BUDGET names (postgresql://user@host/database, or
    redis://host).
    """


@budget.command(epilog="\b\nExample:\n  ac-sms budget show --json\n", short_help="Who waits, and what was started.")
@connection_options
@json_option
def show() -> None:
    """Show who waits for the budget, the latest starts, and whether it is paused."""
    out, desk = output(), _desk()
    seen = run_async(desk.show)
    if out.as_json:
        out.data(attrs.asdict(seen))
        return
    click.echo(f"kept in     {printable(seen.kept_in)}")
    click.echo(f"paused      {f'for another {seen.paused_for:.1f} s' if seen.paused_for else 'no'}")
    click.echo(f"waiting     {seen.interactive} interactive, {seen.bulk} bulk (event loops, each with all its calls)")
    ago = ", ".join(f"{start:.1f} s ago" if start >= 0 else "opens a connection" for start in seen.starts)
    click.echo(f"started     {ago or 'nothing of late'}")


@budget.command(epilog="\b\nExample:\n  ac-sms budget pause 30\n", short_help="Let nobody start a request for a while.")
@click.argument("seconds", type=click.FloatRange(0, _LONGEST, min_open=True))
@connection_options
@json_option
def pause(seconds: float) -> None:
    """Let none of the account's processes start a request for SECONDS (60 at most). A longer pause stays."""
    out, desk = output(), _desk()

    async def paused() -> float:
        await desk.pause(seconds)
        return (await desk.show()).paused_for

    found = run_async(paused)
    if out.as_json:
        out.data({"paused_for": found})
    else:
        click.echo(f"paused for {found:.1f} s")


@budget.command(epilog="\b\nExample:\n  ac-sms budget resume\n", short_help="End a pause.")
@connection_options
@json_option
def resume() -> None:
    """End a pause. Processes that were answered 429 themselves wait on, for as long as they were told."""
    out, desk = output(), _desk()
    run_async(desk.resume)
    if out.as_json:
        out.data({"paused_for": 0.0})
    else:
        click.echo("not paused")


def _desk() -> Desk:
    return desk_for(os.environ.get(BUDGET_VARIABLE, "").strip() or "machine", connection().account_key())


def desk_for(kept: str, account: str) -> Desk:
    """The account's budget that is kept there. Raises `ConfigurationError` where others can't see it."""
    scope: Scope = parse_scope(kept, None)
    if scope == "loop":
        raise ConfigurationError(f"{BUDGET_VARIABLE} is loop: nobody else sees the budget of an event loop")
    if sys.platform != "linux":
        raise ConfigurationError("processes share a budget on Linux only")
    from ac_sms_async.budget.desk import desk_of

    return desk_of(scope if isinstance(scope, Database) else None, account)
