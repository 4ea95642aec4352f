"""What `on_event` gets: one frozen value for each thing that happens on the way, enough for metrics and tracing.

The handler is a plain function, called in the task of the call it is about. What it raises is logged and goes
no further. No event holds a body, a header or the token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen

from ac_sms_async.options import Priority

__all__ = [
    "AccountPaused",
    "AttemptFinished",
    "BudgetDegraded",
    "BudgetRestored",
    "CallFinished",
    "CallStarted",
    "Event",
    "EventHandler",
    "RetryScheduled",
]


@frozen(kw_only=True)
class Event:
    """What all events tell: which call it is about."""

    call_id: int
    """The same number in all events of one call; each call in the process has another."""
    account: str
    """The account: its URL, or what `account=` says."""
    base_url: str
    """The account's URL, without `/api/3`."""
    operation_id: str
    """The operation of the API's document, or `""` for one that it doesn't have."""
    method: str
    path: str
    """The path below `/api/3`, without the query."""


@frozen(kw_only=True)
class CallStarted(Event):
    """A call began; attempts follow."""

    deadline: float
    """How many seconds the call may take in all."""


@frozen(kw_only=True)
class AttemptFinished(Event):
    """One request was answered, or failed."""

    attempt: int
    """1 for the first."""
    status: int | None
    """The answer's HTTP status, or None where none came."""
    error: str | None
    """The name of the error's class, or None for a success."""
    priority: Priority
    """"interactive" calls go before "bulk" ones."""
    queued: float
    """Seconds waited for one of the client's `max_concurrency` slots."""
    paced: float
    """Seconds waited for the account's budget, or for a pause to end."""
    duration: float
    """Seconds from the request's start to the end of its answer (of its headers, for a stream)."""
    rate_limit: int | None
    """The answer's RateLimit-Limit: requests per second that the account may make."""
    rate_remaining: int | None
    """The answer's RateLimit-Remaining: how many are left, those of other programs counted."""


@frozen(kw_only=True)
class RetryScheduled(Event):
    """The request failed and will be tried again."""

    attempt: int
    """The attempt that failed; 1 for the first."""
    status: int | None
    error: str
    """The name of the error's class."""
    delay: float
    """Seconds until then."""


@frozen(kw_only=True)
class AccountPaused(Event):
    """The server answered 429: nobody of the account starts a request for a while."""

    seconds: float
    """How long."""


@frozen(kw_only=True)
class BudgetDegraded(Event):
    """The database that keeps the account's budget doesn't answer: each machine sends very little, or nothing.

    Each client tells it once, in a call that wanted to start a request.
    """


@frozen(kw_only=True)
class BudgetRestored(Event):
    """The database that keeps the account's budget is there again."""


@frozen(kw_only=True)
class CallFinished(Event):
    """A call ended: with a value, with an error, or because it was cancelled."""

    attempts: int
    """How many requests were started."""
    status: int | None
    """The HTTP status of the last answer, or None where none came."""
    error: str | None
    """The name of the error's class, or None where none was raised."""
    duration: float
    """Seconds from the call's start, all waiting included."""
    maybe_applied: bool
    """True when a write may have taken effect and nobody can tell: as its error says, or because it was cancelled after
    it had been handed over, or partly."""
    cancelled: bool = False
    """Whether it was ended from outside, before there was a value or an error: by a cancellation, as a rule."""


EventHandler: TypeAlias = Callable[[Event], object]
