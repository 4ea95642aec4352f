"""`ac-sms broadcasts send`: hand a draft over for sending, after a look at it."""

from __future__ import annotations

from datetime import datetime

import click

from ac_sms_async import SMSClient, estimate_segments
from ac_sms_async.cli import fields
from ac_sms_async.cli.asking import ask, describe, somebody_is_there, yes_option
from ac_sms_async.cli.command import Command
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.kinds import MOMENT
from ac_sms_async.cli.output import json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.models import BroadcastMessage

__all__ = ["audience", "segments", "send_command"]


@click.command(
    "send",
    cls=Command,
    epilog="""\b
Examples:
  ac-sms broadcasts send 42                             shows what would go to whom, and asks
  ac-sms broadcasts send 42 --at 2026-03-01T09:00-06:00
  ac-sms broadcasts send 42 --yes                       for scripts: does not ask
""",
)
@click.argument("broadcast_id", type=click.IntRange(min=1), metavar="ID")
@click.option("--at", type=MOMENT, help="When to send it, with its time zone. Default: now, once reviewed.")
@yes_option
@connection_options
@json_option
def send_command(broadcast_id: int, at: datetime | None, yes: bool) -> None:
    """Send a draft to its audience. Real people get a text, and credits are used: it asks first."""
    out, given = output(), connection()
    somebody_is_there(yes, "send")

    async def look() -> tuple[BroadcastMessage, str, int | None]:
        async with given.client() as sms:
            broadcast = await sms.broadcasts.get(broadcast_id)
            return broadcast, await audience(sms, broadcast), (await sms.credits.get()).available

    async def send() -> BroadcastMessage:
        async with given.client() as sms:
            return await sms.broadcasts.send(broadcast_id, scheduled_date=at)

    broadcast, whom, available = run_async(look)
    describe(
        out,
        [
            ("Name", broadcast.name or "(none)"),
            ("Status", broadcast.status or "unknown"),
            ("Message", broadcast.body or "(empty)"),
            ("Audience", whom),
            ("Segments", segments(broadcast.body or "")),
            ("Credits left", "unknown" if available is None else f"{available:,}"),
            ("When", "as soon as it is reviewed" if at is None else f"{at:%Y-%m-%d %H:%M %Z}"),
        ],
    )
    ask("Send it?", "not sent", yes=yes)
    sent = run_async(send)
    if out.as_json:
        out.data(fields.broadcast(sent))
    else:
        out.say(f"Handed over for sending: broadcast {sent.id} is now {sent.status or 'in an unknown state'}.")


async def audience(sms: SMSClient, broadcast: BroadcastMessage) -> str:
    """To whom it goes, in words."""
    parts: list[str] = []
    wanted = set(broadcast.list_ids or [])
    if wanted:
        names = {entry.id: entry async for entry in sms.lists.list() if entry.id in wanted}
        for list_id in sorted(wanted):
            entry = names.get(list_id)
            size = "an unknown number of" if entry is None or entry.subscriber_count is None else entry.subscriber_count
            parts.append(f"list {list_id} ({entry.name if entry else 'unknown'}, {size} subscribers)")
    for word, value in (("segment", broadcast.segment_id), ("custom segment", broadcast.custom_segment_id)):
        if value:
            parts.append(f"{word} {value}")
    return ", ".join(parts) or "nobody: it has neither list nor segment"


def segments(body: str) -> str:
    """How many messages it takes for each recipient, in words."""
    estimate = estimate_segments(body)
    about = "" if estimate.is_exact else "about "
    most = f" to {estimate.most_segments}" if estimate.most_segments != estimate.segments else ""
    return f"{about}{estimate.segments}{most} for each recipient ({estimate.encoding}): an estimate"
