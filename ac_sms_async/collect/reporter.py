"""Tells the caller how far a run has come, but not more often than a screen can show."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from ac_sms_async.collect.ledger import Ledger
from ac_sms_async.collect.result import Progress
from ac_sms_async.options import refuse_async

__all__ = ["OnProgress", "Reporter"]

OnProgress = Callable[[Progress], None]

_INTERVAL = 0.2
"""Seconds between two calls: each costs a query."""


class Reporter:
    """Calls `on_progress` with what the ledger counts."""

    def __init__(self, ledger: Ledger, account: str, on_progress: OnProgress | None) -> None:
        refuse_async("on_progress", on_progress)
        self._ledger = ledger
        self._account = account
        self._on_progress = on_progress
        self._began = anyio.current_time()
        self._last = float("-inf")
        self._expected: int | None = None
        self._found = 0

    @property
    def elapsed(self) -> float:
        """Seconds since this sitting began."""
        return anyio.current_time() - self._began

    def listed(self, found: int, expected: int | None) -> None:
        """How many broadcasts were found so far, and how many there will be, as the server says."""
        self._found, self._expected = found, expected

    async def step(self, *, last: bool = False) -> None:
        """Something was saved."""
        if self._on_progress is None or not (last or self.elapsed - self._last >= _INTERVAL):
            return
        self._last = self.elapsed
        tally = await self._ledger.tally()
        total, done = tally.total, tally.done
        self._on_progress(
            Progress(
                account=self._account,
                elapsed=self.elapsed,
                broadcasts=self._found,
                expected=self._expected,
                metrics_done=done.get("metrics", 0),
                metrics_total=total.get("metrics", 0),
                failures_done=done.get("failures", 0),
                failures_total=total.get("failures", 0),
                recipients_done=done.get("recipients", 0),
                recipients_total=total.get("recipients", 0),
                recipients=tally.recipients,
                recipients_expected=tally.recipients_expected,
                failed=tally.failed,
            )
        )
