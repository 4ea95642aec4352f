"""`ac-sms broadcasts`: list and show them."""

from __future__ import annotations

from typing import Any, Literal, cast

import click

from ac_sms_async.cli import fields
from ac_sms_async.cli.command import Group
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.drafts import create_command, delete_command, update_command
from ac_sms_async.cli.kinds import DAY, STATUS, TEXT, Day, span
from ac_sms_async.cli.output import json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.cli.send import send_command
from ac_sms_async.models import BroadcastMessage

__all__ = ["broadcasts"]


@click.group(cls=Group)
def broadcasts() -> None:
    """List, show, create, change, delete and send broadcasts. What changes one is shown first, and asked about."""


for _command in (create_command, update_command, delete_command, send_command):
    broadcasts.add_command(_command)


@broadcasts.command(
    "list",
    epilog="""\b
Examples:
  ac-sms broadcasts list --status sent --since 30d
  ac-sms broadcasts list --since 2026-01-01 --order oldest
  ac-sms broadcasts list --limit 0 --json > all.json
""",
)
@click.option("--name", type=TEXT, help="Only of this name.")
@click.option("--status", type=STATUS, help="Only in this status.")
@click.option("--since", type=DAY, help="The first day.")
@click.option("--until", type=DAY, help="The last day.")
@click.option(
    "--order",
    type=click.Choice(["newest", "oldest"]),
    default="newest",
    show_default=True,
    help="Which come first, and are there where --limit leaves out the rest.",
)
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many; 0: all.")
@connection_options
@json_option
def list_command(
    name: str | None,
    status: str | None,
    since: Day | None,
    until: Day | None,
    order: Literal["newest", "oldest"],
    limit: int,
) -> None:
    """List broadcasts, the newest first."""
    out, given = output(), connection()
    start, end = span(since, until, [given.zone])

    async def fetch(most: int | None) -> list[BroadcastMessage]:
        async with given.client() as sms:
            found = sms.broadcasts.list(
                name=name,
                status=cast("Any", status),
                order="desc" if order == "newest" else "asc",
                start_date=start,
                end_date=end,
            )
            return await found.to_list(max_items=most)

    async def fetch_in_order() -> list[BroadcastMessage]:
        found = await fetch(limit or None)
        ids = [item.id for item in found]
        if len(ids) > 1 and ids == sorted(ids, reverse=order == "oldest"):
            # A server that knows no order begins at the other end: what is wanted is at the end of all there are.
            every = await fetch(None) if len(found) == limit else found
            found = every[::-1][: limit or None]
        return found

    found = run_async(fetch_in_order)
    if out.as_json:
        out.data([fields.broadcast(item) for item in found])
    else:
        heads = ["#broadcast_id", "status", "sent_date", "#sent_to_count", "name"]
        rows = [(item.id, item.status, given.local(item.sent_date), item.sent_to_count, item.name) for item in found]
        out.table(heads, rows)
    if limit and len(found) == limit:
        out.say(f"Only the {order} {limit} are shown: --limit 0 shows all.")


@broadcasts.command("show", epilog="\b\nExample:\n  ac-sms broadcasts show 42\n")
@click.argument("broadcast_id", type=click.IntRange(min=1), metavar="ID")
@connection_options
@json_option
def show_command(broadcast_id: int) -> None:
    """Show one broadcast with its numbers."""
    out, given = output(), connection()

    async def fetch() -> tuple[dict[str, Any], dict[str, Any] | None]:
        async with given.client() as sms:
            broadcast = await sms.broadcasts.get(broadcast_id)
            metrics = (await sms.metrics.get([broadcast_id])).get(broadcast_id)
            return fields.broadcast(broadcast), None if metrics is None else fields.metrics_of(metrics)

    broadcast, metrics = run_async(fetch)
    if out.as_json:
        out.data({**broadcast, "metrics": metrics})
    else:
        out.fields({name: value for name, value in {**broadcast, **(metrics or {})}.items() if value not in (None, [])})
