"""`ac-sms metrics`: the numbers of some broadcasts."""

from __future__ import annotations

import re
import sys

import click

from ac_sms_async import MetricsBatch
from ac_sms_async.cli import fields
from ac_sms_async.cli.command import Command
from ac_sms_async.cli.connection import connection, connection_options
from ac_sms_async.cli.kinds import DAY, Day, span
from ac_sms_async.cli.output import json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.collect.rows import COUNTS

__all__ = ["metrics"]

_PARTIAL = 3
_COLUMNS = ("broadcast_id", *COUNTS)

_EXAMPLES = """\b
Examples:
  ac-sms metrics 42 43
  ac-sms metrics 42 --since 2026-01-01
  ac-sms broadcasts list --status sent | cut -f1 | tail -n +2 | ac-sms metrics -
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("ids", nargs=-1, required=True, metavar="ID... (or - to read them)")
@click.option("--since", type=DAY, help="Count from this day.")
@click.option("--until", type=DAY, help="Count to this day.")
@connection_options
@json_option
def metrics(ids: tuple[str, ...], since: Day | None, until: Day | None) -> int:
    """Show what came of broadcasts: sent, delivered, failed, clicks, replies, opt-outs."""
    out, given = output(), connection()
    start, end = span(since, until, [given.zone])
    wanted = _numbers(sys.stdin.read().split() if ids == ("-",) else list(ids))

    async def fetch() -> MetricsBatch:
        async with given.client() as sms:
            return await sms.metrics.fetch(wanted, start_date=start, end_date=end)

    batch = run_async(fetch)
    if out.as_json:
        out.data(
            {
                "metrics": [fields.metrics_of(item) for item in batch.metrics.values()],
                "missing": batch.missing,
                "failed": {str(broadcast_id): str(error) for broadcast_id, error in batch.failed.items()},
            }
        )
    else:
        rows = [fields.metrics_of(item) for item in batch.metrics.values()]
        out.table([f"#{name}" for name in _COLUMNS], [[row[name] for name in _COLUMNS] for row in rows])
        for broadcast_id in batch.missing:
            out.warn(f"{broadcast_id}: the server has no numbers of it")
        for broadcast_id, error in batch.failed.items():
            out.warn(f"{broadcast_id}: {error}")
    return _PARTIAL if batch.failed else 0


def _numbers(texts: list[str]) -> list[int]:
    bad = [text for text in texts if not re.fullmatch(r"0*[1-9][0-9]{0,18}", text)]
    if bad or not texts:
        raise click.UsageError(f"ids are positive numbers, not {bad[0][:50]!r}" if bad else "no ids were given")
    return [int(text) for text in texts]
