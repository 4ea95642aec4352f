"""A typed asyncio client for ActiveCampaign's SMS Broadcast API.

Start with `SMSClient`; errors are all under `SMSError`; models are in `ac_sms_async.models`.
"""

from ac_sms_async.batching import Outcome
from ac_sms_async.client import SMSClient
from ac_sms_async.errors import (
    AIRequestFailedError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    BroadcastStoppedError,
    ConfigurationError,
    ConflictError,
    ConnectError,
    DeadlineExceededError,
    InvalidResponseError,
    NotFoundError,
    PagingError,
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
from ac_sms_async.lowlevel.types import UNSET, Unset
from ac_sms_async.options import RateLimit, RetryPolicy, Timeout
from ac_sms_async.paging import Page, Pager
from ac_sms_async.resources.ai import AIRequest
from ac_sms_async.resources.exports import Export
from ac_sms_async.resources.metrics import FailuresOutcome, MetricsBatch, MetricsOutcome
from ac_sms_async.segments import SegmentEstimate, estimate_segments
from ac_sms_async.transport.events import Event

__all__ = [
    "UNSET",
    "AIRequest",
    "AIRequestFailedError",
    "APIStatusError",
    "AuthenticationError",
    "BadRequestError",
    "BroadcastStoppedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "DeadlineExceededError",
    "Event",
    "Export",
    "FailuresOutcome",
    "InvalidResponseError",
    "MetricsBatch",
    "MetricsOutcome",
    "NotFoundError",
    "Outcome",
    "Page",
    "Pager",
    "PagingError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimit",
    "RateLimitedError",
    "RequestInfo",
    "RetryPolicy",
    "SMSClient",
    "SMSError",
    "SegmentEstimate",
    "ServerError",
    "Timeout",
    "TransportError",
    "UnconfirmedCreate",
    "UnprocessableError",
    "Unset",
    "WaitTimeoutError",
    "__version__",
    "estimate_segments",
]

__version__ = "0.1.0"
