"""`ac-sms report`: the store as one page."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import anyio.to_thread
import click

from ac_sms_async.cli.command import Command
from ac_sms_async.cli.database import database_option
from ac_sms_async.cli.kinds import DAY, ZONE, Day, span
from ac_sms_async.cli.output import json_option, output, quiet_option
from ac_sms_async.cli.running import run_async
from ac_sms_async.collect import ReportData, StoreError, open_store
from ac_sms_async.collect.calendar import zones_of
from ac_sms_async.collect.report import load_report, render_report
from ac_sms_async.collect.report.figures import plural, span_name
from ac_sms_async.collect.report.span import Last
from ac_sms_async.collect.store.backup import refuse_store_file
from ac_sms_async.downloads.part_file import whole_file

__all__ = ["report"]

_EXAMPLES = """\b
Examples:
  ac-sms report                                        last month beside the one before, as report.html
  ac-sms report --last week                            last week (Monday to Sunday) beside the one before
  ac-sms report --since 2026-11-01                     this month so far beside as many days before; also 30d
  ac-sms report --since 2026-01-01 --until 2026-06-30 -o half-year.html --account acme
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@database_option
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(path_type=Path),
    default="report.html",
    show_default=True,
    help="The file.",
)
@click.option("--account", metavar="NAME", help="Only this account. Default: all in the store.")
@click.option("--last", type=click.Choice(get_args(Last)), help="The last one that is over. Default: month.")
@click.option("--since", type=DAY, help="The first day, in the account's calendar.")
@click.option("--until", type=DAY, help="With --since: the last day. Default: today.")
@click.option("--timezone", type=ZONE, help="Days of this zone, such as Europe/Berlin. Default: the account's own.")
@click.option("--replies", is_flag=True, help="Also what people replied, which is personal: the page is yours alone.")
@quiet_option
@json_option
def report(
    database: str,
    path: Path,
    account: str | None,
    last: Last | None,
    since: Day | None,
    until: Day | None,
    timezone: str | None,
    replies: bool,
) -> None:
    """Make one HTML page of a period and the one before it: to look at, to print, to mail. It needs nothing else."""
    if last is not None and (since is not None or until is not None):
        raise click.UsageError("give --last, or --since and --until")
    if since is None and until is not None:
        raise click.UsageError("--until needs --since")
    out = output()

    async def make() -> ReportData:
        async with open_store(database, read_only=True) as store:
            refuse_store_file(store, path)
            start, end = span(since, until, await zones_of(store, account=account, timezone=timezone))
            data = await load_report(
                store, account=account, last=last, since=start, until=end, timezone=timezone, replies=replies
            )
        try:
            async with whole_file(path, private=replies) as part:
                await anyio.to_thread.run_sync(part.write, [render_report(data).encode()])
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error}") from error
        return data

    data = run_async(make)
    broadcasts, days = data.totals.broadcasts, data.span
    if out.as_json:
        out.data({"path": str(path.resolve()), "since": days.start, "until": days.end, "broadcasts": broadcasts})
    else:
        out.say(f"A report of {span_name(days)}, with {plural(broadcasts, 'broadcast')}: {path.resolve()}")
