"""Errors in plain words: what is wrong, and what to do about it."""

from __future__ import annotations

import re

from ac_sms_async.errors import (
    APIStatusError,
    AuthenticationError,
    ConnectError,
    DeadlineExceededError,
    InvalidResponseError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    SMSError,
    TransportError,
)
from ac_sms_async.transport.address import IF_YOU_MEAN_IT

__all__ = ["advice", "in_words"]

_URL = "Copy the API URL anew from Settings > Developer in ActiveCampaign; it can't be guessed from the account's name."

_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (AuthenticationError, "The token is missing or wrong. Copy it anew from Settings > Developer in ActiveCampaign."),
    (
        PermissionDeniedError,
        "The token is wrong, its user may not see SMS, or the plan has no SMS. "
        "Check the token, then the permissions of the user's group.",
    ),
    (PaymentRequiredError, "The account has a payment issue or no credits: see Settings > Billing in ActiveCampaign."),
    (NotFoundError, f"There is no such thing, or no such account behind the URL. {_URL}"),
    (RateLimitedError, "Somebody else uses up this account's 5 requests a second. Try again later."),
    (ServerError, "ActiveCampaign has trouble at the moment. Try again later."),
    (ConnectError, f"Nothing answers there. Check the network and the URL. {_URL}"),
    (TransportError, "The connection broke. Check the network, and try again."),
    (DeadlineExceededError, "It took too long. Check the network, and try again."),
    (InvalidResponseError, f"Something answers that is not ActiveCampaign's API, or it has changed. {_URL}"),
)


_IN_PYTHON = (
    (IF_YOU_MEAN_IT, "name the host with --insecure-host if you mean it"),
    ("base_url", "the URL"),
    ("api_token", "the token"),
    (", or a tzinfo,", ","),
    ("request_id must be the id of an AI request, as in AIRequest.id", "that is not the id of an AI request"),
)
"""What the library says to who writes Python, and what it means here."""


def in_words(message: str) -> str:
    """What is wrong with an argument of the library, said of what was given here."""
    for said, meant in _IN_PYTHON:
        message = message.replace(said, meant)
    return message


def advice(error: BaseException) -> str | None:
    """What to do about an error, or None where its message says it all."""
    if isinstance(error, SMSError) and error.maybe_applied:
        return "It may have taken effect all the same: look before you do it again, with `ac-sms broadcasts list`."
    if isinstance(error, APIStatusError) and 300 <= error.status < 400:
        return f"The URL sends elsewhere, which is a sign of a wrong account name. {_URL}"
    if isinstance(error, NotFoundError) and error.request is not None and re.search(r"/\d+(/|$)", error.request.path):
        return "The account has none with this number, or no longer: `ac-sms broadcasts list` shows what it has."
    if isinstance(error, NotFoundError) and error.request is not None and "/broadcasts/ai/" in error.request.path:
        return "The account knows no such request, or no longer: `ac-sms ai create` prints the id of a new one."
    return next((text for kind, text in _BY_CLASS if isinstance(error, kind)), None)
