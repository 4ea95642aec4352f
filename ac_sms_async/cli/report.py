"""`ac-sms report`: the store as one page."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread
import click

from ac_sms_async.cli.database import database_option
from ac_sms_async.cli.output import json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.collect import StoreError, open_store
from ac_sms_async.collect.report import load_report, render_report
from ac_sms_async.collect.store.backup import refuse_store_file
from ac_sms_async.downloads.part_file import whole_file

__all__ = ["report"]

_EXAMPLES = """\b
Examples:
  ac-sms report                                        metrics.sqlite as report.html
  ac-sms report --db metrics.sqlite -o march.html --account acme
"""


@click.command(epilog=_EXAMPLES, short_help="Make a page of a store: what was sent, and what came of it.")
@database_option
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), default="report.html", show_default=True)
@click.option("--account", metavar="NAME", help="Only this account. Default: all in the store.")
@json_option
def report(database: str, path: Path, account: str | None) -> None:
    """Make one HTML page that needs nothing beside itself: to look at, to print, to mail."""
    out = output()

    async def make() -> int:
        async with open_store(database, read_only=True) as store:
            refuse_store_file(store, path)
            data = await load_report(store, account=account)
        try:
            async with whole_file(path) as part:
                await anyio.to_thread.run_sync(part.write, [render_report(data).encode()])
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error}") from error
        return data.totals.broadcasts

    broadcasts = run_async(make)
    if out.as_json:
        out.data({"path": str(path.resolve()), "broadcasts": broadcasts})
    else:
        out.say(f"{broadcasts:,} broadcasts sent: {path.resolve()}")
