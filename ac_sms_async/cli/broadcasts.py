"""`ac-sms broadcasts`: list, show and send them."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import Any, cast

import click

from ac_sms_async import SMSClient, estimate_segments
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.kinds import DAY, MOMENT, STATUS, in_order
from ac_sms_async.cli.output import Output, json_option, output, printable
from ac_sms_async.cli.running import run_async
from ac_sms_async.models import BroadcastMessage

__all__ = ["broadcasts"]


@click.group(short_help="List, show and send broadcasts.")
def broadcasts() -> None:
    """List, show and send broadcasts."""


@broadcasts.command(
    "list",
    epilog="""\b
Examples:
  ac-sms broadcasts list --status sent --since 2026-01-01
  ac-sms broadcasts list --limit 0 --json > all.json
""",
)
@click.option("--name", metavar="TEXT", help="Only of this name.")
@click.option("--status", type=STATUS, help="Only in this status.")
@click.option("--since", type=DAY, help="The first day.")
@click.option("--until", type=DAY, help="The last day.")
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many; 0: all.")
@connection_options
@json_option
def list_command(name: str | None, status: str | None, since: date | None, until: date | None, limit: int) -> None:
    """List broadcasts."""
    in_order(since, until)
    out, given = output(), connection()

    async def fetch() -> list[BroadcastMessage]:
        async with given.client() as sms:
            found = sms.broadcasts.list(name=name, status=cast("Any", status), start_date=since, end_date=until)
            return await found.to_list(max_items=limit or None)

    found = run_async(fetch)
    if out.as_json:
        out.data([item.to_dict() for item in found])
        return
    heads = ["#Id", "Status", "Sent", "#Recipients", "Name"]
    out.table(heads, [(item.id, item.status, item.sent_date, item.sent_to_count, item.name) for item in found])
    if limit and len(found) == limit:
        out.say(f"Only the first {limit} are shown: --limit 0 shows all.")


@broadcasts.command("show", epilog="\b\nExample:\n  ac-sms broadcasts show 42\n")
@click.argument("broadcast_id", type=click.IntRange(min=1))
@connection_options
@json_option
def show_command(broadcast_id: int) -> None:
    """Show one broadcast with its numbers."""
    out, given = output(), connection()

    async def fetch() -> tuple[BroadcastMessage, dict[str, Any] | None]:
        async with given.client() as sms:
            broadcast = await sms.broadcasts.get(broadcast_id)
            metrics = (await sms.metrics.get([broadcast_id])).get(broadcast_id)
            return broadcast, None if metrics is None else metrics.to_dict()

    broadcast, metrics = run_async(fetch)
    if out.as_json:
        out.data({**broadcast.to_dict(), "metrics": metrics})
        return
    shown = {name: value for name, value in broadcast.to_dict().items() if value not in (None, "", [])}
    out.table(["Field", "Value"], [*shown.items(), *(metrics or {}).items()])


@broadcasts.command(
    "send",
    epilog="""\b
Examples:
  ac-sms broadcasts send 42                             shows what would go to whom, and asks
  ac-sms broadcasts send 42 --at 2026-03-01T09:00-06:00
  ac-sms broadcasts send 42 --yes                       for scripts: does not ask
""",
)
@click.argument("broadcast_id", type=click.IntRange(min=1))
@click.option("--at", type=MOMENT, help="When to send it, with its time zone. Default: now, once reviewed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@json_option
def send_command(broadcast_id: int, at: datetime | None, yes: bool) -> None:
    """Send a draft to its audience. Real people get a text, and credits are used: it asks first."""
    out, given = output(), connection()
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked: add --yes to send without")

    async def look() -> tuple[BroadcastMessage, str, int | None]:
        async with given.client() as sms:
            broadcast = await sms.broadcasts.get(broadcast_id)
            return broadcast, await _audience(sms, broadcast), (await sms.credits.get()).available

    async def send() -> BroadcastMessage:
        async with given.client() as sms:
            return await sms.broadcasts.send(broadcast_id, scheduled_date=at)

    broadcast, audience, available = run_async(look)
    _describe(out, broadcast, audience, available, at)
    if not yes and not click.confirm("Send it?", err=True):
        raise click.ClickException("not sent")
    sent = run_async(send)
    if out.as_json:
        out.data(sent.to_dict())
    else:
        out.say(
            f"Handed over for sending: broadcast {sent.id} is now {printable(sent.status or 'in an unknown state')}."
        )


async def _audience(sms: SMSClient, broadcast: BroadcastMessage) -> str:
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


def _describe(
    out: Output, broadcast: BroadcastMessage, audience: str, available: int | None, at: datetime | None
) -> None:
    estimate = estimate_segments(broadcast.body or "")
    about = "" if estimate.is_exact else "about "
    most = f" to {estimate.most_segments}" if estimate.most_segments != estimate.segments else ""
    lines = [
        ("Name", broadcast.name or "(none)"),
        ("Status", broadcast.status or "unknown"),
        ("Message", broadcast.body or "(empty)"),
        ("Audience", audience),
        ("Segments", f"{about}{estimate.segments}{most} for each recipient ({estimate.encoding}): an estimate"),
        ("Credits left", "unknown" if available is None else f"{available:,}"),
        ("When", "as soon as it is reviewed" if at is None else f"{at:%Y-%m-%d %H:%M %Z}"),
    ]
    for name, value in lines:
        out.say(f"{name + ':':<14}{printable(value)}")
