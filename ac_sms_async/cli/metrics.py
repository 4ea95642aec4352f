"""`ac-sms metrics`: the numbers of some broadcasts."""

from __future__ import annotations

import re
import sys
from datetime import date

import click

from ac_sms_async import MetricsBatch
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.kinds import DAY, in_order
from ac_sms_async.cli.output import json_option, output, printable
from ac_sms_async.cli.running import run_async

__all__ = ["metrics"]

_PARTIAL = 3

_EXAMPLES = """\b
Examples:
  ac-sms metrics 42 43
  ac-sms metrics 42 --since 2026-01-01
  ac-sms broadcasts list --status sent | cut -f1 | tail -n +2 | ac-sms metrics -
"""


@click.command(epilog=_EXAMPLES, short_help="Show the numbers of broadcasts.")
@click.argument("ids", nargs=-1, required=True, metavar="ID... (or - to read them)")
@click.option("--since", type=DAY, help="Count from this day.")
@click.option("--until", type=DAY, help="Count to this day.")
@connection_options
@json_option
def metrics(ids: tuple[str, ...], since: date | None, until: date | None) -> int:
    """Show what came of broadcasts: sent, delivered, failed, clicks, replies, opt-outs."""
    in_order(since, until)
    out, given = output(), connection()
    wanted = _numbers(sys.stdin.read().split() if ids == ("-",) else list(ids))

    async def fetch() -> MetricsBatch:
        async with given.client() as sms:
            return await sms.metrics.fetch(wanted, start_date=since, end_date=until)

    batch = run_async(fetch)
    if out.as_json:
        out.data(
            {
                "metrics": [item.to_dict() for item in batch.metrics.values()],
                "missing": batch.missing,
                "failed": {str(broadcast_id): str(error) for broadcast_id, error in batch.failed.items()},
            }
        )
    else:
        heads = ["#Id", "#Sent", "#Delivered", "#Failed", "#Clicks", "#Replies", "#Opt-outs"]
        out.table(
            heads,
            [
                (item.id, item.sends, item.deliveries, item.failures, item.clicks, item.replies, item.opt_outs)
                for item in batch.metrics.values()
            ],
        )
        for broadcast_id in batch.missing:
            out.say(f"{broadcast_id}: the server has no numbers of it")
        for broadcast_id, error in batch.failed.items():
            out.say(f"{broadcast_id}: {printable(str(error))}")
    return _PARTIAL if batch.failed else 0


def _numbers(texts: list[str]) -> list[int]:
    bad = [text for text in texts if not re.fullmatch(r"0*[1-9][0-9]{0,18}", text)]
    if bad or not texts:
        raise click.UsageError(f"ids are positive numbers, not {bad[0][:50]!r}" if bad else "no ids were given")
    return [int(text) for text in texts]
