"""A fleet of real processes at a sandbox, to do bad things to; afterwards all rows must be there, fetched at 5/s."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
from attrs import Factory, define, frozen
from starlette.types import Receive, Scope, Send

from ac_sms_async import SMSClient
from ac_sms_async.collect import Store, collect, open_store
from ac_sms_async.collect.store.schema import table
from ac_sms_async.fleet import Plan, Vault, add_account, enqueue, fleet_status, install, open_database
from ac_sms_async.sandbox import Clock, Sandbox
from ac_sms_async.sandbox.app import App
from ac_sms_async.sandbox.state import State
from tests.fleet.waiting import until
from tests.pacing_at_server.observed import LIMIT, most_in_a_second

TABLES = ("broadcasts", "metrics", "failure_groups")
OURS = (
    *("account", "run_id", "sitting", "collected_at", "changed_at", "first_collected_at"),
    *("failures_collected_at", "failures_counts"),
)
STALLED_AFTER = 5.0
PLAN = Plan(include=frozenset({"failures"}))


def still() -> Clock:
    """One moment, so that two sandboxes have the same data."""
    return Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), speed=0)


@frozen
class Arrival:
    """A request: when it reached the sandbox, for which account, and from which port of a worker."""

    at: float
    account: str
    port: int


class Origin(App):
    """The sandbox's application, which notes each request before anything else is done about it."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.arrivals: list[Arrival] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        account = scope["path"].split("/")[1]
        self.arrivals.append(Arrival(self.state.clock.elapsed(), account, scope["client"][1]))
        await super().__call__(scope, receive, send)


@define
class Drill:
    """Some accounts, their queue, and the workers on it."""

    dsn: str
    key: str
    folder: Path
    sandbox: Sandbox
    origin: Origin
    broadcasts: int
    workers: list[subprocess.Popen[str]] = Factory(list[subprocess.Popen[str]])

    def start_worker(self, dsn: str | None = None, *, concurrency: int = 2) -> subprocess.Popen[str]:
        """A worker as a process of its own; returns when it is about to take jobs."""
        options = ["--concurrency", str(concurrency), "--stalled-after", str(STALLED_AFTER), "--store", dsn or self.dsn]
        with (self.folder / f"worker-{len(self.workers)}.log").open("w") as log:
            worker = subprocess.Popen(
                [sys.executable, "-u", "-m", "ac_sms_async", "fleet", "worker", "--dsn", dsn or self.dsn, *options],
                env=os.environ | {"AC_SMS_FLEET_KEY": self.key},
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def log(self, worker: subprocess.Popen[str]) -> str:
        """What a worker has said."""
        return (self.folder / f"worker-{self.workers.index(worker)}.log").read_text()

    async def until(self, condition: Callable[[], bool], seconds: float = 40.0) -> None:
        """Wait for something that happens in another process."""
        await until(condition, seconds)

    async def until_ready(self, *workers: subprocess.Popen[str]) -> None:
        """Wait until the workers take jobs."""
        await self.until(lambda: all("is ready" in self.log(worker) for worker in workers))

    async def until_requests(self, number: int) -> None:
        """Wait until the sandbox has seen that many requests."""
        await self.until(lambda: self.sandbox.journal.seen >= number)

    async def until_done(self, seconds: float = 60.0) -> None:
        """Wait until all accounts are collected."""
        async with open_database(self.dsn) as database:

            async def done() -> bool:
                return {account.state for account in (await fleet_status(database)).accounts} == {"ok"}

            await until(done, seconds)

    async def until_silent(self, seconds: float) -> None:
        """Wait for a moment at which the last request is so long ago."""
        clock = self.sandbox.clock
        await self.until(lambda: clock.elapsed() - self.origin.arrivals[-1].at >= seconds)

    async def check(self, *, without: Collection[Arrival] = ()) -> int:
        """All rows are there, as an undisturbed run finds them, and no account saw more than 5 requests in any second.

        Returns how many requests an undisturbed run takes.
        """
        for name in self.sandbox.accounts:
            mine = [arrival for arrival in self.origin.arrivals if arrival.account == name]
            times = [arrival.at for arrival in mine if arrival not in without]
            # With the moments and the ports: was it a takeover, a new connection, or a machine that stood still?
            assert most_in_a_second(times) <= LIMIT, (name, [(round(arrival.at, 3), arrival.port) for arrival in mine])
        async with await open_store(self.dsn) as store:
            found = {name: await rows(store, name) for name in self.sandbox.accounts}
        # The same data once more, without a limit and without a fleet.
        with Sandbox(accounts=list(found), broadcasts=self.broadcasts, rate_limit=None, clock=still()) as calm:
            for name, access in calm.accounts.items():
                async with (
                    await open_store(self.folder / f"{name}.sqlite") as store,
                    SMSClient(access.url, access.token, account=name, rate_limit=None) as sms,
                ):
                    assert (await collect(sms, store, window=PLAN.window, include=PLAN.include)).status == "complete"
                    assert found[name] == await rows(store, name)
            return calm.journal.seen

    def requests(self) -> int:
        """How many requests the sandbox has seen."""
        return self.sandbox.journal.seen

    def stop(self) -> None:
        """End all workers."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(15)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


async def rows(store: Store, account: str) -> dict[str, list[Any]]:
    """What was collected of an account, without what each run adds of its own."""
    return {
        name: await store.read(
            f"SELECT {', '.join(column for column in table(name).names if column not in OURS)} FROM {name} "
            f"WHERE account = ? ORDER BY {', '.join(column for column in table(name).key if column != 'account')}",
            (account,),
        )
        for name in TABLES
    }


@asynccontextmanager
async def drill(
    dsn: str, key: str, folder: Path, *, accounts: int = 4, broadcasts: int = 40
) -> AsyncGenerator[Drill, None]:
    """A fleet whose accounts wait in the queue; some eight seconds of work for each of them."""
    sandbox = Sandbox(accounts=[f"account-{n}" for n in range(accounts)], broadcasts=broadcasts, clock=still())
    sandbox.app = origin = Origin(sandbox.state)
    with sandbox:
        async with open_database(dsn) as database:
            await install(database)
            for name, access in sandbox.accounts.items():
                await add_account(database, name, access.url, token=access.token, vault=Vault(key), plan=PLAN)
            await enqueue(database)
        running = Drill(dsn, key, folder, sandbox, origin, broadcasts)
        try:
            yield running
        finally:
            await anyio.to_thread.run_sync(running.stop)
