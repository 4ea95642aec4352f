"""The error tree: everything this library raises on purpose is an `SMSError`.

Each error says how often the request was tried (`attempts`), which request it was (`request`), and whether a write
may have taken effect without anybody being able to tell (`maybe_applied`). None of them ever holds the API token, and
all of them survive `pickle`, `copy` and a process pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from attrs import frozen

if TYPE_CHECKING:
    from ac_sms_async.lowlevel.models import BroadcastMetrics

__all__ = [
    "AIRequestFailedError",
    "APIStatusError",
    "AuthenticationError",
    "BadRequestError",
    "BroadcastStoppedError",
    "BudgetUnavailableError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "DeadlineExceededError",
    "InvalidResponseError",
    "NotFoundError",
    "OverloadedError",
    "PagingError",
    "PartialBatch",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimitedError",
    "RequestInfo",
    "SMSError",
    "ServerError",
    "TransportError",
    "UnconfirmedCreate",
    "UnprocessableError",
    "WaitTimeoutError",
    "status_error_class",
]


@frozen
class RequestInfo:
    """Which request an error is about: never its headers, its body or the token."""

    method: str
    path: str
    operation_id: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@frozen
class UnconfirmedCreate:
    """What an unconfirmed `broadcasts.create` asked for: hand it to `broadcasts.find_unconfirmed`."""

    name: str
    body: str
    started_at: datetime
    """When the call began, aware, by this machine's clock."""


def _rebuild(cls: type[SMSError], args: tuple[Any, ...], state: dict[str, Any]) -> SMSError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class PartialBatch(Protocol):
    """What `metrics.fetch` had collected when an error ended it: each id that was answered is in one of the three."""

    @property
    def metrics(self) -> Mapping[int, BroadcastMetrics]:
        """By broadcast id."""
        ...

    @property
    def missing(self) -> Sequence[int]:
        """Ids that the server left out of its answer."""
        ...

    @property
    def failed(self) -> Mapping[int, SMSError]:
        """By broadcast id: why it could not be had."""
        ...


class SMSError(Exception):
    """The root of all errors of this library."""

    attempts: int = 0
    """How many requests were started; 0 when nothing was sent."""
    request: RequestInfo | None = None
    """The request that failed, or None where there was none."""
    maybe_applied: bool = False
    """True when a write may have taken effect on the server and nobody can tell. Look before you send it again."""
    request_id: str | None = None
    """The server's own name for the request, as X-Request-Id gives it, or None: what its support asks for."""
    resume_token: str | None = None
    """Where a pager stood when it failed: hand it to `resume=` to go on there. None outside paging."""
    unconfirmed: UnconfirmedCreate | None = None
    """What a `broadcasts.create` asked for that may have taken effect; None for everything else."""
    batch: PartialBatch | None = None
    """What a batch had collected when this error ended it, or None outside `metrics.fetch`."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """What went wrong, in words."""
        return str(self.args[0]) if self.args else ""

    def about(
        self,
        request: RequestInfo | None,
        *,
        attempts: int,
        maybe_applied: bool = False,
        request_id: str | None = None,
    ) -> Self:
        """Say which request this error is about, and return it."""
        self.request = request
        self.attempts = attempts
        self.maybe_applied = maybe_applied
        self.request_id = request_id
        return self

    def __str__(self) -> str:
        text = self.message
        if self.request is not None:
            tries = f", {self.attempts} attempts" if self.attempts > 1 else ""
            name = f", request id {self.request_id}" if self.request_id else ""
            text = f"{text} ({self.request}{tries}{name})"
        if self.maybe_applied:
            text = f"{text}; the write may have taken effect: look before you send it again"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args` alone, which loses keyword-only state or fails in the other process.
        return _rebuild, (type(self), self.args, dict(self.__dict__))


class ConfigurationError(SMSError, ValueError):
    """A bad option, URL, token or argument, or a client used in a way that cannot work. Nothing was sent."""


class TransportError(SMSError):
    """The exchange broke on the way: a reset, a stall, a cut body, an answer that is no HTTP."""


class ConnectError(TransportError):
    """No connection could be made, so provably nothing reached the server."""


class DeadlineExceededError(SMSError, TimeoutError):
    """The call's own deadline passed, wherever the call was: queueing, pacing, on the wire, backing off or decoding."""

    def __init__(self, message: str = "", *, spent: Mapping[str, float] | None = None) -> None:
        super().__init__(message)
        self.spent: Mapping[str, float] = dict(spent or {})
        """What took the time, in seconds: any of "queue" (for one of the client's slots), "budget", "backoff",
        "connect", "write", "wait" (for the answer) and "read"."""


class OverloadedError(DeadlineExceededError):
    """The call can't be answered before its deadline, so it was refused at once and not sent: too many want the same.

    It was refused when it came, or when its turn came and too little of its time was left. An attempt before may have
    been answered; it is the error's `__cause__` then.
    """

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: float = 0.0,
        booked_for: float = 0.0,
        spent: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(message, spent=spent)
        self.retry_after = retry_after
        """In how many seconds a call like this one may be answered in time, if no more of them come."""
        self.booked_for = booked_for
        """For how many seconds the client's slots and the account's budget are taken by those who wait already."""


class BudgetUnavailableError(DeadlineExceededError):
    """The deadline passed in line for the account's budget, and the database that keeps it didn't answer.

    Nothing was sent in this attempt.
    """


class InvalidResponseError(SMSError):
    """A 2xx answer whose body is not what the document promises, or that reports a failure inside."""

    path: str = "$"
    """Where in the body, as in `$.broadcasts[3].id`; `$` is the body as a whole."""
    status: int | None = None
    body: bytes = b""
    """The beginning of the body as it came, bounded."""

    def __init__(self, message: str = "", *, path: str = "$", status: int | None = None, body: bytes = b"") -> None:
        super().__init__(message)
        self.path = path
        self.status = status
        self.body = body


class APIStatusError(SMSError):
    """The server answered with a status that is not a success (3xx, 4xx or 5xx)."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        errors: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status, any integer."""
        self.errors = errors
        """What the server said went wrong, one text each; empty when it said nothing."""
        self.headers: Mapping[str, str] = dict(headers or {})
        """The answer's headers, names in lower case."""
        self.body = body
        """The beginning of the answer's body, bounded."""
        self.retry_after = retry_after
        """How many seconds the server asked to wait, or None."""


class BadRequestError(APIStatusError):
    """400: the server did not accept the request as it stands."""


class AuthenticationError(APIStatusError):
    """401: the token is missing or wrong. (ActiveCampaign often answers 403 instead.)"""


class PaymentRequiredError(APIStatusError):
    """402: the account has a payment issue, or no credits."""


class PermissionDeniedError(APIStatusError):
    """403: a wrong token, a missing permission, a plan without SMS."""


class NotFoundError(APIStatusError):
    """404, or a 403 that says so in words: there is no such object, or no such account behind the URL."""


class ConflictError(APIStatusError):
    """409: the object's state does not allow it."""


class UnprocessableError(APIStatusError):
    """422: understood, but a value is not acceptable."""


class RateLimitedError(APIStatusError):
    """429: more requests than the account may make; `retry_after` says how long to wait."""


class ServerError(APIStatusError):
    """5xx: the server failed."""


class PagingError(SMSError):
    """The server's pages cannot be made sense of: it ignores `offset`, or rows shift without end."""


class AIRequestFailedError(SMSError):
    """The AI request ended in `error`; `.last` holds the status as the server gave it."""

    def __init__(self, message: str = "", *, last: Any = None) -> None:
        super().__init__(message)
        self.last = last


class BroadcastStoppedError(SMSError):
    """A broadcast that was waited for was deleted or went back to draft; `.last` holds it as last seen."""

    def __init__(self, message: str = "", *, last: Any = None) -> None:
        super().__init__(message)
        self.last = last


class WaitTimeoutError(SMSError, TimeoutError):
    """A wait ran out of time; `.last` holds the last state seen. What was waited for goes on at the server."""

    def __init__(self, message: str = "", *, last: Any = None) -> None:
        super().__init__(message)
        self.last = last


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}


def status_error_class(status: int) -> type[APIStatusError]:
    """The error class for an HTTP status that is not a success."""
    if status >= 500:
        return ServerError
    return _BY_STATUS.get(status, APIStatusError)
