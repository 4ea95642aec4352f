"""Waiting for something at the server: ask, and ask again ever less often, until it is done or time is up."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from ac_sms_async.errors import (
    APIStatusError,
    ConfigurationError,
    DeadlineExceededError,
    SMSError,
    TransportError,
    WaitTimeoutError,
)
from ac_sms_async.options import positive_seconds

__all__ = ["is_outage", "poll_until"]

S = TypeVar("S")

_LAST_CHECK = 0.5
"""Seconds kept back at the end for one more check, so that a wait doesn't end in a sleep."""
_NEGLIGIBLE = 1e-6
"""Waits below this are rounding errors of the clock; sleeping them again and again could go on for ever."""
_PASSING = (408, 429)
"""Statuses below 500 that say nothing about what was asked for."""


def is_outage(error: SMSError) -> bool:
    """Whether an error is of the way or of the moment, and says nothing about what is waited for."""
    if isinstance(error, APIStatusError):
        return error.status in _PASSING or error.status >= 500
    return isinstance(error, TransportError | DeadlineExceededError)


def _tolerate_nothing(error: SMSError, elapsed: float) -> bool:
    return False


async def poll_until(
    check: Callable[[], Awaitable[S]],
    done: Callable[[S], bool],
    *,
    timeout: float,
    first: float = 1.0,
    factor: float = 1.5,
    maximum: float = 20.0,
    jitter: float = 0.2,
    tolerate: Callable[[SMSError, float], bool] = _tolerate_nothing,
    on_poll: Callable[[S], object] | None = None,
    rng: Callable[[], float] = random.random,
    what: str = "what was waited for",
) -> S:
    """Ask for the state with `check` until `done(state)`; return that state.

    The first check comes at once, the second after `first` seconds; each pause is `factor` times the one before, up to
    `maximum`, and each is shortened by up to its share `jitter`. All times are in seconds.

    `timeout` bounds everything, a check under way included; then `WaitTimeoutError` is raised, with the last state
    seen as `.last`. No pause goes beyond it: the last ones are cut short so that one more check fits.
    Outages are waited out: faults of the way, 408, 429, 5xx and a check's own deadline; where the time ends in one, the
    error tells of it. Other errors of `check` end the wait, except those of which `tolerate(error, elapsed)` says to go
    on; errors that `done` raises end it too. `on_poll(state)` is called after each check. Cancelling the wait cancels
    nothing but the wait.
    """
    timeout, first, maximum = _seconds("timeout", timeout), _seconds("first", first), _seconds("maximum", maximum)
    _validate(factor=factor, jitter=jitter)
    last: S | None = None
    tolerated: SMSError | None = None
    pause = min(first, maximum)
    start = anyio.current_time()
    end = start + timeout
    while True:
        asked = anyio.current_time()
        with anyio.CancelScope(deadline=end):
            try:
                last = state = await check()
            except SMSError as error:
                if not (is_outage(error) or tolerate(error, anyio.current_time() - start)):
                    raise
                tolerated = error
            else:
                tolerated = None
                if on_poll is not None:
                    on_poll(state)
                if done(state):
                    return state
        now = anyio.current_time()
        left = end - now
        if left < min(_LAST_CHECK, timeout / 20):
            after = "" if tolerated is None else f"; the last look at it failed: {tolerated}"
            raise WaitTimeoutError(f"{what} was not done within {timeout:g} s{after}", last=last) from tolerated
        reserve = min(max(1.25 * (now - asked), _LAST_CHECK), timeout / 4)
        # Too late for a check that takes as long as the last one? The next may be quicker.
        in_time = left - reserve > _NEGLIGIBLE
        delay = min(pause * (1 - jitter * rng()), left - reserve) if in_time else min(_LAST_CHECK, left / 2)
        await anyio.sleep(delay)
        pause = min(pause * factor, maximum)


def _seconds(name: str, value: float) -> float:
    # One may wait for ever.
    return value if value == math.inf else positive_seconds(name, value)


def _validate(*, factor: float, jitter: float) -> None:
    """Refuse what would never end, never sleep, or sleep backwards. (`not (a > b)` refuses NaN as well.)"""
    if not factor >= 1:
        raise ConfigurationError(f"factor must be at least 1, not {factor!r}")
    if not 0 <= jitter < 1:
        raise ConfigurationError(f"jitter must be from 0 to below 1, not {jitter!r}")
