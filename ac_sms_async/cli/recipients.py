"""`ac-sms recipients`: whom a broadcast was sent to, and what came of it."""

from __future__ import annotations

from typing import Any

import click

from ac_sms_async.cli import fields
from ac_sms_async.cli.command import Command
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.kinds import DAY, TEXT, Day, span
from ac_sms_async.cli.output import json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.models import Recipient

__all__ = ["recipients"]

_EXAMPLES = """\b
Examples:
  ac-sms recipients 42 --only failed
  ac-sms recipients 42 --only replied --limit 0 --json
"""
_ONLY: dict[str, dict[str, Any]] = {
    "delivered": {"deliverability": ["deliveries"]},
    "failed": {"deliverability": ["failures"]},
    "clicked": {"engagement": ["clicks"]},
    "replied": {"engagement": ["replies"]},
    "opted-out": {"engagement": ["optOuts"]},
}


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("broadcast_id", type=click.IntRange(min=1), metavar="ID")
@click.option("--only", type=click.Choice(list(_ONLY)), help="Only those of whom this is true.")
@click.option("--search", type=TEXT, help="Only those whose name or phone number matches.")
@click.option("--since", type=DAY, help="Only those it was sent to on this day or later.")
@click.option("--until", type=DAY, help="Only those it was sent to on this day or earlier.")
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many; 0: all.")
@connection_options
@json_option
def recipients(
    broadcast_id: int, only: str | None, search: str | None, since: Day | None, until: Day | None, limit: int
) -> None:
    """List whom a broadcast was sent to, and what came of it. These are people: names, phone numbers, replies."""
    out, given = output(), connection()
    start, end = span(since, until, [given.zone])
    filters = {} if only is None else _ONLY[only]

    async def fetch() -> list[Recipient]:
        async with given.client() as sms:
            found = sms.recipients.list(broadcast_id, start_date=start, end_date=end, search=search, **filters)
            return await found.to_list(max_items=limit or None)

    found = [fields.recipient(item) for item in run_async(fetch)]
    if out.as_json:
        out.data(found)
    else:
        heads = ["#contact_id", "phone_number", "deliverability", "error_code", "#clicks", "#reply_count", "name"]
        out.table(heads, [[row[head.lstrip("#")] for head in heads] for row in found])
    if limit and len(found) == limit:
        out.say(f"Only the first {limit} are shown: --limit 0 shows all.")
