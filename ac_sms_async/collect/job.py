"""The bulk job: everything of one account, or of several, into a store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import cast

import anyio

from ac_sms_async.client import SMSClient
from ac_sms_async.collect import runs
from ac_sms_async.collect.ledger import Ledger
from ac_sms_async.collect.reporter import OnProgress, Reporter
from ac_sms_async.collect.result import RunResult, RunStatus
from ac_sms_async.collect.source import ClientSource, Source
from ac_sms_async.collect.stages import Stages
from ac_sms_async.collect.store import Store, StoreBusyError
from ac_sms_async.collect.window import Detail, Window, details
from ac_sms_async.errors import ConfigurationError, SMSError

__all__ = ["collect", "collect_accounts", "collect_source"]

_TO_SAY_GOODBYE = 5.0
"""Seconds that a cancelled run may take to note that it was interrupted."""


async def collect(
    sms: SMSClient,
    store: Store,
    *,
    window: Window | None = None,
    include: Collection[Detail] = (),
    on_progress: OnProgress | None = None,
    fresh: bool = False,
    exclusive: bool = True,
) -> RunResult:
    """Collect an account's broadcasts, metrics, snapshot and credits into `store`; goes on with an unfinished run.

    `window` says which broadcasts (None: all), `include` which details beside the metrics: `"failures"` (groups by
    error code, a request for each broadcast with failures) and `"recipients"` (with replies, a request for each hundred
    of them). `on_progress` is called as it goes. `fresh=True` begins anew instead of resuming; `exclusive=False` does
    not hold the account in the store (where something else sees to it that nobody else collects it).

    Returns how it ended, also when the account was out of reach (`.status`, `.error`). Raises `ConfigurationError` for
    bad arguments, `StoreError` when the store fails (`StoreBusyError` when another process has the account). It may be
    cancelled at any moment; calling it again goes on.
    """
    include, window = details(include), window or Window()
    source = ClientSource(sms)
    return await collect_source(
        source, store, window, include, on_progress=on_progress, fresh=fresh, exclusive=exclusive
    )


async def collect_accounts(
    clients: Iterable[SMSClient],
    store: Store,
    *,
    window: Window | None = None,
    include: Collection[Detail] = (),
    on_progress: OnProgress | None = None,
    fresh: bool = False,
) -> list[RunResult]:
    """Collect several accounts at once, each within its own budget; none waits for another.

    Returns a result for each client, in order. What `collect` raises for one account becomes that account's failed
    result; a `StoreError` ends all of them.
    """
    include = details(include)
    given = list(clients)
    results: dict[int, RunResult] = {}

    async def run(place: int, sms: SMSClient) -> None:
        try:
            results[place] = await collect(
                sms, store, window=window, include=include, on_progress=on_progress, fresh=fresh
            )
        except (ConfigurationError, StoreBusyError) as error:
            results[place] = _not_begun(ClientSource(sms).account, error)

    async with anyio.create_task_group() as group:
        for place, sms in enumerate(given):
            group.start_soon(run, place, sms)
    return [results[place] for place in range(len(given))]


async def collect_source(
    source: Source,
    store: Store,
    window: Window,
    include: frozenset[Detail],
    *,
    on_progress: OnProgress | None = None,
    fresh: bool = False,
    exclusive: bool = True,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RunResult:
    """`collect`, from anything that gives rows."""
    account = source.account
    async with AsyncExitStack() as stack:
        if exclusive:
            await stack.enter_async_context(store.exclusive(account))
        run = await runs.begin(store, account, source.url, window, include, now=now(), fresh=fresh)
        ledger = Ledger(store, account, run, include, now)
        reporter = Reporter(ledger, account, on_progress)
        try:
            error = await Stages(source, ledger, run, window, reporter).run()
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_TO_SAY_GOODBYE, shield=True):
                await runs.finish(store, account, run, "interrupted", None, now=now())
            raise
        if error is not None and (isinstance(error, ConfigurationError) or not isinstance(error, SMSError)):
            # A mistake in the call, in the store or in here: the run stays unfinished, to be gone on with.
            raise error
        status: RunStatus = "complete"
        if error is not None:
            status = "failed"
        elif (await ledger.tally()).failed:
            status = "partial"
        await reporter.step(last=True)
        finished = now()
        counts = await runs.finish(store, account, run, status, None if error is None else str(error), now=finished)
        return RunResult(
            run_id=run.run_id,
            account=account,
            status=status,
            resumed=run.resumed,
            started_at=run.started_at,
            finished_at=finished,
            seconds=reporter.elapsed,
            error=error,
            **cast("dict[str, int]", dict(zip(runs.RUN_COUNTS, counts, strict=True))),
        )


def _not_begun(account: str, error: Exception) -> RunResult:
    now = datetime.now(UTC)
    counts = dict.fromkeys(runs.RUN_COUNTS, 0)
    return RunResult(
        run_id="",
        account=account,
        status="failed",
        resumed=False,
        started_at=now,
        finished_at=now,
        seconds=0.0,
        error=error,
        **counts,
    )
