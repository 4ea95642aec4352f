"""Pure decisions about a failed request: try again or not, after how long, and may it have been applied?"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ac_sms_async.errors import APIStatusError, ConnectError, InvalidResponseError, SMSError, TransportError
from ac_sms_async.options import RetryPolicy

__all__ = ["backoff", "is_retryable", "may_have_applied", "retry_after"]

PAUSE_WITHOUT_HINT = 1.0
"""After a 429 that does not say how long to wait: at least the second in which the budget was spent."""

_SECONDS = re.compile(r"\d{1,9}(?:\.\d*)?")


def is_retryable(error: SMSError, *, retry_safe: bool) -> bool:
    """Whether the same request may be sent again after this error.

    Always where it provably did nothing: it never reached the server, or was turned away with 429. Beyond that only
    requests that are safe to repeat, on faults of the connection, 408 and 5xx.
    """
    if isinstance(error, ConnectError):
        return True
    if isinstance(error, TransportError):
        return retry_safe
    if isinstance(error, APIStatusError):
        return error.status == 429 or (retry_safe and (error.status == 408 or error.status >= 500))
    return False


def may_have_applied(error: SMSError, *, retry_safe: bool) -> bool:
    """Whether a write that ended in this error may have taken effect; never for a request that is safe to repeat."""
    if retry_safe or isinstance(error, ConnectError):
        return False
    if isinstance(error, APIStatusError):
        return error.status == 408 or error.status >= 500
    return isinstance(error, TransportError | InvalidResponseError)


def backoff(policy: RetryPolicy, attempt: int, random: Callable[[], float]) -> float:
    """Seconds to wait after attempt number `attempt` failed (1 is the first), with full jitter."""
    # The exponent is bounded because 2.0 ** 1024 overflows.
    ceiling = min(policy.maximum, policy.initial * 2.0 ** min(attempt - 1, 60))
    return random() * ceiling


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, as the answer's Retry-After says: a number, or an HTTP date; None where it says nothing."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    at = _moment(value)
    if at is None:
        return None
    # Two dates by the server's clock leave our own, which may be wrong, out of it.
    return max(0.0, at - (_moment(headers.get("date", "")) or time.time()))


def _moment(value: str) -> float | None:
    # With the first date, not with the package: it brings much of the email package, and servers mostly send seconds.
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return _aware(moment).timestamp()


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
