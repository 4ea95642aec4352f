"""`ac-sms fleet`: many accounts on many machines."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from ac_sms_async.cli.command import Group, refuse_without_effect
from ac_sms_async.cli.database import without_password
from ac_sms_async.cli.kinds import DATE, DAYS, INCLUDE, LAST_OR_DATE, ZONE, span
from ac_sms_async.cli.log import PrintableFormatter
from ac_sms_async.cli.output import Output, json_option, output, printable
from ac_sms_async.cli.running import run_async
from ac_sms_async.collect.window import Window, details
from ac_sms_async.private_file import read_private

if TYPE_CHECKING:
    from ac_sms_async.fleet import Database, Enqueued, FleetStatus, Plan

__all__ = ["fleet"]

T = TypeVar("T")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_EXAMPLES = """\b
Begin with:
  export AC_SMS_FLEET_DB=postgresql://fleet@db/sms
  export AC_SMS_FLEET_KEY=$(ac-sms fleet key)         keep it: without it the tokens are lost
  ac-sms fleet init
  ac-sms fleet add-account acme --url https://acme.api-us1.com --token-file acme.token --schedule "0 3 * * *"
  ac-sms fleet enqueue
  ac-sms fleet worker                                 on as many machines as you like
  ac-sms fleet status
"""


@click.group(cls=Group, epilog=_EXAMPLES)
def fleet() -> None:
    """Collect many accounts on many machines, with a PostgreSQL between them."""
    try:
        import_module("ac_sms_async.fleet")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ac_sms_async"):
            raise
        raise click.ClickException("the fleet needs more: pip install 'ac-sms-async[fleet]'") from None


def _dsn_option(command: Decorated) -> Decorated:
    return click.option(
        "--dsn",
        metavar="DSN",
        envvar="AC_SMS_FLEET_DB",
        required=True,
        callback=without_password,
        help="The fleet's database, postgresql://... [AC_SMS_FLEET_DB]",
    )(command)


def _plan_options(command: Decorated) -> Decorated:
    for option in (
        click.option(
            "--horizon", type=DAYS, default="30d", show_default=True, help="With `--since last`: how far back."
        ),
        click.option("--until", type=DATE, help="The last day."),
        click.option(
            "--since", type=LAST_OR_DATE, help="The first day; or `last`: what can still have changed (the default)."
        ),
        click.option("--all", "everything", is_flag=True, help="All broadcasts."),
        click.option("--include", type=INCLUDE, multiple=True, help="Also fetch failures, recipients."),
    ):
        command = option(command)
    return command


def _plan(
    include: tuple[tuple[str, ...], ...],
    everything: bool,
    since: date | Literal["last"] | None,
    until: date | None,
    horizon: timedelta,
) -> Plan | None:
    """The plan that the options describe; None where none was given."""
    from ac_sms_async.fleet import Plan

    wanted = details({detail for group in include for detail in group})
    if since == "last" and until is not None:
        raise click.UsageError("--since last looks at what can still change: it takes no --until")
    if everything and (since is not None or until is not None):
        raise click.UsageError("--all takes neither --since nor --until")
    if everything or isinstance(since, date) or until is not None:
        refuse_without_effect("without --since last", "horizon")
    if everything:
        return Plan(Window(), wanted)
    if isinstance(since, date) or until is not None:
        start, end = span(since if isinstance(since, date) else None, until)
        return Plan(Window(start, end), wanted)
    if since is None and not wanted and horizon == timedelta(days=30):
        return None
    return Plan(Window.since_last(horizon), wanted)


def _run(dsn: str, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on the fleet's database; what is wrong with the fleet ends with a line."""
    from ac_sms_async.fleet import open_database

    async def on_database() -> T:
        async with open_database(dsn) as database:
            return await work(database)

    return _plainly(on_database)


def _plainly(work: Callable[[], Awaitable[T]]) -> T:
    from ac_sms_async.fleet import FleetError

    try:
        return run_async(work)
    except FleetError as error:
        raise click.ClickException(printable(str(error))) from None


@fleet.command("key")
def key_command() -> None:
    """Print a new key for the tokens, to be kept in AC_SMS_FLEET_KEY."""
    from ac_sms_async.fleet import new_key

    click.echo(new_key())


@fleet.command("init")
@_dsn_option
def init_command(dsn: str) -> None:
    """Make the fleet's tables in a PostgreSQL, or bring them up to date."""
    from ac_sms_async.fleet import install

    taken = _run(dsn, install)
    output().say(f"{len(taken)} steps taken." if taken else "Nothing to do: it is up to date.")


@fleet.command("add-account")
@click.argument("name")
@click.option("--url", required=True, help="API URL of the account (Settings > Developer).")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="File with the API token, for your eyes only; or -."
)
@click.option("--token-env", metavar="NAME", help="The token is in this variable on each worker; it is not stored.")
@click.option(
    "--timezone", type=ZONE, default="America/Chicago", show_default=True, help="What times without a zone mean."
)
@click.option("--schedule", metavar="CRON", help="When to collect it, in UTC, such as '0 3 * * *'.")
@click.option("--priority", type=int, default=0, show_default=True, help="Higher ones go first.")
@_plan_options
@_dsn_option
def add_command(
    name: str,
    url: str,
    token_file: Path | None,
    token_env: str | None,
    timezone: str,
    schedule: str | None,
    priority: int,
    dsn: str,
    **plan: Any,
) -> None:
    """Add an account to the fleet, or change it: its token encrypted with AC_SMS_FLEET_KEY, or by reference."""
    from ac_sms_async.fleet import add_account

    if (token_file is None) == (token_env is None):
        raise click.UsageError("give one of --token-file and --token-env")
    token = None if token_file is None else _read_token(token_file)
    account = _run(
        dsn,
        lambda database: add_account(
            database,
            name,
            url,
            token=token,
            token_env=token_env,
            timezone=timezone,
            plan=_plan(**plan),
            priority=priority,
            schedule=schedule,
        ),
    )
    output().say(f"{printable(account.name)} is in the fleet.")


def _read_token(path: Path) -> str:
    return sys.stdin.read() if str(path) == "-" else read_private(path)


@fleet.command("remove-account")
@click.argument("name")
@_dsn_option
def remove_command(name: str, dsn: str) -> None:
    """Forget an account and its token. What was collected stays in the store."""
    from ac_sms_async.fleet import remove_account

    _run(dsn, lambda database: remove_account(database, name))
    output().say(f"{printable(name)} is no longer in the fleet.")


@fleet.command("enqueue")
@click.argument("names", nargs=-1)
@click.option("--priority", type=int, help="Higher ones go first. Default: each account's own.")
@_plan_options
@_dsn_option
@json_option
def enqueue_command(names: tuple[str, ...], priority: int | None, dsn: str, **plan: Any) -> None:
    """Have accounts collected now: those named, or all."""
    from ac_sms_async.fleet import enqueue

    _show_enqueued(_run(dsn, lambda database: enqueue(database, names or None, plan=_plan(**plan), priority=priority)))


@fleet.command("retry")
@click.argument("names", nargs=-1)
@_dsn_option
@json_option
def retry_command(names: tuple[str, ...], dsn: str) -> None:
    """Have jobs done again that failed for good: of the accounts named, or of all."""
    from ac_sms_async.fleet import retry_failed

    _show_enqueued(_run(dsn, lambda database: retry_failed(database, names or None)))


def _show_enqueued(outcome: Enqueued) -> None:
    out = output()
    if out.as_json:
        out.data({"queued": outcome.queued, "under_way": outcome.under_way, "refused": outcome.refused})
    else:
        out.say(f"{len(outcome.queued)} accounts queued, {len(outcome.under_way)} under way already.")
    for name, problem in outcome.refused.items():
        out.say(f"{printable(name)} was left out: {printable(problem)}")


@fleet.command("worker")
@click.option("--concurrency", type=click.IntRange(min=1), default=100, show_default=True, help="Accounts at once.")
@click.option(
    "--store",
    metavar="DSN",
    envvar="AC_SMS_DB",
    callback=without_password,
    help="Where rows go. Default: the fleet's database. [AC_SMS_DB]",
)
@click.option(
    "--backend",
    type=click.Choice(["httpx", "httptools"]),
    default="httpx",
    show_default=True,
    help="What sends requests; httptools is faster, and needs the [speedups] extra.",
)
@click.option("--drain", is_flag=True, help="End once all accounts in the queue that this worker can collect are done.")
@click.option(
    "--stalled-after",
    type=click.FloatRange(min=5),
    default=30.0,
    show_default=True,
    help="Seconds of silence after which a worker counts as dead. The same for all workers.",
)
@_dsn_option
def worker_command(
    concurrency: int,
    store: str | None,
    backend: Literal["httpx", "httptools"],
    drain: bool,
    stalled_after: float,
    dsn: str,
) -> None:
    """Collect what is in the queue, until stopped. Run as many as you like, on as many machines as you like."""
    from ac_sms_async.fleet import Vault, Worker
    from ac_sms_async.fleet.vault import KEY, KEY_FILE

    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # What they have to say is said by the fleet too, without a traceback for each job.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    # A wrong key shows now, and not with the first account; accounts by reference need none.
    vault = Vault.from_env() if os.environ.get(KEY) or os.environ.get(KEY_FILE) else None
    worker = Worker(
        dsn=dsn,
        store=store,
        vault=vault,
        concurrency=concurrency,
        backend=backend,
        stalled_after=stalled_after,
        drain=drain,
    )
    out = output()
    _plainly(lambda: worker.run(ready=lambda: out.say(f"worker {worker.name} is ready")))


@fleet.command("status")
@click.option("--prometheus", is_flag=True, help="Print it in Prometheus's text format.")
@_dsn_option
@json_option
def status_command(prometheus: bool, dsn: str) -> None:
    """Show accounts, last success, lag, failures with their reason, and throughput."""
    from ac_sms_async.fleet import fleet_status
    from ac_sms_async.fleet.prometheus import prometheus_text

    out = output()
    if prometheus and out.as_json:
        raise click.UsageError("give --prometheus or --json")
    status = _run(dsn, fleet_status)
    if prometheus:
        click.echo(prometheus_text(status), nl=False)
    else:
        _show_status(out, status)


def _show_status(out: Output, status: FleetStatus) -> None:
    if out.as_json:
        out.data(status.to_json())
        return
    heads = ["name", "state", "last_success_at", "#lag", "next_at", "#requests", "#rows", "error"]
    rows = [
        (
            *(account.name, account.state, _utc(account.last_success_at), _span(account.lag), _utc(account.next_at)),
            *(account.requests, account.rows, account.error),
        )
        for account in status.accounts
    ]
    out.table(heads, rows)
    jobs = ", ".join(f"{number} {name}" for name, number in status.jobs.items())
    out.say(
        f"{len(status.accounts)} accounts, {status.workers} workers; jobs: {jobs}; "
        f"{status.requests_per_second:.1f} requests/s and {status.rows_per_second:.0f} rows/s in the last hour"
    )
    if status.upkeep_failed:
        out.say(f"failed when last tried: {', '.join(status.upkeep_failed)}; the workers' log says why")


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f}h" if seconds >= 3600 else f"{seconds:.0f}s"
