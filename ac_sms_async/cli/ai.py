"""`ac-sms ai`: have a broadcast written."""

from __future__ import annotations

from typing import Any, cast

import click

from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.output import json_option, output, printable
from ac_sms_async.cli.running import run_async
from ac_sms_async.models import BroadcastMessage

__all__ = ["ai"]


@click.group(short_help="Have broadcasts written by the AI.")
def ai() -> None:
    """Have broadcasts written by ActiveCampaign's AI. What it writes is a draft: nothing is sent."""


@ai.command(
    "create",
    epilog="""\b
Examples:
  ac-sms ai create --prompt "Spring sale, 20% off until Sunday" --tone casual --wait
  ac-sms ai create --prompt "We moved" --tone formal --json     prints the request's id at once
""",
)
@click.option("--prompt", required=True, metavar="TEXT", help="What it is to be about.")
@click.option("--tone", default="casual", show_default=True, metavar="TEXT", help="In what tone.")
@click.option("--source", type=click.Choice(["ai_index", "sms_index", "ai_builder"]), default="ai_builder", hidden=True)
@click.option("--wait", is_flag=True, help="Wait for the draft, and show it.")
@click.option("--timeout", type=click.FloatRange(min=1), default=300.0, show_default=True, help="Seconds to wait.")
@connection_options
@json_option
def create_command(prompt: str, tone: str, source: str, wait: bool, timeout: float) -> None:
    """Have a draft written."""
    out, given = output(), connection()

    async def create() -> tuple[str, BroadcastMessage | None]:
        async with given.client() as sms:
            request = await sms.ai.create(prompt=prompt, tone=tone, source=cast("Any", source))
            if not wait:
                return request.id, None
            out.say(f"Waiting for request {printable(request.id)} ...")
            return request.id, await request.wait(timeout=timeout)

    request_id, broadcast = run_async(create)
    if out.as_json:
        out.data({"request_id": request_id, "broadcast": None if broadcast is None else broadcast.to_dict()})
    elif broadcast is None:
        out.table(["Request"], [(request_id,)])
    else:
        out.table(
            ["#Id", "Status", "Name", "Message"], [(broadcast.id, broadcast.status, broadcast.name, broadcast.body)]
        )
