"""The bulk job: everything of one account, or of several, into a store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import anyio

from ac_sms_async.client import SMSClient
from ac_sms_async.collect import runs
from ac_sms_async.collect.ledger import Ledger
from ac_sms_async.collect.privacy import Privacy
from ac_sms_async.collect.reporter import OnProgress, Reporter
from ac_sms_async.collect.result import RunResult, RunStatus
from ac_sms_async.collect.source import ClientSource, Source
from ac_sms_async.collect.stages import Stages
from ac_sms_async.collect.store.names import held
from ac_sms_async.collect.store.protocol import Store, StoreBusyError, StoreError
from ac_sms_async.collect.window import DETAILS, Detail, Window, details
from ac_sms_async.errors import ConfigurationError, SMSError

__all__ = ["collect", "collect_accounts", "collect_source"]

_log = logging.getLogger("ac_sms_async")

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
    refresh: bool = False,
    keep_personal: timedelta | None = None,
    accept_deletions: bool = False,
    exclusive: bool = True,
) -> RunResult:
    """Collect an account's broadcasts, metrics, snapshot and credits into `store`; goes on with an unfinished run.

    `window` says which broadcasts (None: all), `include` which details beside the metrics: `"failures"` (groups by
    error code, a request for each broadcast with failures) and `"recipients"` (with replies, a request for each hundred
    of them). `on_progress` is called as it goes. `fresh=True` begins anew instead of resuming. `refresh=True` fetches
    details also where a broadcast's counts are those that they were fetched under. `keep_personal` is how long names,
    phone numbers and replies are kept after a message was sent (None: for ever). `accept_deletions=True` believes also
    that very many broadcasts are gone at once. `exclusive=False` does not hold the account in the store (where
    something else sees to it that nobody else collects it).

    Returns how it ended, also when the account was out of reach (`.status`, `.error`). Raises `ConfigurationError` for
    bad arguments, `StoreError` when the store fails (`StoreBusyError` when another process has the account). It may be
    cancelled at any moment; calling it again goes on.
    """
    include, window = details(include), window or Window()
    return await collect_source(
        ClientSource(sms),
        store,
        window,
        include,
        on_progress=on_progress,
        fresh=fresh,
        refresh=refresh,
        keep_personal=keep_personal,
        accept_deletions=accept_deletions,
        exclusive=exclusive,
    )


async def collect_accounts(
    clients: Iterable[SMSClient],
    store: Store,
    *,
    window: Window | None = None,
    include: Collection[Detail] = (),
    on_progress: OnProgress | None = None,
    fresh: bool = False,
    refresh: bool = False,
    keep_personal: timedelta | None = None,
    accept_deletions: bool = False,
) -> list[RunResult]:
    """Collect several accounts at once, each within its own budget; none waits for another. Options as of `collect`.

    Returns a result for each client, in order. Whatever ends one account becomes that account's failed result and
    leaves the others alone; a `StoreError` that ended all of them is raised.
    """
    include = details(include)
    given = list(clients)
    results: dict[int, RunResult] = {}

    async def run(place: int, sms: SMSClient) -> None:
        try:
            results[place] = await collect(
                sms,
                store,
                window=window,
                include=include,
                on_progress=on_progress,
                fresh=fresh,
                refresh=refresh,
                keep_personal=keep_personal,
                accept_deletions=accept_deletions,
            )
        except Exception as error:  # noqa: BLE001 - what one account says ends that account only
            results[place] = _not_begun(ClientSource(sms).account, error)

    async with anyio.create_task_group() as group:
        for place, sms in enumerate(given):
            group.start_soon(run, place, sms)
    ended = [results[place].error for place in range(len(given))]
    broken = [error for error in ended if isinstance(error, StoreError) and not isinstance(error, StoreBusyError)]
    if given and len(broken) == len(given):
        raise broken[0]
    return [results[place] for place in range(len(given))]


async def collect_source(
    source: Source,
    store: Store,
    window: Window,
    include: frozenset[Detail],
    *,
    on_progress: OnProgress | None = None,
    fresh: bool = False,
    refresh: bool = False,
    keep_personal: timedelta | None = None,
    accept_deletions: bool = False,
    exclusive: bool = True,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RunResult:
    """`collect`, from anything that gives rows."""
    account = source.account
    if keep_personal is not None and keep_personal < timedelta(0):
        raise ConfigurationError(f"keep_personal must not be negative, not {keep_personal}")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(held(store, account, source.url, shared=not exclusive))
        spec = window.spec(include)
        run = await runs.begin(store, account, source.url, window, spec, now=now(), zone=source.timezone, fresh=fresh)
        privacy = await Privacy.read(store, account, keep_personal, now())
        ledger = Ledger(store, account, run, include, now, privacy=privacy, refresh=refresh)
        reporter = Reporter(ledger, account, on_progress)
        stages = Stages(source, ledger, window, reporter, accept_deletions=accept_deletions)
        try:
            await ledger.blank_what_must_go()
            error = await stages.run()
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_TO_SAY_GOODBYE, shield=True):
                try:
                    await runs.finish(store, account, run, "interrupted", None, now=now())
                except StoreError as trouble:
                    # Whoever cancelled waits for that; the run is gone on with as one that was killed is.
                    _log.warning("could not note that the run of %s was interrupted: %s", account, trouble)
            raise
        if error is not None and (isinstance(error, ConfigurationError) or not isinstance(error, SMSError)):
            # A mistake in the call, in the store or in here: the run stays unfinished, to be gone on with.
            with suppress(StoreError):
                await runs.finish(store, account, run, "failed", str(error), now=now())
            raise error
        reasons = () if error is not None else await _reasons(ledger, stages)
        owed = sum(count for _, count, _ in await ledger.owed())
        status: RunStatus = "failed" if error is not None else "partial" if reasons else "complete"
        await reporter.step(last=True)
        finished = now()
        said = str(error) if error is not None else "; ".join(reasons) or None
        row = await runs.finish(store, account, run, status, said, owed=owed, whole=stages.whole, now=finished)
        counts = cast("dict[str, Any]", dict(zip(runs.RUN_COUNTS, row, strict=True)))
        return RunResult(
            run_id=run.run_id,
            account=account,
            status=status,
            resumed=run.resumed,
            started_at=run.started_at,
            finished_at=finished,
            seconds=reporter.elapsed,
            reasons=reasons,
            error=error,
            **counts,
        )


async def _reasons(ledger: Ledger, stages: Stages) -> tuple[str, ...]:
    """Why this can't be called complete, in words; nothing where it can."""
    reasons = list(stages.notes)
    for kind, count, error in await ledger.owed():
        what = f"{kind} of {count} broadcasts" if kind in ("metrics", *DETAILS) else f"{kind} ({count})"
        reasons.append(f"owed: {what}, such as: {error}")
    left = await ledger.left()
    if left:
        reasons.append(f"{left} requests were not made")
    return tuple(reasons)


def _not_begun(account: str, error: Exception) -> RunResult:
    now = datetime.now(UTC)
    counts: dict[str, Any] = dict.fromkeys(runs.RUN_COUNTS, 0)
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
