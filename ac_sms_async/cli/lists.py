"""`ac-sms lists`: what a broadcast can be sent to."""

from __future__ import annotations

import click

from ac_sms_async.cli import fields
from ac_sms_async.cli.command import Command
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.kinds import TEXT
from ac_sms_async.cli.output import json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.models import BroadcastList

__all__ = ["lists"]

_EXAMPLES = """\b
Examples:
  ac-sms lists
  ac-sms lists --name customers --json
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.option("--name", type=TEXT, help="Only lists whose name matches.")
@connection_options
@json_option
def lists(name: str | None) -> None:
    """List the lists that broadcasts can be sent to, with how many subscribers they have."""
    out, given = output(), connection()

    async def fetch() -> list[BroadcastList]:
        async with given.client() as sms:
            return await sms.lists.list(name=name).to_list()

    found = [fields.list_of_account(item) for item in run_async(fetch)]
    if out.as_json:
        out.data(found)
    else:
        heads = ["#list_id", "#subscriber_count", "name"]
        out.table(heads, [[row[head.lstrip("#")] for head in heads] for row in found])
