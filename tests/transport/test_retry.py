"""The decisions about a failed request, one by one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime, formatdate
from typing import Any

import pytest

from ac_sms_async.errors import (
    ConfigurationError,
    ConnectError,
    DeadlineExceededError,
    InvalidResponseError,
    SMSError,
    TransportError,
    status_error_class,
)
from ac_sms_async.options import RetryPolicy
from ac_sms_async.transport.retry import backoff, is_retryable, may_have_applied, retry_after


def status_error(status: int) -> SMSError:
    return status_error_class(status)("no", status=status)


@pytest.mark.parametrize(
    ("error", "read_again", "write_again", "write_maybe_applied"),
    [
        (ConnectError(), True, True, False),
        (TransportError(), True, False, True),
        (status_error(408), True, False, True),
        (status_error(429), True, True, False),
        (status_error(500), True, False, True),
        (status_error(503), True, False, True),
        (status_error(520), True, False, True),
        (status_error(302), False, False, False),
        (status_error(400), False, False, False),
        (status_error(401), False, False, False),
        (status_error(403), False, False, False),
        (status_error(404), False, False, False),
        (status_error(499), False, False, False),
        (InvalidResponseError(), False, False, True),
        (ConfigurationError(), False, False, False),
        (DeadlineExceededError(), False, False, False),
    ],
    ids=lambda value: f"{type(value).__name__}{getattr(value, 'status', '')}",
)
def test_what_is_sent_again(error: Any, read_again: bool, write_again: bool, write_maybe_applied: bool) -> None:
    assert is_retryable(error, retry_safe=True) is read_again
    assert is_retryable(error, retry_safe=False) is write_again
    assert may_have_applied(error, retry_safe=True) is False
    assert may_have_applied(error, retry_safe=False) is write_maybe_applied


def test_backoff_doubles_up_to_its_maximum_with_full_jitter() -> None:
    policy = RetryPolicy(initial=0.5, maximum=4)
    assert [backoff(policy, attempt, lambda: 1.0) for attempt in range(1, 7)] == [0.5, 1, 2, 4, 4, 4]
    assert backoff(policy, 3, lambda: 0.25) == 0.5
    assert backoff(policy, 3, lambda: 0.0) == 0
    assert backoff(policy, 100_000, lambda: 1.0) == 4


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        (" 1.5 ", 1.5),
        ("0", 0),
        ("2.", 2),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("99999999999", None),
        ("Mon, 32 Nov 2026 10:00:00 GMT", None),
    ],
)
def test_retry_after_as_a_number(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}) == seconds


def test_retry_after_is_optional() -> None:
    assert retry_after({}) is None


def test_retry_after_as_a_date_is_read_by_the_servers_own_clock() -> None:
    headers = {"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}
    assert retry_after(headers) == 30
    assert retry_after({**headers, "date": "Mon, 23 Nov 2026 10:01:00 GMT"}) == 0
    assert retry_after({**headers, "date": "Mon, 23 Nov 2026 05:00:00 -0500"}) == 30
    # -0000 says that the zone is unknown, and the date is read as UTC.
    assert retry_after({**headers, "date": "Mon, 23 Nov 2026 10:00:00 -0000"}) == 30


@pytest.mark.parametrize("date", [{}, {"date": "yesterday"}])
def test_retry_after_as_a_date_without_the_servers_clock(date: dict[str, str]) -> None:
    asked = retry_after({"retry-after": formatdate(time.time() + 100, usegmt=True), **date})
    assert asked is not None
    assert 90 < asked <= 100
    assert retry_after({"retry-after": format_datetime(datetime(2000, 1, 1, tzinfo=UTC)), **date}) == 0
