"""`ac-sms broadcasts create`, `update` and `delete`: each shows what it is about to do, and asks."""

from __future__ import annotations

from typing import Any

import click

from ac_sms_async.cli import fields
from ac_sms_async.cli.asking import ask, describe, somebody_is_there, yes_option
from ac_sms_async.cli.command import Command
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.kinds import TEXT
from ac_sms_async.cli.output import as_text, json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.cli.send import audience, segments
from ac_sms_async.models import BroadcastMessage

__all__ = ["create_command", "delete_command", "update_command"]

_ID = click.IntRange(min=1)


@click.command(
    "create",
    cls=Command,
    epilog="""\b
Examples:
  ac-sms broadcasts create --name "Sunday sale" --body "20% off! Reply STOP to opt out" --list 1
  ac-sms broadcasts create --name Sale --body "20% off" --list 1 --list 2 --yes --json
""",
)
@click.option("--name", required=True, type=TEXT, help="What it is called; recipients don't see it.")
@click.option("--body", required=True, type=TEXT, help="The message.")
@click.option("--list", "lists", type=_ID, multiple=True, metavar="ID", help="A list it goes to; can be repeated.")
@click.option("--segment", type=TEXT, metavar="ID", help="The segment it goes to.")
@yes_option
@connection_options
@json_option
def create_command(name: str, body: str, lists: tuple[int, ...], segment: str | None, yes: bool) -> None:
    """Make a draft. Nothing is sent: `ac-sms broadcasts send` does that."""
    out, given = output(), connection()
    somebody_is_there(yes, "create")
    details: dict[str, Any] = {"list_ids": list(lists)} if lists else {}
    if segment is not None:
        details["segment_id"] = segment

    async def whom() -> str:
        async with given.client() as sms:
            return await audience(sms, BroadcastMessage(id=1, **details))

    async def create() -> BroadcastMessage:
        async with given.client() as sms:
            return await sms.broadcasts.create(name=name, body=body, **details)

    audience_named = run_async(whom)
    describe(out, [("Name", name), ("Message", body), ("Audience", audience_named), ("Segments", segments(body))])
    ask("Create this draft?", "not created", yes=yes)
    made = run_async(create)
    if out.as_json:
        out.data(fields.broadcast(made))
    else:
        out.say(f"Broadcast {made.id} is a draft now.")


@click.command(
    "update",
    cls=Command,
    epilog="""\b
Examples:
  ac-sms broadcasts update 42 --body "25% off! Reply STOP to opt out"
  ac-sms broadcasts update 42 --list 1 --list 3         in place of the lists it has
  ac-sms broadcasts update 42 --draft                   takes back what was handed over for sending
""",
)
@click.argument("broadcast_id", type=_ID, metavar="ID")
@click.option("--name", type=TEXT, help="What it is called from now on.")
@click.option("--body", type=TEXT, help="The message from now on.")
@click.option("--list", "lists", type=_ID, multiple=True, metavar="ID", help="The lists from now on; can be repeated.")
@click.option("--segment", type=TEXT, metavar="ID", help="The segment from now on.")
@click.option("--draft", is_flag=True, help="Take it back to draft, where it isn't being sent yet.")
@yes_option
@connection_options
@json_option
def update_command(
    broadcast_id: int,
    name: str | None,
    body: str | None,
    lists: tuple[int, ...],
    segment: str | None,
    draft: bool,
    yes: bool,
) -> None:
    """Change what is given of a broadcast, and leave the rest. It never sends: `ac-sms broadcasts send` does that."""
    out, given = output(), connection()
    wanted = {"name": name, "body": body, "list_ids": list(lists) or None, "segment_id": segment}
    changes: dict[str, Any] = {key: value for key, value in wanted.items() if value is not None}
    if draft:
        changes["status"] = "draft"
    if not changes:
        raise click.UsageError("nothing to change: give --name, --body, --list, --segment or --draft")
    somebody_is_there(yes, "update")

    async def look() -> BroadcastMessage:
        async with given.client() as sms:
            return await sms.broadcasts.get(broadcast_id)

    async def update() -> BroadcastMessage:
        async with given.client() as sms:
            return await sms.broadcasts.update(broadcast_id, **changes)

    before = run_async(look)
    shown = [("Broadcast", f"{broadcast_id} ({before.name or 'without a name'})")]
    for key, value in changes.items():
        shown += [(key, as_text(getattr(before, key))), (f"{key} then", as_text(value))]
    describe(out, shown)
    ask("Change it?", "not changed", yes=yes)
    after = run_async(update)
    if out.as_json:
        out.data(fields.broadcast(after))
    else:
        out.say(f"Broadcast {after.id} is changed; it is {after.status or 'in an unknown state'}.")


@click.command(
    "delete",
    cls=Command,
    epilog="""\b
Examples:
  ac-sms broadcasts delete 42                           shows it, and asks
  ac-sms broadcasts delete 42 --yes                     for scripts: does not ask
""",
)
@click.argument("broadcast_id", type=_ID, metavar="ID")
@yes_option
@connection_options
@json_option
def delete_command(broadcast_id: int, yes: bool) -> None:
    """Delete a broadcast from the account. What was collected of it stays in the store."""
    out, given = output(), connection()
    somebody_is_there(yes, "delete")

    async def look() -> BroadcastMessage:
        async with given.client() as sms:
            return await sms.broadcasts.get(broadcast_id)

    async def delete() -> None:
        async with given.client() as sms:
            await sms.broadcasts.delete(broadcast_id)

    there = run_async(look)
    sent = given.local(there.sent_date)
    describe(
        out,
        [
            ("Name", there.name or "(none)"),
            ("Status", there.status or "unknown"),
            ("Sent", "never" if sent is None else f"{sent:%Y-%m-%d %H:%M %Z}, to {as_text(there.sent_to_count)}"),
            ("Message", there.body or "(empty)"),
        ],
    )
    ask("Delete it?", "not deleted", yes=yes)
    run_async(delete)
    if out.as_json:
        out.data({"broadcast_id": broadcast_id, "deleted": True})
    else:
        out.say(f"Broadcast {broadcast_id} is deleted.")
