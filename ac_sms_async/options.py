"""Option values: frozen, checked once when they are made, and the same for every call after that.

Whatever cannot work is refused with a `ConfigurationError` that says what to do instead, before anything is sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import tzinfo
from typing import Any

from attrs import Attribute, field, frozen

from ac_sms_async.errors import ConfigurationError

__all__ = ["RateLimit", "RetryPolicy", "Timeout", "positive_seconds", "time_zone"]


def positive_seconds(name: str, value: Any) -> float:
    """`value` as a finite number of seconds above zero, or a `ConfigurationError` that names the option."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise ConfigurationError(f"{name} must be a finite number of seconds greater than 0, not {value!r}")
    return float(value)


def positive_count(name: str, value: Any) -> int:
    """`value` as an integer of at least 1, or a `ConfigurationError` that names the option."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be an integer of at least 1, not {value!r}")
    return value


def time_zone(value: str | tzinfo) -> tzinfo:
    """The time zone that `value` names, or `value` itself where it is a `tzinfo` already."""
    if isinstance(value, tzinfo):
        return value
    # With the first client, not with the package: it looks through the whole build configuration of Python.
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(value)
    except (TypeError, ValueError, OSError, LookupError):
        # ZoneInfo answers an unknown key, a path, a folder and a wrong type with different classes of error.
        problem = ConfigurationError(
            f"timezone must be the name of a time zone such as 'America/Chicago', or a tzinfo, not {value!r} "
            "(where the system has no time zone data, install tzdata)"
        )
    raise problem


def _check(kind: Callable[[str, Any], Any], *, or_zero: bool = False) -> Callable[[Any, Attribute[Any], Any], None]:
    def validate(instance: Any, attribute: Attribute[Any], value: Any) -> None:
        if not (or_zero and value is not False and value == 0):
            kind(f"{type(instance).__name__}.{attribute.name}", value)

    return validate


@frozen
class Timeout:
    """How long one attempt may wait, in seconds, at each of its steps. The call's `deadline` bounds them all together.

    `read` holds for the wait for the answer and for each piece of it, `connect` for opening a connection (TLS
    has as long again), `write` for each piece of the request.
    """

    read: float = field(default=30.0, validator=_check(positive_seconds))
    connect: float = field(default=5.0, kw_only=True, validator=_check(positive_seconds))
    write: float = field(default=30.0, kw_only=True, validator=_check(positive_seconds))

    @classmethod
    def of(cls, value: float | Timeout) -> Timeout:
        """`value` itself, or the timeouts that a plain number of seconds means: that long, but 5 s to connect."""
        if isinstance(value, Timeout):
            return value
        seconds = positive_seconds("timeout", value)
        return cls(seconds, connect=min(seconds, 5.0), write=seconds)


@frozen
class RetryPolicy:
    """When a failed request is tried again, and how long to wait before.

    The n-th wait is drawn evenly from 0 to `initial * 2 ** (n - 1)` seconds, at most `maximum`. Where the server said
    how long to wait (Retry-After), that is obeyed up to `max_retry_after` seconds; beyond, the call fails at once and
    its error tells `.retry_after`. `max_attempts=1` turns retries off.
    """

    max_attempts: int = field(default=4, validator=_check(positive_count))
    initial: float = field(default=0.5, kw_only=True, validator=_check(positive_seconds, or_zero=True))
    maximum: float = field(default=20.0, kw_only=True, validator=_check(positive_seconds, or_zero=True))
    max_retry_after: float = field(default=60.0, kw_only=True, validator=_check(positive_seconds, or_zero=True))


@frozen
class RateLimit:
    """At most `requests` request starts in any `per` seconds, for all clients of one account in one event loop.

    `margin` seconds are added to `per`, so that requests which travel at different speeds don't bunch up at the
    server. Where clients of one account were given different limits, the one with fewer requests per second holds
    for all of them; `rate_limit=None` (no pacing) is the least strict.
    """

    requests: int = field(default=5, validator=_check(positive_count))
    per: float = field(default=1.0, kw_only=True, validator=_check(positive_seconds))
    margin: float = field(default=0.05, kw_only=True, validator=_check(positive_seconds, or_zero=True))

    @property
    def window(self) -> float:
        """The seconds in which no more than `requests` are started."""
        return self.per + self.margin
