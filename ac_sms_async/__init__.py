"""A typed asyncio client for ActiveCampaign's SMS Broadcast API.

Start with `SMSClient`; errors are all under `SMSError`; models are in `ac_sms_async.models`.
"""

from typing import TYPE_CHECKING, Any

from ac_sms_async.batching.outcome import Failed, Found, Missing, Outcome
from ac_sms_async.client import SMSClient
from ac_sms_async.errors import (
    AIRequestFailedError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    BroadcastStoppedError,
    BudgetUnavailableError,
    ConfigurationError,
    ConflictError,
    ConnectError,
    DeadlineExceededError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    PagingError,
    PartialBatch,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitedError,
    RequestInfo,
    ServerError,
    SMSError,
    TransportError,
    UnconfirmedCreate,
    UnprocessableError,
    WaitTimeoutError,
)
from ac_sms_async.lowlevel.types import UNSET, Response, Unset
from ac_sms_async.models import AISource, AIStatus, BroadcastStatus, Deliverability, ErrorSource, YesNo
from ac_sms_async.options import RateLimit, RetryPolicy, Timeout
from ac_sms_async.paging.pager import Page, Pager
from ac_sms_async.resources.ai import AIRequest
from ac_sms_async.resources.exports import Export
from ac_sms_async.resources.metrics import FailuresFound, FailuresOutcome, MetricsBatch, MetricsFound, MetricsOutcome
from ac_sms_async.segments import SegmentEstimate, estimate_segments
from ac_sms_async.transport import Answer, Transport
from ac_sms_async.transport.client_options import ClientOptions
from ac_sms_async.transport.events import (
    AccountPaused,
    AttemptFinished,
    BudgetDegraded,
    BudgetRestored,
    CallFinished,
    CallStarted,
    Event,
    RetryScheduled,
)
from ac_sms_async.version import __version__

if TYPE_CHECKING:
    from ac_sms_async.transport.backends.cancel_safe import CancelSafeTransport

__all__ = [
    "UNSET",
    "AIRequest",
    "AIRequestFailedError",
    "AISource",
    "AIStatus",
    "APIStatusError",
    "AccountPaused",
    "Answer",
    "AttemptFinished",
    "AuthenticationError",
    "BadRequestError",
    "BroadcastStatus",
    "BroadcastStoppedError",
    "BudgetDegraded",
    "BudgetRestored",
    "BudgetUnavailableError",
    "CallFinished",
    "CallStarted",
    "CancelSafeTransport",
    "ClientOptions",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "DeadlineExceededError",
    "Deliverability",
    "ErrorSource",
    "Event",
    "Export",
    "Failed",
    "FailuresFound",
    "FailuresOutcome",
    "Found",
    "InvalidResponseError",
    "MetricsBatch",
    "MetricsFound",
    "MetricsOutcome",
    "Missing",
    "NotFoundError",
    "Outcome",
    "OverloadedError",
    "Page",
    "Pager",
    "PagingError",
    "PartialBatch",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimit",
    "RateLimitedError",
    "RequestInfo",
    "Response",
    "RetryPolicy",
    "RetryScheduled",
    "SMSClient",
    "SMSError",
    "SegmentEstimate",
    "ServerError",
    "Timeout",
    "Transport",
    "TransportError",
    "UnconfirmedCreate",
    "UnprocessableError",
    "Unset",
    "WaitTimeoutError",
    "YesNo",
    "__version__",
    "estimate_segments",
]


def __getattr__(name: str) -> Any:
    # It brings httpx, which takes as long as all the rest together, and few need it.
    if name == "CancelSafeTransport":
        from ac_sms_async.transport.backends.cancel_safe import CancelSafeTransport

        return CancelSafeTransport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    # The modules that make up the package come with it, and may move.
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
