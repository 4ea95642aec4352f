"""Options are checked once, when they are made, and say what to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs.exceptions import FrozenInstanceError

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.options import RateLimit, RetryPolicy, Timeout, shown, time_zone

LONG = 10**5000
"""More digits than Python writes."""
NOT_SECONDS = [0, -1, math.nan, math.inf, True, "5", None, 10**400, LONG, -LONG]
NOT_COUNTS = [0, -1, 1.0, True, "5", None, -LONG]


class Index:
    """A whole number as NumPy has it: no int, and used as one."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


def connecting(value: Any) -> object:
    return Timeout(connect=value)


def per(value: Any) -> object:
    return RateLimit(per=value)


@pytest.mark.parametrize("make", [Timeout, Timeout.of, connecting, per])
@pytest.mark.parametrize("value", NOT_SECONDS, ids=shown)
def test_seconds_are_finite_and_positive(make: Callable[[Any], object], value: Any) -> None:
    with pytest.raises(ConfigurationError, match="finite number of seconds greater than 0"):
        make(value)


@pytest.mark.parametrize("make", [RateLimit, RetryPolicy])
@pytest.mark.parametrize("value", NOT_COUNTS, ids=shown)
def test_counts_are_whole_and_positive(make: Callable[[Any], object], value: Any) -> None:
    with pytest.raises(ConfigurationError, match="whole number, 1 or more"):
        make(value)


def test_errors_name_the_option() -> None:
    with pytest.raises(ConfigurationError, match=r"^RateLimit\.requests must be a whole number, 1 or more, not 0$"):
        RateLimit(0)
    with pytest.raises(ConfigurationError, match=r"^RetryPolicy\.max_retry_after must be"):
        RetryPolicy(max_retry_after=-1)


@pytest.mark.parametrize("name", ["initial", "maximum", "max_retry_after"])
def test_no_waiting_at_all_is_a_choice(name: str) -> None:
    zero: dict[str, Any] = {name: 0}
    assert getattr(RetryPolicy(**zero), name) == 0
    assert RateLimit(margin=0).window == 1.0
    wrong: dict[str, Any] = {name: False}
    with pytest.raises(ConfigurationError):
        RetryPolicy(**wrong)


def test_whole_numbers_of_other_libraries_become_plain_ones() -> None:
    """They would overflow, or turn round below zero, where Python's don't."""
    odd: Any = Index(3)
    assert RateLimit(odd, per=odd, margin=odd) == RateLimit(3, per=3, margin=3)
    assert RetryPolicy(odd, initial=odd) == RetryPolicy(3, initial=3)
    assert Timeout(odd) == Timeout(3)
    assert Timeout.of(odd) == Timeout.of(3)
    limit = RateLimit(odd, per=odd)
    assert (type(limit.requests), type(limit.per)) == (int, float)
    wrong: Any = Index(0)
    with pytest.raises(ConfigurationError):
        RateLimit(wrong)


def test_what_has_too_many_digits_to_be_written_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match=r"greater than 0, not a number of too many digits \(int\)$"):
        Timeout(LONG)


def test_options_are_values() -> None:
    assert RateLimit(5) == RateLimit() != RateLimit(4)
    assert RateLimit().window == pytest.approx(1.05)
    limit: Any = RateLimit()
    with pytest.raises(FrozenInstanceError):
        limit.requests = 6


def test_a_plain_number_is_a_timeout_with_a_short_connect() -> None:
    assert Timeout.of(30) == Timeout() == Timeout(30.0, connect=5.0, write=30.0)
    assert Timeout.of(2) == Timeout(2.0, connect=2.0, write=2.0)
    given = Timeout(1, connect=9)
    assert Timeout.of(given) is given


def test_time_zones() -> None:
    assert time_zone("America/Chicago") == ZoneInfo("America/Chicago")
    assert time_zone(UTC) is UTC


@pytest.mark.parametrize(
    "name", ["", "CST6", "America", "../../etc/passwd", "/etc/passwd", "America/Chicago\0", 5, None]
)
def test_no_time_zone(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="install tzdata") as caught:
        time_zone(name)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("value", [-1, 5, 6, 1.0, True, "1", None, LONG], ids=shown)
def test_a_place_is_left_to_bulk_work(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^RateLimit\.reserve must be a whole number, 0 to 4, not "):
        RateLimit(5, reserve=value)


def test_places_are_kept_by_any_librarys_number() -> None:
    given: Any = Index(4)
    assert RateLimit(5, reserve=given) == RateLimit(5, reserve=4)
    assert RateLimit().reserve == 0
