"""A worker process: takes jobs from the queue as long as it lives, and begins anew when the database was gone."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import anyio
import psycopg
from attrs import field, frozen
from procrastinate.exceptions import ConnectorException

from ac_sms_async.collect.store.protocol import StoreError
from ac_sms_async.fleet.accounts import find_accounts
from ac_sms_async.fleet.app import make_app
from ac_sms_async.fleet.database import Database, complete_dsn, open_database
from ac_sms_async.fleet.errors import FleetError, WorkerUnfitError
from ac_sms_async.fleet.fence import FencedJobManager
from ac_sms_async.fleet.install import check
from ac_sms_async.fleet.job import Backend, Collector
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.queue import COLLECT, QUEUE, recover_stalled
from ac_sms_async.fleet.stores import Stores
from ac_sms_async.fleet.vault import Vault

__all__ = ["Worker"]

logger: logging.Logger = logging.getLogger("ac_sms_async.fleet")

_LONGEST_WAIT = 30.0
_BETWEEN_LOOKS = 0.5
_BETWEEN_ASKING = 1.0
"""Seconds: nobody is told of jobs that go back into the queue, so a worker with a free place asks for them."""
_TO_NOTICE = 0.1


@frozen(kw_only=True)
class Worker:
    """How a worker works.

    `concurrency` is how many accounts it collects at once; `store` the DSN of the store (by default the fleet's own
    database). A worker that was silent for `stalled_after` seconds (at least 5) counts as dead, and its accounts go to
    others. With `drain` it ends once no account is collected anywhere in the fleet, and none waits that it can collect.
    `vault` is made from the environment when first needed, unless given.
    """

    dsn: str
    store: str | None = None
    vault: Vault | None = None
    concurrency: int = 100
    backend: Backend = "httpx"
    stalled_after: float = 30.0
    drain: bool = False
    connections: int = 4
    name: str = field(factory=lambda: f"{socket.gethostname()}:{os.getpid()}")

    async def run(self, *, ready: Callable[[], object] | None = None) -> None:
        """Work until cancelled: jobs under way then go back into the queue, and others go on with them.

        `ready` is called each time the worker is about to take jobs. Raises `FleetError` or `StoreError` where at
        the start a database is out of reach, is of another release, or has a pooler between that no lock survives, or
        where no account can be opened by this worker's keys and variables; later it waits.
        """
        if self.stalled_after < 5:
            raise FleetError("stalled_after must be at least 5 seconds: a lease has to outlast a slow heartbeat")
        wait, worked = 1.0, False
        while True:
            try:
                async with (
                    open_database(self.dsn, size=self.connections) as database,
                    Stores(complete_dsn(self.store or self.dsn), size=self.connections) as stores,
                ):
                    await check(database)
                    await self._see_fit(database)
                    # What is wrong with the store, or between here and there, shows now and not with each account.
                    await stores.get()
                    wait, worked = 1.0, True
                    if await self._session(database, stores, ready):
                        return
                    logger.warning("this worker begins anew, under another name")
            except (FleetError, StoreError, ConnectorException, psycopg.Error) as error:
                if not worked:
                    raise
                logger.warning("the database is out of reach, trying again in %.0f s: %s", wait, error)
            await anyio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _see_fit(self, database: Database) -> None:
        """A worker that can open no account would only be in the way of others; one that can't open some says so."""
        accounts, unfit = await find_accounts(database), dict[str, str]()
        for account in accounts:
            try:
                account.token(self.vault)
            except FleetError as error:
                unfit[account.name] = str(error)
        for some in (
            accounts,
            # With one key all of them were encrypted, or the key is wrong.
            [account for account in accounts if account.sealed is not None and self.vault is not None],
        ):
            if some and all(account.name in unfit for account in some):
                raise WorkerUnfitError(f"this worker can open no account: {unfit[some[0].name]}")
        _tell_left(unfit)

    async def _session(self, database: Database, stores: Stores, ready: Callable[[], object] | None) -> bool:
        """Be a worker under one id until that ends; returns whether there is nothing left to do."""
        lease = Lease(self.stalled_after)
        collector = Collector(database, stores, lease, self.vault, self.backend, self.name)
        app = make_app(collector, FencedJobManager(database, lease))
        beat = self.stalled_after / 6
        working = asyncio.create_task(
            app.run_worker_async(
                queues=[QUEUE],
                name=self.name,
                concurrency=self.concurrency,
                fetch_job_polling_interval=_BETWEEN_ASKING,
                install_signal_handlers=False,
                update_heartbeat_interval=beat,
                stalled_worker_timeout=self.stalled_after,
                # Jobs can be interrupted at any moment; others go on with them.
                shutdown_graceful_timeout=0,
                delete_jobs="never",
            )
        )
        others = [_task(lease.wait_lost()), _task(self._recover(database, beat))]
        if self.drain:
            others.append(_task(_drained(database, collector.unfit)))
        ends = [working, *others]
        if ready is not None:
            ready()
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            drained = self.drain and others[-1].done()
        finally:
            with anyio.CancelScope(shield=True):
                if lease.lost:
                    logger.warning("this worker was silent for too long: it lets go of its accounts")
                    # What waits for an answer on a dead network would wait for minutes; and what is cancelled before it
                    # sees that the connection is gone would ask the server first, for seconds.
                    database.abort()
                    stores.abort()
                    await anyio.sleep(_TO_NOTICE)
                for task in ends:
                    # Once: a second time would break off the worker's own orderly end.
                    task.cancel()
                await asyncio.wait(ends)
        if lease.lost:
            return False
        for task in ends:
            if not task.cancelled():
                # Raises what ended it.
                task.result()
        return drained

    async def _recover(self, database: Database, every: float) -> None:
        """Look after the jobs of dead workers. No job itself: that one would be lost with its worker, too."""
        while True:
            recovered = await recover_stalled(database, self.stalled_after)
            if recovered:
                logger.warning("%d jobs of dead workers are back in the queue", recovered)
            await anyio.sleep(every)


def _tell_left(unfit: Mapping[str, str]) -> None:
    for name, why in list(unfit.items())[:1]:
        logger.warning("%d accounts are left to other workers, such as %s: %s", len(unfit), name, why)


async def _drained(database: Database, unfit: Mapping[str, str]) -> None:
    """Return when no account is being collected, and none waits whose time has come and that isn't left to others."""
    while await database.rows(  # noqa: ASYNC110 - it happens in another process
        "SELECT 1 FROM procrastinate_jobs WHERE task_name = %s AND (status = 'doing' OR status = 'todo' "
        "AND (scheduled_at IS NULL OR scheduled_at <= now()) AND args->>'account' <> ALL(%s)) LIMIT 1",
        (COLLECT, list(unfit)),
    ):
        await anyio.sleep(_BETWEEN_LOOKS)
    _tell_left(unfit)


def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)
