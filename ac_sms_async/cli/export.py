"""`ac-sms export`: a table of the store as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from ac_sms_async.cli.database import database_option
from ac_sms_async.cli.output import json_option, output
from ac_sms_async.cli.running import run_async
from ac_sms_async.collect import open_store
from ac_sms_async.collect.export import ExportFormat, export_table, write_table
from ac_sms_async.collect.store.schema import TABLES, VIEWS

__all__ = ["export"]

_INTERNAL = ("schema_version", "checkpoints", "work")
_NAMES = [entry.name for entry in (*VIEWS, *TABLES) if entry.name not in _INTERNAL]

_EXAMPLES = """\b
Examples:
  ac-sms export > broadcasts.csv                                the broadcasts with their counts and rates
  ac-sms export --safe -o broadcasts.csv                        the same to open in a spreadsheet
  ac-sms export --table recipients --format parquet -o recipients.parquet
  ac-sms export --table failed_ids --format jsonl               what could not be fetched, and why
"""


@click.command(epilog=_EXAMPLES, short_help="Write a table of a store as CSV, JSON lines or Parquet.")
@database_option
@click.option("--table", "name", type=click.Choice(_NAMES), default="broadcast_rates", show_default=True)
@click.option("--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), default="csv", show_default=True)
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), help="The file. Default: standard output.")
@click.option("--safe", is_flag=True, help="For a spreadsheet: no text of a CSV becomes a formula there.")
@click.option("--account", metavar="NAME", help="Only this account. Default: all in the store.")
@json_option
def export(database: str, name: str, form: str, path: Path | None, safe: bool, account: str | None) -> None:
    """Write a table or view of a store to a file, for a spreadsheet, a notebook or another database."""
    if path is None and form == "parquet":
        raise click.UsageError("Parquet needs a file: add -o FILE")
    if safe and form != "csv":
        raise click.UsageError(f"--safe is for CSV: in {form} no text can become a formula")
    out = output()

    async def write() -> int:
        async with open_store(database, read_only=True) as store:
            if path is None:
                return await write_table(
                    store, name, sys.stdout, format="csv" if form == "csv" else "jsonl", account=account, safe=safe
                )
            return await export_table(store, name, path, format=cast("ExportFormat", form), account=account, safe=safe)

    count = run_async(write)
    if path is not None and out.as_json:
        out.data({"path": str(path.resolve()), "table": name, "rows": count})
    elif path is not None:
        out.say(f"{count:,} rows of {name}: {path.resolve()}")
