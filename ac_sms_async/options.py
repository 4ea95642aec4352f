"""Option values: frozen, checked once when they are made, and the same for every call after that.

Whatever cannot work is refused with a `ConfigurationError` that says what to do instead, before anything is sent.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from datetime import tzinfo
from operator import index
from typing import Any, Literal, TypeAlias, TypeVar

from attrs import Attribute, field, frozen

from ac_sms_async.errors import ConfigurationError, SMSError

__all__ = [
    "Priority",
    "RateLimit",
    "RetryPolicy",
    "Timeout",
    "plain_function",
    "plain_int",
    "positive_seconds",
    "priority_of_calls",
    "refuse_async",
    "shown",
    "time_zone",
    "value_of",
    "whole_number",
]

T = TypeVar("T")

Priority: TypeAlias = Literal["interactive", "bulk"]
"""Whether somebody waits for the answer, or a job that has time."""


def refuse_async(name: str, function: Any) -> None:
    """A `ConfigurationError` for an `async def` where a plain function is called: nobody would await it."""
    call = getattr(function, "__call__", None)  # noqa: B004  # an object with an `async def __call__` is one, too
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call):
        raise ConfigurationError(f"{name} must be a plain function, not `async def`: it is called, and not awaited")


def value_of(kind: type[T], name: str, value: Any) -> T:
    """`value`, if it is of that class, or a `ConfigurationError` that names the option."""
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
    return value


def positive_seconds(name: str, value: Any) -> float:
    """`value` as a finite number of seconds above zero, or a `ConfigurationError` that names the option."""
    try:
        seconds = float(value) if isinstance(value, float) else float(plain_int(value))
    except (TypeError, OverflowError):
        seconds = math.nan
    if not math.isfinite(seconds) or seconds <= 0:
        raise ConfigurationError(f"{name} must be a finite number of seconds greater than 0, not {shown(value)}")
    return seconds


def whole_number(name: str, value: Any, *, least: int = 1, most: int | None = None) -> int:
    """`value` as an int within bounds, or a `ConfigurationError` that names the option."""
    try:
        number = plain_int(value)
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        bounds = f"{least} to {most}" if most is not None else f"{least} or more"
        raise ConfigurationError(f"{name} must be a whole number, {bounds}, not {shown(value)}")
    return number


def plain_int(value: Any) -> int:
    """Any library's whole number as a plain int: theirs overflow or turn round where ours doesn't. Else `TypeError`."""
    if type(value) is int:
        # As it most often is.
        return value
    # Whole numbers of other libraries, such as NumPy's, have an index; so have booleans.
    if isinstance(value, bool):
        raise TypeError
    return int(index(value))


def shown(value: Any) -> str:
    """`value` as a message shows it."""
    try:
        return repr(value)
    except ValueError:
        # Python writes no int of more than 4,300 digits.
        return f"a number of too many digits ({type(value).__name__})"


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
        if or_zero and value is not False and value == 0:
            number = 0.0
        else:
            number = kind(f"{type(instance).__name__}.{attribute.name}", value)
        if not isinstance(value, int | float):
            # The one moment at which a frozen value may still be made plain.
            object.__setattr__(instance, attribute.name, number)

    return validate


def priority_of_calls(value: Any) -> Priority:
    """`value`, if it is a priority, or a `ConfigurationError`."""
    if value not in ("interactive", "bulk"):
        raise ConfigurationError(f'priority must be "interactive" or "bulk", not {shown(value)}')
    priority: Priority = value
    return priority


def plain_function(name: str, function: Any) -> None:
    """A `ConfigurationError` for what is neither None nor a plain function."""
    if function is not None and not callable(function):
        raise ConfigurationError(f"{name} must be a function")
    refuse_async(name, function)


def _plain_function(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    plain_function(f"{type(instance).__name__}.{attribute.name}", value)


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

    `only_if(error)` is asked where the request would be tried again, and says by False that it isn't. It is never asked
    about what can't be repeated: it can take retries away, and give none. What it raises ends the call.
    """

    max_attempts: int = field(default=4, validator=_check(whole_number))
    initial: float = field(default=0.5, kw_only=True, validator=_check(positive_seconds, or_zero=True))
    maximum: float = field(default=20.0, kw_only=True, validator=_check(positive_seconds, or_zero=True))
    max_retry_after: float = field(default=60.0, kw_only=True, validator=_check(positive_seconds, or_zero=True))
    only_if: Callable[[SMSError], bool] | None = field(default=None, kw_only=True, validator=_plain_function)


def _fewer_than_requests(instance: RateLimit, attribute: Attribute[Any], value: Any) -> None:
    # Bulk work needs a place, too.
    number = whole_number("RateLimit.reserve", value, least=0, most=instance.requests - 1)
    object.__setattr__(instance, attribute.name, number)


def _to_fall_back_to(instance: RateLimit, attribute: Attribute[Any], value: Any) -> None:
    if value is not None:
        value = whole_number("RateLimit.fallback", value, most=instance.requests)
    object.__setattr__(instance, attribute.name, value)


@frozen
class RateLimit:
    """At most `requests` request starts in any `per` seconds, for all clients of an account that share a budget.

    `margin` seconds are added to `per`, so that requests which travel at different speeds don't bunch up at the
    server. `reserve` of the requests are left to interactive calls as long as there was one within a minute; bulk work
    gets its fifth all the same. Where clients of one account were given different limits, all of them hold for all of
    these, and so the strictest: until its client is closed, and where processes share the budget, for two minutes after
    its process drew on it last. `rate_limit=None` (no pacing) is the least strict.

    Where a database keeps the budget and is gone, each machine starts `fallback` requests in as long; with None nothing
    is started meanwhile, and calls whose deadline passes raise `BudgetUnavailableError`.
    """

    requests: int = field(default=5, validator=_check(whole_number))
    per: float = field(default=1.0, kw_only=True, validator=_check(positive_seconds))
    margin: float = field(default=0.05, kw_only=True, validator=_check(positive_seconds, or_zero=True))
    reserve: int = field(default=0, kw_only=True, validator=_fewer_than_requests)
    fallback: int | None = field(default=1, kw_only=True, validator=_to_fall_back_to)

    @property
    def window(self) -> float:
        """The seconds in which no more than `requests` are started."""
        return self.per + self.margin
