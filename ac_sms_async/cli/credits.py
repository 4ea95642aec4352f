"""`ac-sms credits`: what may still be sent."""

from __future__ import annotations

import click

from ac_sms_async.cli import fields
from ac_sms_async.cli.command import Command
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.output import json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.models import SmsCredits

__all__ = ["credits_command"]


@click.command("credits", cls=Command, epilog="\b\nExample:\n  ac-sms credits --json\n")
@connection_options
@json_option
def credits_command() -> None:
    """Show the SMS credits of the account."""
    out, given = output(), connection()

    async def fetch() -> SmsCredits:
        async with given.client() as sms:
            return await sms.credits.get()

    found = fields.credits_left(run_async(fetch))
    if out.as_json:
        out.data(found)
    else:
        out.fields(found)
