"""`ac-sms forget`: blank what a store holds of a person."""

from __future__ import annotations

import click

from ac_sms_async.cli.command import Command
from ac_sms_async.cli.database import database_option
from ac_sms_async.cli.output import json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.collect import open_store
from ac_sms_async.collect.privacy import forget

__all__ = ["forget_command"]

_EXAMPLES = """\b
Examples:
  ac-sms forget --phone "+1 555 0100"
  ac-sms forget --contact 4711 --account acme
"""


@click.command("forget", cls=Command, epilog=_EXAMPLES)
@database_option
@click.option("--phone", metavar="NUMBER", help="The phone number, just as it is in the store.")
@click.option("--contact", type=click.IntRange(min=1), metavar="ID", help="ActiveCampaign's id of the contact.")
@click.option("--account", metavar="NAME", help="Only in this account; contacts' ids are each account's own.")
@json_option
def forget_command(database: str, phone: str | None, contact: int | None, account: str | None) -> int:
    """Blank name, phone number and replies of a contact, now and in all runs to come. Counts stay as they are.

    Exit codes: 0 done, 1 nobody like that is in the store, or it could not be done.
    """
    if (phone is None) == (contact is None):
        raise click.UsageError("give either --phone or --contact")
    out = output()

    async def run() -> int:
        async with open_store(database, create=False) as store:
            return await forget(store, phone=phone, contact=contact, account=account)

    count = run_async(run)
    if out.as_json:
        out.data({"recipients": count})
    elif count:
        out.say(f"{count} rows of recipients blanked. Backups and exports that you made before still have them.")
    else:
        out.say("nobody like that is among the recipients in this store")
    return 0 if count else 1
