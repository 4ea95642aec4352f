"""`ac-sms ai`: have a broadcast written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from ac_sms_async.cli import fields
from ac_sms_async.cli.asking import ask, describe, somebody_is_there, yes_option
from ac_sms_async.cli.command import Group, refuse_without_effect
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.kinds import TEXT
from ac_sms_async.cli.output import Output, json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.models import AIBroadcastStatus, BroadcastMessage

__all__ = ["ai"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@click.group(cls=Group)
def ai() -> None:
    """Have broadcasts written by ActiveCampaign's AI. What it writes is a draft: nothing is sent."""


def _wait_options(command: Decorated) -> Decorated:
    seconds = click.FloatRange(min=1)
    for option in (
        click.option("--timeout", type=seconds, default=300.0, show_default=True, help="Seconds to wait."),
        click.option("--wait", is_flag=True, help="Wait for the draft, and show it."),
    ):
        command = option(command)
    return command


@ai.command(
    "create",
    epilog="""\b
Examples:
  ac-sms ai create --prompt "Spring sale, 20% off until Sunday" --tone casual --wait
  ac-sms ai create --prompt "We moved" --tone formal --yes --json      prints the request's id at once
""",
)
@click.option("--prompt", required=True, type=TEXT, help="What it is to be about.")
@click.option("--tone", default="casual", show_default=True, type=TEXT, help="In what tone.")
@click.option("--source", type=click.Choice(["ai_index", "sms_index", "ai_builder"]), default="ai_builder", hidden=True)
@_wait_options
@yes_option
@connection_options
@json_option
def create_command(prompt: str, tone: str, source: str, wait: bool, timeout: float, yes: bool) -> None:
    """Have a draft written."""
    out, given = output(), connection()
    if not wait:
        refuse_without_effect("without --wait", "timeout")
    somebody_is_there(yes, "create")
    describe(out, [("Prompt", prompt), ("Tone", tone)])
    ask("Have a draft written?", "not asked for", yes=yes)

    async def create() -> tuple[str, BroadcastMessage | None]:
        async with given.client() as sms:
            request = await sms.ai.create(prompt=prompt, tone=tone, source=cast("Any", source))
            if not wait:
                return request.id, None
            out.say(f"Waiting for request {request.id} ...")
            return request.id, await request.wait(timeout=timeout)

    request_id, broadcast = run_async(create)
    if broadcast is not None:
        _show(out, request_id, broadcast)
    elif out.as_json:
        out.data({"request_id": request_id})
    else:
        out.fields({"request_id": request_id})
        out.say(f"How far it is: ac-sms ai status {request_id}")


@ai.command(
    "status",
    epilog="""\b
Examples:
  ac-sms ai status 4f6a01
  ac-sms ai status 4f6a01 --wait
""",
)
@click.argument("request_id", metavar="ID")
@_wait_options
@connection_options
@json_option
def status_command(request_id: str, wait: bool, timeout: float) -> None:
    """Show how far a request to the AI is, by the id that `ac-sms ai create` printed."""
    out, given = output(), connection()
    if not wait:
        refuse_without_effect("without --wait", "timeout")

    async def look() -> AIBroadcastStatus:
        async with given.client() as sms:
            return await sms.ai.request(request_id).status()

    async def wait_for_it() -> BroadcastMessage:
        async with given.client() as sms:
            return await sms.ai.request(request_id).wait(timeout=timeout)

    if wait:
        _show(out, request_id, run_async(wait_for_it))
        return
    found = run_async(look)
    known = {"request_id": request_id, "status": found.status, "broadcast_id": found.broadcast_id}
    if out.as_json:
        out.data(known)
    else:
        out.fields(known)


def _show(out: Output, request_id: str, broadcast: BroadcastMessage) -> None:
    if out.as_json:
        written = fields.broadcast(broadcast)
        out.data({"request_id": request_id, "status": "success", "broadcast_id": broadcast.id, "broadcast": written})
    else:
        out.fields(
            {"broadcast_id": broadcast.id, "status": broadcast.status, "name": broadcast.name, "body": broadcast.body}
        )
