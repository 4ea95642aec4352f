"""OpenTelemetry for the client: a span for each call with its attempts as events, and metrics. Extra: `[otel]`.

    sms = SMSClient.from_env(on_event=Telemetry())

Names and units follow the semantic conventions for HTTP clients where they have one, and begin with `ac_sms` otherwise.
Nothing recorded holds a body, a header, a query or the token, and no trace header is sent to ActiveCampaign.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from opentelemetry import context, metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from ac_sms_async.transport.events import (
    AccountPaused,
    AttemptFinished,
    CallFinished,
    CallStarted,
    Event,
    RetryScheduled,
)
from ac_sms_async.version import __version__

__all__ = ["Telemetry"]

_Attributes: TypeAlias = dict[str, str | int | float]

_SCOPE: Final = "ac_sms_async"
_SCHEMA: Final = "https://opentelemetry.io/schemas/1.27.0"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The boundaries that the conventions advise for durations of requests."""
_LONG_SECONDS: Final = (*_SECONDS, 30.0, 60.0, 120.0, 300.0)
"""The same, and on to what a call may take with its waiting."""
_VALUE_IN_PATH: Final = re.compile(r"(?<=/)\d+(?=/|$)|(?<=/ai/)[^/]+")
"""What differs from call to call in the paths of the API: numbers, and the ids of AI requests."""


class Telemetry:
    """A handler for `on_event=` that makes spans and metrics of what the client does; one can serve many clients.

    `tracer_provider` and `meter_provider` are the global ones unless given. Each call is a span of kind CLIENT under
    the span that is current where the call is made; each attempt, retry and pause is an event on it. The metrics, in
    seconds: `http.client.request.duration` for each attempt; `ac_sms.client.call.duration`, all waiting included;
    `ac_sms.client.pacing.wait` and `ac_sms.client.queue.wait`. Counted: `ac_sms.client.retries`,
    `ac_sms.client.pauses`. And `ac_sms.client.budget.remaining`, what the server says is left of the account's budget.
    """

    def __init__(
        self, *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        # Not from the installation's metadata, which frozen programs and zip archives don't have.
        release = __version__
        self._tracer = trace.get_tracer(_SCOPE, release, tracer_provider, _SCHEMA)
        self._spans: dict[int, Span] = {}
        meter = metrics.get_meter(_SCOPE, release, meter_provider, _SCHEMA)
        self._request_duration = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._call_duration = meter.create_histogram(
            "ac_sms.client.call.duration",
            "s",
            "Duration of calls: all attempts and all waiting.",
            explicit_bucket_boundaries_advisory=_LONG_SECONDS,
        )
        self._pacing_wait = meter.create_histogram(
            "ac_sms.client.pacing.wait",
            "s",
            "Time that an attempt waited for the account's budget, or for a pause to end.",
            explicit_bucket_boundaries_advisory=_LONG_SECONDS,
        )
        self._queue_wait = meter.create_histogram(
            "ac_sms.client.queue.wait",
            "s",
            "Time that an attempt waited for one of the client's slots.",
            explicit_bucket_boundaries_advisory=_LONG_SECONDS,
        )
        self._retries = meter.create_counter("ac_sms.client.retries", "{retry}", "Attempts that are tried again.")
        self._pauses = meter.create_counter("ac_sms.client.pauses", "{pause}", "Pauses of an account after a 429.")
        self._budget = meter.create_gauge(
            "ac_sms.client.budget.remaining", "{request}", "Requests left to the account, as the server says."
        )

    def __call__(self, event: Event) -> None:
        """Take one event; `SMSClient` calls this."""
        match event:
            case CallStarted():
                self._start(event)
            case AttemptFinished():
                self._attempt(event)
            case RetryScheduled():
                self._retry(event)
            case AccountPaused():
                self._pause(event)
            case CallFinished():
                self._finish(event)
            case _:
                # An event of a later version of the client.
                return

    def _start(self, event: CallStarted) -> None:
        attributes = _about(event)
        attributes["url.full"] = f"{event.base_url}/api/3{event.path}"
        attributes["ac_sms.deadline"] = event.deadline
        template = attributes.get("url.template")
        name = event.method if template is None else f"{event.method} {template}"
        self._spans[event.call_id] = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)

    def _attempt(self, event: AttemptFinished) -> None:
        span, within = self._current(event)
        outcome = _outcome(event.status, event.error)
        span.add_event(
            "ac_sms.attempt",
            {
                "ac_sms.attempt": event.attempt,
                "ac_sms.duration": event.duration,
                "ac_sms.pacing.wait": event.paced,
                "ac_sms.queue.wait": event.queued,
                **outcome,
            },
        )
        about = _about(event)
        self._request_duration.record(event.duration, about | outcome, within)
        self._pacing_wait.record(event.paced, about | {"ac_sms.priority": event.priority}, within)
        self._queue_wait.record(event.queued, about, within)
        if event.rate_remaining is not None:
            self._budget.set(event.rate_remaining, {"ac_sms.account": event.account})

    def _retry(self, event: RetryScheduled) -> None:
        span, within = self._current(event)
        outcome = _outcome(event.status, event.error)
        span.add_event("ac_sms.retry", {"ac_sms.attempt": event.attempt, "ac_sms.delay": event.delay, **outcome})
        self._retries.add(1, _about(event) | outcome, within)

    def _pause(self, event: AccountPaused) -> None:
        span, within = self._current(event)
        span.add_event("ac_sms.pause", {"ac_sms.delay": event.seconds})
        self._pauses.add(1, {"ac_sms.account": event.account}, within)

    def _finish(self, event: CallFinished) -> None:
        span, within = self._current(event)
        # It is no failure, and its duration is not that of a success either.
        outcome = _outcome(event.status, event.error)
        if event.cancelled:
            outcome = {"error.type": "cancelled"}
        self._call_duration.record(event.duration, _about(event) | outcome, within)
        if event.attempts > 1:
            span.set_attribute("http.request.resend_count", event.attempts - 1)
        if event.maybe_applied:
            span.set_attribute("ac_sms.maybe_applied", True)
        span.set_attributes(outcome)
        if event.error is not None:
            span.set_status(Status(StatusCode.ERROR, event.error))
        span.end()
        self._spans.pop(event.call_id, None)

    def _current(self, event: Event) -> tuple[Span, Context]:
        """The call's span, and the context in which its measurements are made, so that they point back to it."""
        # A handler that was put in place while calls ran has not seen them start.
        span = self._spans.get(event.call_id, trace.INVALID_SPAN)
        return span, trace.set_span_in_context(span, context.get_current())


def _about(event: Event) -> _Attributes:
    server = urlsplit(event.base_url)
    attributes: _Attributes = {
        "http.request.method": event.method,
        "server.address": server.hostname or "",
        "server.port": server.port or (443 if server.scheme == "https" else 80),
        "ac_sms.account": event.account,
    }
    if event.operation_id:
        attributes["ac_sms.operation"] = event.operation_id
        attributes["url.template"] = _VALUE_IN_PATH.sub("{id}", event.path)
    return attributes


def _outcome(status: int | None, error: str | None) -> _Attributes:
    outcome: _Attributes = {}
    if status is not None:
        outcome["http.response.status_code"] = status
    if error is not None:
        outcome["error.type"] = str(status) if status is not None and status >= 400 else error
    return outcome
