"""What a call tells of itself while it goes on: its log lines, and its events where somebody listens."""

from __future__ import annotations

from typing import Any, TypedDict

from ac_sms_async.errors import SMSError
from ac_sms_async.lowlevel.types import Request
from ac_sms_async.options import Priority
from ac_sms_async.transport.backends import Exchange
from ac_sms_async.transport.core import Core, logger
from ac_sms_async.transport.events import (
    AccountPaused,
    AttemptFinished,
    BudgetDegraded,
    BudgetRestored,
    CallFinished,
    CallStarted,
    RetryScheduled,
)

__all__ = ["Telling"]


class _About(TypedDict):
    call_id: int
    account: str
    base_url: str
    operation_id: str
    method: str
    path: str


class Telling:
    """Of one call. Each method writes what belongs into the log, and emits an event where there is an `on_event`."""

    __slots__ = ("_about", "_core", "_request")

    def __init__(self, core: Core, request: Request[Any], seconds: float) -> None:
        self._core = core
        self._request = request
        self._about: _About | None = None
        if core.is_observed:
            self._about = {
                "call_id": core.next_call_id(),
                "account": core.account_key,
                "base_url": core.base_url,
                "operation_id": request.operation_id,
                "method": request.method,
                "path": request.path,
            }
            core.emit(CallStarted(**self._about, deadline=seconds))

    def retry(self, failure: SMSError, attempt: int, status: int | None, delay: float) -> None:
        """Another attempt follows, `delay` seconds from now."""
        request = self._request
        logger.info("%s %s: trying again in %.1f s, after %s", request.method, request.path, delay, failure)
        if self._about is not None:
            self._core.emit(
                RetryScheduled(**self._about, attempt=attempt, status=status, error=type(failure).__name__, delay=delay)
            )

    def pause(self, seconds: float) -> None:
        """The account is paused."""
        logger.warning("%s answered 429: nothing is sent to it for %.1f s", self._core.account_key, seconds)
        if self._about is not None:
            self._core.emit(AccountPaused(**self._about, seconds=seconds))

    def budget(self, *, is_degraded: bool) -> None:
        """What keeps the budget is gone, or there again."""
        if self._about is not None:
            self._core.emit((BudgetDegraded if is_degraded else BudgetRestored)(**self._about))

    def attempt(
        self,
        exchange: Exchange,
        error: SMSError | None,
        *,
        attempt: int,
        status: int | None,
        priority: Priority,
        queued: float,
        paced: float,
        duration: float,
    ) -> None:
        """An attempt has ended: with an answer, or in an error."""
        request = self._request
        outcome = status if error is None or status is not None else type(error).__name__
        logger.debug(
            "%s %s: %s in %.0f ms (attempt %d)", request.method, request.path, outcome, duration * 1000, attempt
        )
        if self._about is not None:
            self._core.emit(
                AttemptFinished(
                    **self._about,
                    attempt=attempt,
                    status=status,
                    error=None if error is None else type(error).__name__,
                    priority=priority,
                    queued=queued,
                    paced=paced,
                    duration=duration,
                    rate_limit=_number(exchange.headers.get("ratelimit-limit")),
                    rate_remaining=_number(exchange.headers.get("ratelimit-remaining")),
                )
            )

    def cut_off(self, error: BaseException) -> None:
        """A write was ended from outside after it was handed over: what ended it has no room to say so."""
        logger.warning(
            "%s %s was ended by %s when it had been handed over, or partly: it may have taken effect",
            self._request.method,
            self._request.path,
            type(error).__name__,
        )

    def end(
        self, error: BaseException | None, *, attempts: int, status: int | None, started: float, maybe_applied: bool
    ) -> None:
        """The call has ended, in whatever way."""
        if self._about is not None:
            self._core.emit(
                CallFinished(
                    **self._about,
                    attempts=attempts,
                    status=status,
                    error=type(error).__name__ if isinstance(error, Exception) else None,
                    cancelled=error is not None and not isinstance(error, Exception),
                    duration=self._core.clock() - started,
                    maybe_applied=maybe_applied,
                )
            )


def _number(header: str | None) -> int | None:
    return int(header) if header is not None and header.isascii() and header.isdigit() else None
