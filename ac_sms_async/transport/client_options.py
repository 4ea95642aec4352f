"""The options of a client and of its views, their names and types; what they mean stands at `SMSClient`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack

from attrs import evolve, field, frozen

from ac_sms_async.options import (
    Priority,
    RateLimit,
    RetryPolicy,
    Timeout,
    positive_seconds,
    priority_of_calls,
    time_zone,
    value_of,
)
from ac_sms_async.transport.address import more_headers
from ac_sms_async.transport.bodies import JSONLoads
from ac_sms_async.transport.events import EventHandler

if TYPE_CHECKING:
    import ssl

    import httpx
    import httpx2

__all__ = ["CallOptions", "ClientOptions", "ViewOptions"]


class ClientOptions(TypedDict, total=False):
    """The options of `SMSClient`, `SMSClient.from_env` and `Transport`, beside URL and token."""

    timeout: float | Timeout
    deadline: float
    retry: RetryPolicy
    rate_limit: RateLimit | None
    budget: str | None
    max_concurrency: int
    account: str | None
    timezone: str | tzinfo
    backend: Literal["httpx", "httptools"]
    proxy: str | None
    ssl_context: ssl.SSLContext | None
    trust_env: bool
    http_client: httpx.AsyncClient | httpx2.AsyncClient | None
    json_loads: JSONLoads | None
    allow_insecure_http: bool
    on_event: EventHandler | None
    before_start: Callable[[], object] | None
    priority: Literal["interactive", "bulk"]


class ViewOptions(TypedDict, total=False):
    """The options of `with_options`. What isn't given, or is None, stays as it is."""

    timeout: float | Timeout | None
    deadline: float | None
    retry: RetryPolicy | None
    timezone: str | tzinfo | None
    headers: Mapping[str, str] | None
    priority: Literal["interactive", "bulk"] | None


def _timeout(value: Any) -> Timeout:
    return Timeout.of(value)


def _deadline(value: Any) -> float:
    return positive_seconds("deadline", value)


def _retry(value: Any) -> RetryPolicy:
    return value_of(RetryPolicy, "retry", value)


@frozen
class CallOptions:
    """What a call is made with, checked: the client's own, or a view's."""

    timeout: Timeout = field(converter=_timeout)
    deadline: float = field(converter=_deadline)
    retry: RetryPolicy = field(converter=_retry)
    timezone: tzinfo = field(converter=time_zone)
    priority: Priority = field(converter=priority_of_calls)
    headers: tuple[tuple[str, str], ...] = ()

    def with_options(self, **options: Unpack[ViewOptions]) -> Self:
        """The same with other options, where they are given; headers are added."""
        changes: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        if "headers" in changes:
            changes["headers"] = more_headers(self.headers, changes["headers"])
        return evolve(self, **changes)
