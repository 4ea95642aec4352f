"""`ac-sms store`: looking after a store."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import attrs
import click

from ac_sms_async.cli.command import Group
from ac_sms_async.cli.database import database_option
from ac_sms_async.cli.output import json_option, output, printable, quiet_option
from ac_sms_async.cli.running import run_async
from ac_sms_async.collect import open_store
from ac_sms_async.collect.store.backup import back_up
from ac_sms_async.collect.store.check import Finding
from ac_sms_async.collect.store.check import check as check_store
from ac_sms_async.collect.store.migrate import migrations
from ac_sms_async.collect.store.names import rename as rename_account
from ac_sms_async.collect.store.target import shown

__all__ = ["store"]

_PARTLY = 3

_EXAMPLES = """\b
Examples:
  ac-sms store check                             what is wrong with metrics.sqlite
  ac-sms store migrate                           bring it up to date, after an upgrade
  ac-sms store backup /backup/metrics.sqlite     a copy, also while it is collected into
  ac-sms store rename acme-old acme              one account that is there under two names
"""

_EXAMPLES_OF = {
    "check": """\b
Examples:
  ac-sms store check --db /srv/sms/metrics.sqlite
  ac-sms store check --json | jq .
""",
    "migrate": """\b
Examples:
  ac-sms store migrate --db /srv/sms/metrics.sqlite
""",
    "backup": """\b
Examples:
  ac-sms store backup /backup/metrics.sqlite
  ac-sms store backup --db /srv/sms/metrics.sqlite "/backup/$(date +%F).sqlite"
""",
    "rename": """\b
Examples:
  ac-sms store rename acme-old acme
  ac-sms store rename acme acme --url https://acme-new.api-us1.com
""",
}


@click.group(cls=Group, epilog=_EXAMPLES)
def store() -> None:
    """Look after a store: a SQLite file, or a PostgreSQL."""


@store.command(epilog=_EXAMPLES_OF["check"])
@database_option
@quiet_option
@json_option
def check(database: str) -> int:
    """Tell what is wrong with a store; nothing is changed.

    Exit codes: 0 nothing is wrong, 3 something is, 1 it can't be read.
    """
    out = output()

    async def look() -> list[Finding]:
        async with open_store(database, read_only=True) as opened:
            return await check_store(opened)

    found = run_async(look)
    if out.as_json:
        out.data([attrs.asdict(finding) for finding in found])
    else:
        for finding in found:
            click.echo(f"{printable(finding.account) or 'store'}: {printable(finding.message)}")
        if not found:
            out.say(f"{printable(shown(database))}: nothing is wrong")
    return _PARTLY if found else 0


@store.command(epilog=_EXAMPLES_OF["migrate"])
@database_option
@json_option
def migrate(database: str) -> None:
    """Bring a store's schema up to date with this release. Collectors of the release before may go on meanwhile."""
    out = output()

    async def bring() -> int:
        async with open_store(database, create=False) as opened:
            [(version,)] = await opened.read("SELECT MAX(version) FROM schema_version")
            return cast("int", version)

    version = run_async(bring)
    if out.as_json:
        out.data({"version": version, "steps": len(migrations())})
    else:
        out.say(f"{printable(shown(database))} has schema version {version}, this release's")


@store.command(epilog=_EXAMPLES_OF["backup"])
@database_option
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@quiet_option
@json_option
def backup(database: str, path: Path) -> None:
    """Copy a SQLite store to FILE, as it is at one moment. A PostgreSQL is backed up with pg_dump."""
    out = output()

    async def copy() -> int:
        async with open_store(database, read_only=True) as opened:
            return await back_up(opened, path)

    size = run_async(copy)
    if out.as_json:
        out.data({"path": str(path.resolve()), "bytes": size})
    else:
        out.say(f"{size:,} bytes: {printable(str(path.resolve()))}")


@store.command(epilog=_EXAMPLES_OF["rename"])
@database_option
@click.argument("old")
@click.argument("new")
@click.option("--url", metavar="URL", help="Where the account is now, if it has moved.")
@json_option
def rename(database: str, old: str, new: str, url: str | None) -> None:
    """Give the account OLD the name NEW; where NEW is there already, put both together.

    Of what both have, what was collected later stays. For an account that has moved: OLD and NEW the same, and --url.
    """
    out = output()

    async def change() -> bool:
        async with open_store(database, create=False) as opened:
            return await rename_account(opened, old, new, url=url)

    together = run_async(change)
    if out.as_json:
        out.data({"account": new, "put_together": together})
    else:
        out.say(f"{printable(old)} is {printable(new)} now" + (", both put together" if together else ""))
