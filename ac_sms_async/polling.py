"""Waiting for something at the server: ask, and ask again ever less often, until it is done or time is up."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from ac_sms_async.errors import ConfigurationError, SMSError, WaitTimeoutError

__all__ = ["poll_until"]

S = TypeVar("S")

_LAST_CHECK = 0.5
"""Seconds kept back at the end for one more check, so that a wait doesn't end in a sleep."""


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
    seen as `.last`. No pause goes beyond it: the last one is cut short so that one more check fits.
    Errors of `check` end the wait, except those of which `tolerate(error, elapsed)` says to go on; errors that `done`
    raises end it too. `on_poll(state)` is called after each check. Cancelling the wait cancels nothing but the wait.
    """
    _validate(timeout=timeout, first=first, factor=factor, maximum=maximum, jitter=jitter)
    last: S | None = None
    tolerated: SMSError | None = None
    pause = min(first, maximum)
    start = anyio.current_time()
    while True:
        asked = anyio.current_time()
        with anyio.CancelScope(deadline=start + timeout):
            try:
                last = state = await check()
            except SMSError as error:
                if not tolerate(error, anyio.current_time() - start):
                    raise
                tolerated = error
            else:
                tolerated = None
                if on_poll is not None:
                    on_poll(state)
                if done(state):
                    return state
        now = anyio.current_time()
        reserve = min(max(1.25 * (now - asked), _LAST_CHECK), timeout / 4)
        delay = min(pause * (1 - jitter * rng()), start + timeout - reserve - now)
        if delay <= 0:
            raise WaitTimeoutError(f"{what} was not done within {timeout:g} s", last=last) from tolerated
        await anyio.sleep(delay)
        pause = min(pause * factor, maximum)


def _validate(*, timeout: float, first: float, factor: float, maximum: float, jitter: float) -> None:
    """Refuse what would never end, never sleep, or sleep backwards. (`not (a > b)` refuses NaN as well.)"""
    for name, value in (("timeout", timeout), ("first", first), ("maximum", maximum)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:  # pyright: ignore[reportUnnecessaryIsInstance] - users hand in anything
            raise ConfigurationError(f"{name} must be a number of seconds above 0, not {value!r}")
    if not factor >= 1:
        raise ConfigurationError(f"factor must be at least 1, not {factor!r}")
    if not 0 <= jitter < 1:
        raise ConfigurationError(f"jitter must be from 0 to below 1, not {jitter!r}")
