"""One call: attempts with pauses between them, until there is an answer, a reason to give up, or no time left."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

import anyio

from ac_sms_async.budget.start import Start
from ac_sms_async.errors import (
    APIStatusError,
    BudgetUnavailableError,
    DeadlineExceededError,
    RequestInfo,
    SMSError,
    TransportError,
)
from ac_sms_async.lowlevel.types import Request
from ac_sms_async.options import Priority, RetryPolicy
from ac_sms_async.transport.account import LONGEST_PAUSE
from ac_sms_async.transport.admission import Admission
from ac_sms_async.transport.backends import Exchange, WireRequest
from ac_sms_async.transport.backends.decompression import decompress, decompressor
from ac_sms_async.transport.backends.headers import request_id
from ac_sms_async.transport.bodies import ERROR_BODY_LIMIT, status_error
from ac_sms_async.transport.capture import capturing
from ac_sms_async.transport.core import Core, logger
from ac_sms_async.transport.retry import PAUSE_WITHOUT_HINT, backoff, is_retryable, may_have_applied
from ac_sms_async.transport.stopwatch import Stopwatch, in_words
from ac_sms_async.transport.telling import Telling

__all__ = ["Call"]

ERROR_BODY_SECONDS = 5.0
"""An error's body is worth no longer a wait than this: its status says most."""


class Call:
    """The state of one call, from its first attempt to its end."""

    __slots__ = (
        "_admission",
        "_core",
        "_granted",
        "_headers",
        "_on_the_wire",
        "_priority",
        "_request",
        "_retry",
        "_seconds",
        "_start",
        "_started",
        "_telling",
        "_watch",
        "_wire",
        "attempts",
        "deadline",
        "status",
    )

    _start: Start

    def __init__(
        self,
        core: Core,
        request: Request[Any],
        wire: WireRequest,
        retry: RetryPolicy,
        seconds: float,
        priority: Priority,
    ) -> None:
        self._core = core
        self._priority: Priority = priority
        self._request = request
        self._wire = wire
        self._retry = retry
        self._started = core.clock()
        self._on_the_wire: Exchange | None = None
        self._headers: Mapping[str, str] | None = None
        self._granted = self._started
        self._seconds = seconds
        self._watch = Stopwatch(self._started)
        self.deadline: float = self._started + seconds
        self._admission = Admission(core, request, seconds, self.deadline, retry, priority, self._watch)
        self.attempts: int = 0
        self.status: int | None = None
        self._telling = Telling(core, request, seconds)

    async def run(self, *, streamed: bool = False) -> tuple[Exchange, bytes]:
        """Attempts, until one is a success: its exchange and its body.

        With `streamed` the body is still to come, and the exchange and its slot are the caller's to close and release.
        """
        while True:
            try:
                return await self._attempt(streamed)
            except SMSError as error:
                failure = error
                # Here, so that what the policy raises says what it was asked about.
                delay = self._delay_after(error)
            if delay is None:
                raise failure
            # Known from here on as the reason, should the deadline pass.
            self._admission.cause = failure
            self._telling.retry(failure, self.attempts, self.status, delay)
            await self._rest(delay)

    async def _rest(self, seconds: float) -> None:
        core = self._core
        now = core.clock()
        self._watch.enter("backoff", now)
        until = now + seconds
        turn = core.resting.join()
        try:
            while now < until:
                await turn.sleep(until - now)
                core.check_open()
                now = core.clock()
                self._admission.refuse_long_pause(now)
        finally:
            core.resting.leave(turn)

    async def _attempt(self, streamed: bool) -> tuple[Exchange, bytes]:
        core = self._core
        clock = core.clock
        arrived = clock()
        self._watch.enter("queue", arrived)
        self.status = self._headers = None
        admission = self._admission
        admission.enter(arrived)
        await core.slots.acquire(admission.decide_in_queue, self._priority)
        keep_slot = False
        exchange = None
        error: SMSError | None = None
        ready = started = clock()
        try:
            self._watch.enter("budget", ready)
            admission.enter_line(ready, has_waited=ready > arrived)
            self._start = await core.account.budget.start(clock, self._decide_in_line, self._priority)
            self._see_budget()
            if core.before_start is not None:
                core.before_start()
            self._granted = started = clock()
            self._watch.enter("connect", started)
            exchange = core.backend.exchange(self._wire)
            self.attempts += 1
            self._on_the_wire = exchange
            await exchange.start(self)
            self._start.settle(sent=True)
            self._watch.enter("read", clock())
            self.status = status = exchange.status
            self._headers = exchange.headers
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
            if (capture := capturing()) is not None:
                capture.add(core, self.about_request, exchange, None if streamed else body)
            self._admission.learn(clock() - started)
        except SMSError as failed:
            error = failed
            raise
        else:
            return exchange, body
        finally:
            # First everything that needs no waiting, so that nothing is lost whatever is cancelled.
            if not keep_slot:
                # Who was refused with its slot in hand says nothing of how long others will hold theirs.
                core.slots.release(None if exchange is None else clock() - ready)
            if exchange is not None:
                self._start.settle(sent=exchange.sent)
                if core.is_observed or logger.isEnabledFor(logging.DEBUG):
                    self._telling.attempt(
                        exchange,
                        error,
                        attempt=self.attempts,
                        status=self.status,
                        priority=self._priority,
                        queued=ready - arrived,
                        paced=started - ready,
                        duration=clock() - started,
                    )
                if not keep_slot:
                    await exchange.aclose()

    def opening(self) -> None:
        """The backend opens a connection first."""
        self._start.opening()

    def writing(self) -> None:
        """The backend writes the request."""
        self._start.writing()
        self._watch.enter("write", self._core.clock())

    def written(self) -> None:
        """The backend has handed over all of it."""
        self._watch.enter("wait", self._core.clock())

    def _decide_in_line(self, now: float, wait: float) -> None:
        self._see_budget()
        self._admission.decide_in_line(now, wait)

    def _see_budget(self) -> None:
        """Tell where what keeps the budget is gone, or there again."""
        core = self._core
        is_degraded = core.account.budget.is_degraded
        if is_degraded != core.is_degraded:
            core.is_degraded = is_degraded
            self._telling.budget(is_degraded=is_degraded)

    async def _status_error(self, exchange: Exchange) -> APIStatusError:
        body = b""
        with anyio.move_on_after(ERROR_BODY_SECONDS):
            try:
                body = await exchange.read(ERROR_BODY_LIMIT)
                body = decompress(body, exchange.headers.get("content-encoding", ""), ERROR_BODY_LIMIT)
            except TransportError:
                # The status says most, and it has come.
                body = b""
        if (capture := capturing()) is not None:
            capture.add(self._core, self.about_request, exchange, body)
        if exchange.status < 500 and exchange.status not in (408, 429):
            self._admission.learn(self._core.clock() - self._granted)
        return status_error(exchange.status, exchange.headers, body, self._core.redact)

    def _delay_after(self, failure: SMSError) -> float | None:
        """Seconds until the next attempt, or None if there is none. A 429 pauses the account in any case."""
        core = self._core
        self._on_the_wire = None
        delay = backoff(self._retry, self.attempts, core.random)
        asked = None
        if isinstance(failure, APIStatusError):
            asked = failure.retry_after
            # Not if there was no answer, and it only says that the pause of another one's is too long.
            if failure.status == self.status == 429:
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
        if self._retry.only_if is not None:
            self.failed(failure)
            if not self._retry.only_if(failure):
                return None
        return delay

    def _pause_account(self, seconds: float) -> None:
        core = self._core
        if core.account.pause(core.clock(), seconds):
            # A pause gone mad is cut short; what is told is what is kept.
            self._telling.pause(min(seconds, LONGEST_PAUSE))

    def out_of_time(self) -> DeadlineExceededError:
        """The error for a call whose deadline passed, with what went wrong before as its cause."""
        now = self._core.clock()
        if self._on_the_wire is not None and self._on_the_wire.sent:
            waited = now - self._granted
            # It takes longer than that; how much, nobody knows. One that had all the time says that it isn't enough.
            had_all = waited >= 0.9 * self._seconds
            self._admission.learn(
                math.nextafter(self._seconds, math.inf) if had_all else min(2 * waited, self._seconds)
            )
        in_line = self._watch.phase == "budget"
        spent = self._watch.spent(now)
        text, kind = f"the deadline of {self._seconds:g} s passed: {in_words(spent)}", DeadlineExceededError
        if in_line and self._core.account.budget.is_degraded:
            text, kind = f"{text}; the database that keeps it doesn't answer", BudgetUnavailableError
        error = kind(text, spent=spent)
        error.__cause__ = self._admission.cause
        error.maybe_applied = self._was_handed_over()
        return error

    def _was_handed_over(self) -> bool:
        """Whether it is a write of which something was sent, and nothing has come that says it wasn't done."""
        on_the_wire = self._on_the_wire
        status = self.status
        return (
            on_the_wire is not None
            and on_the_wire.sent
            and not self._request.retry_safe
            and (status is None or 200 <= status < 300 or status == 408 or status >= 500)
        )

    @property
    def about_request(self) -> RequestInfo:
        """Which request it is, for errors and answers."""
        request = self._request
        return RequestInfo(request.method, request.path, request.operation_id or None)

    def failed(self, error: SMSError) -> None:
        """The call ends in this error: let it say which call that was."""
        error.about(
            self.about_request,
            attempts=self.attempts,
            maybe_applied=error.maybe_applied or may_have_applied(error, retry_safe=self._request.retry_safe),
            request_id=None if self._headers is None else request_id(self._headers, self._core.redact),
        )

    def finished(self, error: BaseException | None) -> None:
        """The call has ended, in whatever way."""
        maybe_applied = False
        if isinstance(error, SMSError):
            maybe_applied = error.maybe_applied
        elif error is not None and self._was_handed_over():
            # What cancels a call has no room for it.
            maybe_applied = True
            self._telling.cut_off(error)
        self._telling.end(
            error,
            attempts=self.attempts,
            status=self.status,
            started=self._started,
            maybe_applied=maybe_applied,
        )
