"""What an error says: nothing at all, something about the one id that was asked for, or that there is no such thing."""

from __future__ import annotations

import json

from ac_sms_async.errors import (
    APIStatusError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    PagingError,
    PaymentRequiredError,
    SMSError,
)

__all__ = ["HOPELESS", "is_answer", "is_nothing"]

HOPELESS = (AuthenticationError, PaymentRequiredError, ConfigurationError)
"""No other id will do better."""

_ABOUT_ONE = (400, 409, 410, 422)


def is_answer(error: SMSError) -> bool:
    """Whether the server has answered, about the one id that was asked for: others may do better."""
    if isinstance(error, PagingError | NotFoundError):
        return True
    return isinstance(error, APIStatusError) and error.status in _ABOUT_ONE


def is_nothing(error: SMSError) -> bool:
    """Whether it is the API that says that there is no such thing, and not a proxy, a login page or a wrong URL."""
    return isinstance(error, NotFoundError) and _is_json(error.body)


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
