"""`ac-sms collect`: everything of one account, or of several, into a store."""

from __future__ import annotations

import shlex
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import attrs
import click
from attrs import evolve

from ac_sms_async.cli.advice import advice
from ac_sms_async.cli.command import Command, refuse_without_effect
from ac_sms_async.cli.connection import Connection, connection, connection_options, read_accounts
from ac_sms_async.cli.database import database_option
from ac_sms_async.cli.kinds import DAY, DAYS, INCLUDE, SINCE, STATUS, TEXT, Day, span
from ac_sms_async.cli.output import Output, json_option, output, quiet_option
from ac_sms_async.cli.progress import progress_display
from ac_sms_async.cli.running import run_async
from ac_sms_async.collect import RunResult, Window, collect_accounts, open_store
from ac_sms_async.collect.window import details

__all__ = ["collect_command", "exit_code", "store_option"]

_COLUMNS = ("account", "status", "#broadcasts", "#metrics", "#failure_groups", "#recipients", "#failed")

_EXAMPLES = """\b
Examples:
  ac-sms collect                                 all broadcasts with their metrics, into metrics.sqlite
  ac-sms collect --include failures,recipients   also why messages failed, and each recipient with replies
  ac-sms collect --since last                    for cron: only what can still change
  ac-sms collect --since 2026-01-01              what was sent since then; also yesterday, 30d
  ac-sms collect --accounts accounts.toml        several accounts at once
  ac-sms collect --db postgresql://reports@db/sms

\b
accounts.toml:
  [accounts.acme]
  url = "https://acme.api-us1.com"
  token_env = "ACME_TOKEN"          (or token_file = "acme.token")

\b
However it was stopped, the same command goes on: what it had not fetched comes first.
Exit codes: 0 complete, 3 partial (something is owed or was left out), 1 failed, 130 stopped.
"""


@click.command("collect", cls=Command, epilog=_EXAMPLES)
@database_option
@click.option("--include", type=INCLUDE, multiple=True, help="Also fetch failures, recipients (with their replies).")
@click.option("--since", type=SINCE, help="The first day; or `last`: what can still have changed since the last run.")
@click.option("--until", type=DAY, help="The last day.")
@click.option(
    "--horizon",
    type=DAYS,
    default="30d",
    show_default=True,
    help="With `--since last`: how long the numbers of a sent broadcast are taken to change.",
)
@click.option("--name", type=TEXT, help="Only broadcasts of this name.")
@click.option("--status", type=STATUS, help="Only broadcasts in this status.")
@click.option(
    "--accounts",
    "accounts_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A TOML file with several accounts, to be collected at once.",
)
@click.option("--fresh", is_flag=True, help="Begin anew, even where an unfinished run could be gone on with.")
@click.option("--refresh", is_flag=True, help="Also fetch details that were fetched under the same counts before.")
@click.option(
    "--keep-personal",
    type=DAYS,
    help="How long names, phone numbers and replies are kept after a message was sent, such as 90d. Else: for ever.",
)
@click.option("--accept-deletions", is_flag=True, help="Believe that very many broadcasts are gone at once.")
@quiet_option
@connection_options
@json_option
def collect_command(
    database: str,
    include: tuple[tuple[str, ...], ...],
    since: Day | Literal["last"] | None,
    until: Day | None,
    horizon: timedelta,
    name: str | None,
    status: str | None,
    accounts_file: Path | None,
    fresh: bool,
    refresh: bool,
    keep_personal: timedelta | None,
    accept_deletions: bool,
) -> int:
    """Collect all broadcasts of an account, what came of them, and its credits into a store."""
    if accounts_file is None:
        connections = [connection()]
    else:
        refuse_without_effect("with --accounts: its file says it", "url", "token_file", "account", "timezone")
        host = connection().insecure_host
        connections = [evolve(entry, insecure_host=host) for entry in read_accounts(accounts_file)]
    wanted = details({detail for group in include for detail in group})
    if not wanted:
        refuse_without_effect("without --include", "refresh")
    window = _window(connections, since, until, horizon, name, status)
    if window.mode == "window":
        refuse_without_effect("on a part of the broadcasts: nothing is taken for deleted there", "accept_deletions")
    out = output()

    async def collect() -> list[RunResult]:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(entry.client()) for entry in connections]
            store = await stack.enter_async_context(open_store(database))
            with progress_display(quiet=out.quiet, details=bool(wanted)) as on_progress:
                return await collect_accounts(
                    clients,
                    store,
                    window=window,
                    include=wanted,
                    on_progress=on_progress,
                    fresh=fresh,
                    refresh=refresh,
                    keep_personal=keep_personal,
                    accept_deletions=accept_deletions,
                )

    results = run_async(collect)
    _show(out, results, database)
    return exit_code(results)


def _window(
    connections: list[Connection],
    since: Day | Literal["last"] | None,
    until: Day | None,
    horizon: timedelta,
    name: str | None,
    status: str | None,
) -> Window:
    if since == "last":
        why = "with --since last, which looks at all that can still change"
        refuse_without_effect(why, "until", "name", "status")
        return Window.since_last(horizon)
    refuse_without_effect("without --since last", "horizon")
    start, end = span(since, until, [entry.zone for entry in connections])
    return Window(start, end, name=name, status=status)


def exit_code(results: list[RunResult]) -> int:
    """0 where all are complete, 1 where all have failed, 3 between."""
    codes = {result.exit_code for result in results}
    return codes.pop() if len(codes) == 1 else 3


def _show(out: Output, results: list[RunResult], database: str) -> None:
    if out.as_json:
        out.data([_as_json(result) for result in results])
        return
    rows = [[*(getattr(result, name.lstrip("#")) for name in _COLUMNS), _seconds(result.seconds)] for result in results]
    if not out.quiet:
        out.table([*_COLUMNS, "#time"], rows)
    for result in results:
        if result.error is not None:
            out.warn(f"{result.account}: {result.error}")
            out.warn(f"  {advice(result.error) or 'See what is wrong, then run the same again: it goes on.'}")
        elif result.status == "partial":
            for reason in result.reasons:
                out.warn(f"{result.account}: {reason}")
            if result.failed:
                out.warn(
                    f"  Later runs try it again. Each id: ac-sms export{store_option(database)} --table failed_ids"
                )


def _as_json(result: RunResult) -> dict[str, Any]:
    error = result.error
    return {
        **attrs.asdict(result, filter=attrs.filters.exclude("error")),
        "exit_code": result.exit_code,
        "error": None if error is None else {"type": type(error).__name__, "message": str(error)},
    }


def store_option(database: str) -> str:
    """The option that names the store, but for a DSN, which may hold a password."""
    return "" if "://" in database else f" --db {shlex.quote(database)}"


def _seconds(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}m{whole % 60:02}s" if whole >= 60 else f"{seconds:.1f}s"
