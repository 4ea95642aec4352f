"""`ac-sms export`: a table of the store as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, get_args

import click

from ac_sms_async.cli.command import Command
from ac_sms_async.cli.database import database_option
from ac_sms_async.cli.kinds import DAY, Day, span
from ac_sms_async.cli.output import json_option, output, quiet_option
from ac_sms_async.cli.running import run_async
from ac_sms_async.collect import open_store
from ac_sms_async.collect.calendar import zones_of
from ac_sms_async.collect.export import (
    ExportFormat,
    Part,
    export_table,
    export_workbook,
    is_by_broadcast,
    write_table,
)
from ac_sms_async.collect.store.schema import TABLES, VIEWS

__all__ = ["export"]

_INTERNAL = ("schema_version", "checkpoints", "work")
_NOT_BY_ITSELF = ("recipients", "replies", "forgotten", "time_zones")
"""In no workbook of everything: people, whom somebody has to ask for, and what no person reads."""
_NAMES = [entry.name for entry in (*VIEWS, *TABLES) if entry.name not in _INTERNAL]

_EXAMPLES = """\b
Examples:
  ac-sms export > broadcasts.csv                                the broadcasts with their counts and rates
  ac-sms export --format xlsx -o sms.xlsx                       a workbook, with a sheet for each table and view
  ac-sms export --safe -o broadcasts.csv                        as CSV to open in a spreadsheet
  ac-sms export --table recipients --format parquet -o recipients.parquet
  ac-sms export --since 30d --format xlsx -o last-month.xlsx    only broadcasts sent since then
  ac-sms export --table failed_ids --format jsonl               what could not be fetched, and why
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@database_option
@click.option(
    "--table",
    "name",
    type=click.Choice(_NAMES),
    help="Default: broadcast_rates; in a workbook everything but recipients and replies.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(get_args(ExportFormat)),
    default="csv",
    show_default=True,
    help="What to write; xlsx and parquet need a file.",
)
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), help="The file. Default: standard output.")
@click.option("--safe", is_flag=True, help="For a spreadsheet: no text of a CSV becomes a formula there.")
@click.option("--account", metavar="NAME", help="Only this account. Default: all in the store.")
@click.option("--since", type=DAY, help="Only of broadcasts sent on this day of the account's calendar or later.")
@click.option("--until", type=DAY, help="Only of broadcasts sent on this day or earlier.")
@quiet_option
@json_option
def export(
    database: str,
    name: str | None,
    form: ExportFormat,
    path: Path | None,
    safe: bool,
    account: str | None,
    since: Day | None,
    until: Day | None,
) -> None:
    """Write a table or view of a store to a file, for a spreadsheet, a notebook or another database."""
    if path is None and form in ("parquet", "xlsx"):
        raise click.UsageError(f"{form} needs a file: add -o FILE")
    if safe and form != "csv":
        raise click.UsageError(f"--safe is for CSV: in {form} no text can become a formula")
    out = output()
    if path is None and out.as_json:
        raise click.UsageError("--json tells about the file that -o names; for rows as JSON: --format jsonl")
    one = name or "broadcast_rates"
    if form == "xlsx" and name is None:
        names = [known for known in _NAMES if known not in _NOT_BY_ITSELF]
        if since is not None or until is not None:
            # What isn't of broadcasts can't be of those of some days.
            names = [known for known in names if is_by_broadcast(known)]
    else:
        names = [one]

    async def write() -> dict[str, int]:
        async with open_store(database, read_only=True) as store:
            start, end = span(since, until, await zones_of(store, account=account))
            part: Part = {"account": account, "since": start, "until": end}
            if path is None:
                lines: Literal["csv", "jsonl"] = "csv" if form == "csv" else "jsonl"
                return {one: await write_table(store, one, sys.stdout, format=lines, safe=safe, **part)}
            if form == "xlsx":
                return await export_workbook(store, names, path, **part)
            return {one: await export_table(store, one, path, format=form, safe=safe, **part)}

    counts = run_async(write)
    if path is None:
        return
    if out.as_json:
        tables = [{"table": name, "rows": count} for name, count in counts.items()]
        out.data({"path": str(path.resolve()), **(tables[0] if len(tables) == 1 else {"tables": tables})})
        return
    what = f"{sum(counts.values()):,} rows of "
    out.say(f"{what}{next(iter(counts)) if len(counts) == 1 else f'{len(counts)} tables'}: {path.resolve()}")
