"""How a run goes, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

__all__ = ["Progress", "RunResult", "RunStatus"]

RunStatus = Literal["complete", "partial", "failed"]

_EXIT_CODES: dict[RunStatus, int] = {"complete": 0, "failed": 1, "partial": 3}


@frozen(kw_only=True)
class Progress:
    """How far this sitting of a run has come. What there is to do may grow while the list is read."""

    account: str
    elapsed: float
    """Seconds since this sitting began."""
    broadcasts: int = 0
    """Broadcasts found so far."""
    expected: int | None = None
    """How many there will be, as the server says, or None while it has not said."""
    metrics_done: int = 0
    metrics_total: int = 0
    failures_done: int = 0
    failures_total: int = 0
    recipients_done: int = 0
    """Broadcasts whose recipients are fetched, of `recipients_total`."""
    recipients_total: int = 0
    recipients: int = 0
    """Rows of recipients fetched."""
    recipients_expected: int = 0
    """Rows of recipients that there will be, by the counts of the broadcasts that want theirs fetched so far."""
    failed: int = 0


@frozen(kw_only=True)
class RunResult:
    """How a run ended: `complete`, `partial` (something is owed or was left out), or `failed` (it could not go on).

    `complete` means that each row equals a state which the server had during this sitting, as far as window and details
    reach, and that nothing is owed. After `failed`, run the same again: what it had not fetched comes first. After
    `partial`, the next run fetches what is owed beside its own work.
    """

    run_id: str
    account: str
    status: RunStatus
    resumed: bool
    """True when this went on with an unfinished run."""
    started_at: datetime
    finished_at: datetime
    seconds: float
    """How long this sitting took."""
    broadcasts: int
    metrics: int
    missing: int
    """Broadcasts that the server left out of its metrics answer (drafts, for the most part)."""
    failure_groups: int
    recipients: int
    replies: int
    failed: int
    """Ids that are owed; the store's `failed_ids` says which and why."""
    reasons: tuple[str, ...] = ()
    """Why a run is partial, in words: what is owed, what was left out."""
    error: Exception | None = None
    """What ended a failed run: an `SMSError` for the most part."""

    @property
    def exit_code(self) -> int:
        """What a command should exit with: 0 complete, 3 partial, 1 failed."""
        return _EXIT_CODES[self.status]
