"""One call: attempts with pauses between them, until there is an answer, a reason to give up, or no time left."""

from __future__ import annotations

import logging
from typing import Any, TypedDict

import anyio

from ac_sms_async.errors import (
    APIStatusError,
    DeadlineExceededError,
    RateLimitedError,
    RequestInfo,
    SMSError,
    TransportError,
)
from ac_sms_async.lowlevel.types import Request
from ac_sms_async.options import RetryPolicy
from ac_sms_async.transport.backends import Exchange, WireRequest
from ac_sms_async.transport.backends.decompression import decompress, decompressor
from ac_sms_async.transport.bodies import ERROR_BODY_LIMIT, status_error
from ac_sms_async.transport.core import Core, logger
from ac_sms_async.transport.events import AccountPaused, AttemptFinished, CallFinished, CallStarted, RetryScheduled
from ac_sms_async.transport.retry import PAUSE_WITHOUT_HINT, backoff, is_retryable, may_have_applied

__all__ = ["Call"]

ERROR_BODY_SECONDS = 5.0
"""An error's body is worth no longer a wait than this: its status says most."""


class _About(TypedDict):
    call_id: int
    account: str
    base_url: str
    operation_id: str
    method: str
    path: str


class Call:
    """The state of one call, from its first attempt to its end."""

    __slots__ = (
        "_about",
        "_core",
        "_error",
        "_on_the_wire",
        "_request",
        "_retry",
        "_started",
        "_wire",
        "attempts",
        "deadline",
        "status",
    )

    def __init__(
        self, core: Core, request: Request[Any], wire: WireRequest, retry: RetryPolicy, seconds: float
    ) -> None:
        self._core = core
        self._request = request
        self._wire = wire
        self._retry = retry
        self._started = core.clock()
        self._error: SMSError | None = None
        self._on_the_wire: Exchange | None = None
        self._about: _About | None = None
        self.deadline: float = self._started + seconds
        self.attempts: int = 0
        self.status: int | None = None
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

    async def run(self, *, streamed: bool = False) -> tuple[Exchange, bytes]:
        """Attempts, until one is a success: its exchange and its body.

        With `streamed` the body is still to come, and the exchange and its slot are the caller's to close and release.
        """
        while True:
            try:
                return await self._attempt(streamed)
            except SMSError as error:
                failure = error
            delay = self._delay_after(failure)
            if delay is None:
                raise failure
            # Known from here on as the reason, should the deadline pass.
            self._error = failure
            logger.info(
                "%s %s: trying again in %.1f s, after %s", self._wire.method, self._request.path, delay, failure
            )
            if self._about is not None:
                self._core.emit(
                    RetryScheduled(
                        **self._about,
                        attempt=self.attempts,
                        status=self.status,
                        error=type(failure).__name__,
                        delay=delay,
                    )
                )
            await anyio.sleep(delay)

    async def _attempt(self, streamed: bool) -> tuple[Exchange, bytes]:
        core = self._core
        clock = core.clock
        arrived = clock()
        await core.slots.acquire()
        keep_slot = False
        exchange = start = None
        self.status = None
        error: SMSError | None = None
        ready = started = clock()
        try:
            core.check_open()
            self._refuse_long_pause(ready)
            start = await core.account.start(clock)
            if core.before_start is not None:
                core.before_start()
            started = clock()
            exchange = core.backend.exchange(self._wire)
            self.attempts += 1
            self._on_the_wire = exchange
            await exchange.start(start)
            start.settle(sent=True)
            self.status = status = exchange.status
            body = b""
            if not 200 <= status < 300:
                raise await self._status_error(exchange)
            if streamed:
                # Refuse what cannot be unpacked while there is still somebody to close it.
                decompressor(exchange.headers.get("content-encoding", ""))
                keep_slot = True
            else:
                body = await exchange.read()
                encoding = exchange.headers.get("content-encoding")
                if encoding is not None:
                    body = decompress(body, encoding)
        except SMSError as failed:
            error = failed
            raise
        else:
            return exchange, body
        finally:
            # First everything that needs no waiting, so that nothing is lost whatever is cancelled.
            if not keep_slot:
                core.slots.release()
            if exchange is not None and start is not None:
                start.settle(sent=exchange.sent)
                if self._about is not None or logger.isEnabledFor(logging.DEBUG):
                    self._tell_attempt(exchange, error, ready - arrived, started - ready, clock() - started)
                if not keep_slot:
                    await exchange.aclose()

    def _refuse_long_pause(self, now: float) -> None:
        """Fail at once where the account is paused for longer than this call can or wants to wait."""
        pause = self._core.account.paused_until - now
        if pause > 0 and (pause > self._retry.max_retry_after or now + pause >= self.deadline):
            raise RateLimitedError(
                f"the account is paused for another {pause:.1f} s, because the server answered 429",
                status=429,
                retry_after=pause,
            )

    async def _status_error(self, exchange: Exchange) -> APIStatusError:
        body = b""
        with anyio.move_on_after(ERROR_BODY_SECONDS):
            try:
                body = await exchange.read(ERROR_BODY_LIMIT)
                body = decompress(body, exchange.headers.get("content-encoding", ""), ERROR_BODY_LIMIT)
            except TransportError:
                # The status says most, and it has come.
                body = b""
        redact = self._core.redact
        headers = {name: redact(value) for name, value in exchange.headers.items()}
        return status_error(exchange.status, headers, redact(body)[:ERROR_BODY_LIMIT])

    def _delay_after(self, failure: SMSError) -> float | None:
        """Seconds until the next attempt, or None if there is none. A 429 pauses the account in any case."""
        core = self._core
        self._on_the_wire = None
        delay = backoff(self._retry, self.attempts, core.random)
        asked = None
        if isinstance(failure, APIStatusError):
            asked = failure.retry_after
            if failure.status == 429:
                delay = asked or max(delay, PAUSE_WITHOUT_HINT)
                self._pause_account(delay)
            elif asked:
                delay = asked
        if (
            self.attempts >= self._retry.max_attempts
            or not is_retryable(failure, retry_safe=self._request.retry_safe)
            or (asked is not None and asked > self._retry.max_retry_after)
            or core.clock() + delay >= self.deadline
        ):
            return None
        return delay

    def _pause_account(self, seconds: float) -> None:
        core = self._core
        if core.account.pause(core.clock(), seconds):
            logger.warning("%s answered 429: nothing is sent to it for %.1f s", core.account_key, seconds)
            if self._about is not None:
                core.emit(AccountPaused(**self._about, seconds=seconds))

    def out_of_time(self) -> DeadlineExceededError:
        """The error for a call whose deadline passed, with what went wrong before as its cause."""
        error = DeadlineExceededError(f"the deadline of {self.deadline - self._started:g} s passed")
        error.__cause__ = self._error
        on_the_wire = self._on_the_wire
        error.maybe_applied = on_the_wire is not None and on_the_wire.sent and not self._request.retry_safe
        return error

    def failed(self, error: SMSError) -> None:
        """The call ends in this error: let it say which call that was."""
        request = self._request
        error.request = RequestInfo(request.method, request.path, request.operation_id or None)
        error.attempts = self.attempts
        error.maybe_applied = error.maybe_applied or may_have_applied(error, retry_safe=request.retry_safe)

    def finished(self, error: BaseException | None) -> None:
        """The call has ended, in whatever way."""
        if self._about is not None:
            self._core.emit(
                CallFinished(
                    **self._about,
                    attempts=self.attempts,
                    status=self.status,
                    # A cancelled call did not fail.
                    error=type(error).__name__ if isinstance(error, Exception) else None,
                    duration=self._core.clock() - self._started,
                )
            )

    def _tell_attempt(
        self, exchange: Exchange, error: SMSError | None, queued: float, paced: float, duration: float
    ) -> None:
        request = self._request
        outcome = self.status if error is None or self.status is not None else type(error).__name__
        logger.debug(
            "%s %s: %s in %.0f ms (attempt %d)", request.method, request.path, outcome, duration * 1000, self.attempts
        )
        if self._about is not None:
            self._core.emit(
                AttemptFinished(
                    **self._about,
                    attempt=self.attempts,
                    status=self.status,
                    error=None if error is None else type(error).__name__,
                    queued=queued,
                    paced=paced,
                    duration=duration,
                    rate_limit=_number(exchange.headers.get("ratelimit-limit")),
                    rate_remaining=_number(exchange.headers.get("ratelimit-remaining")),
                )
            )


def _number(header: str | None) -> int | None:
    return int(header) if header is not None and header.isascii() and header.isdigit() else None
