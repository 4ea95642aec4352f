"""Whether a call can still be answered in its time: asked as it comes, while it waits, and when its turn comes."""

from __future__ import annotations

import math
from typing import Any

from ac_sms_async.errors import OverloadedError, RateLimitedError, SMSError
from ac_sms_async.lowlevel.types import Request
from ac_sms_async.options import Priority, RetryPolicy
from ac_sms_async.transport.core import Core
from ac_sms_async.transport.stopwatch import Stopwatch, in_words

__all__ = ["Admission"]

LEAST_HINT = 1.0
"""Seconds: to come back sooner than a budget's window is of no use."""

ASK_AGAIN_AFTER = {True: 10.0, False: 60.0}
"""Seconds after which one call is sent though the latest answers all took longer than it has time: one that is safe to
repeat soon, another when all that was known is old."""

UNKNOWN_ANSWER = 1.0
"""Seconds that a write leaves for its answer while none is known that comes in time; half of its time at most, so that
one that never waited always goes."""


class Admission:
    """Of one call: refuses it, by an error, as soon as it is known that it can't be answered within its seconds.

    `cause` is what its last attempt failed of, which the error names.
    """

    __slots__ = (
        "_asks_again",
        "_core",
        "_deadline",
        "_has_waited",
        "_priority",
        "_request",
        "_retry",
        "_seconds",
        "_watch",
        "cause",
    )

    def __init__(
        self,
        core: Core,
        request: Request[Any],
        seconds: float,
        deadline: float,
        retry: RetryPolicy,
        priority: Priority,
        watch: Stopwatch,
    ) -> None:
        self._core = core
        self._request = request
        self._seconds = seconds
        self._deadline = deadline
        self._retry = retry
        self._priority: Priority = priority
        self._watch = watch
        self._has_waited = False
        self._asks_again = False
        self.cause: SMSError | None = None

    def enter(self, now: float) -> None:
        """An attempt comes, and asks for a slot."""
        self._has_waited = self._asks_again = False
        if not self._core.slots.is_free:
            self._decide(now, self._booked(now))

    def decide_in_queue(self) -> None:
        """Something has changed while it waits for a slot: is it worth to wait on?"""
        self._core.check_open()
        self.refuse_long_pause(self._core.clock())

    def enter_line(self, now: float, *, has_waited: bool) -> None:
        """It has its slot, and asks for a place in the account's budget."""
        self._has_waited = has_waited
        self._decide(now, self._core.account.budget.expected_wait(now, self._priority))

    def decide_in_line(self, now: float, wait: float) -> None:
        """Something has changed while it waits for the budget, for `wait` seconds more: is it worth to wait on?"""
        self._has_waited = True
        self._decide(now, wait)

    def refuse_long_pause(self, now: float) -> None:
        """Fail at once where the account is paused for longer than this call can or wants to wait."""
        pause = self._core.account.budget.paused_until - now
        if pause > 0 and (pause > self._retry.max_retry_after or now + pause >= self._deadline):
            raise RateLimitedError(
                f"the account is paused for another {pause:.1f} s, because the server answered 429",
                status=429,
                retry_after=pause,
            )

    def learn(self, seconds: float) -> None:
        """An answer took so long."""
        account, now = self._core.account, self._core.clock()
        for operation in {self._request.operation_id, ""}:
            account.answers(operation).add(seconds, now)

    def _booked(self, now: float) -> float:
        """The seconds that a call which came now would have to wait. Rather too few."""
        slots, budget, priority = self._core.slots, self._core.account.budget, self._priority
        # Those of its kind that wait for a slot are before it in the account's line, too.
        return max(
            slots.expected_wait() + budget.expected_wait(now, priority),
            budget.expected_wait(now, priority, slots.waiting[priority]),
        )

    def _decide(self, now: float, wait: float) -> None:
        core = self._core
        core.check_open()
        self.refuse_long_pause(now)
        safe = self._request.retry_safe
        answers = core.account.answers(self._request.operation_id)
        if answers.none_within(self._seconds) and not self._asks_again:
            self._asks_again = answers.asked_again(now, ASK_AGAIN_AFTER[safe])
            if not self._asks_again:
                raise self._overloaded(
                    f"the latest answers took longer than the {self._seconds:g} s that this call has",
                    ASK_AGAIN_AFTER[safe],
                )
        if wait == math.inf or (safe and wait <= 0 and not self._has_waited):
            # Nobody knows; or nobody else wants its turn, and to send it for nothing does no harm.
            return
        usual = (answers if answers.is_known else core.account.answers("")).usual(self._seconds)
        takes = "usually takes"
        if not usual and not safe:
            usual, takes = min(UNKNOWN_ANSWER, self._seconds / 2), "may take"
        left = self._deadline - now
        if wait + usual > left:
            booked = self._booked(now)
            raise self._overloaded(
                f"the account's budget is booked for the next {booked:.1f} s, an answer {takes} {usual:.1f} s, "
                f"and this call has {left:.1f} s left",
                max(booked + usual - self._seconds, LEAST_HINT),
                booked,
            )

    def _overloaded(self, text: str, retry_after: float, booked_for: float = 0.0) -> OverloadedError:
        spent = self._watch.spent(self._core.clock())
        if self._has_waited:
            text = f"{text}, after {in_words(spent)}"
        error = OverloadedError(text, retry_after=retry_after, booked_for=booked_for, spent=spent)
        error.__cause__ = self.cause
        return error
