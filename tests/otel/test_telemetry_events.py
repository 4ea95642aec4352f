"""`Telemetry` fed with events by hand: what becomes of each of them, in the SDK's in-memory exporters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, MetricsData, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from ac_sms_async.otel import Telemetry
from ac_sms_async.transport.events import (
    AccountPaused,
    AttemptFinished,
    CallFinished,
    CallStarted,
    Event,
    RetryScheduled,
)


class Recorded:
    """A `Telemetry` whose spans and metrics stay here."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        meter_provider = MeterProvider([self._metrics])
        self.telemetry = Telemetry(tracer_provider=self.tracer_provider, meter_provider=meter_provider)
        self._data: MetricsData | None = None

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()

    def points(self, name: str) -> list[HistogramDataPoint | NumberDataPoint]:
        # Read once: older SDKs forget a gauge with each reading.
        self._data = self._data or self._metrics.get_metrics_data()
        found: list[Any] = []
        for resource in self._data.resource_metrics if self._data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        found.extend(metric.data.data_points)
        return found


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


ABOUT: dict[str, Any] = {
    "call_id": 1,
    "account": "https://acme.api-us1.com",
    "base_url": "https://acme.api-us1.com",
    "operation_id": "getBroadcast",
    "method": "GET",
    "path": "/sms/broadcasts/42",
}


def attempt(**changes: Any) -> AttemptFinished:
    given: dict[str, Any] = {
        "attempt": 1,
        "status": 200,
        "error": None,
        "priority": "bulk",
        "queued": 0.25,
        "paced": 0.5,
        "duration": 0.125,
        "rate_limit": 5,
        "rate_remaining": 3,
    }
    return AttemptFinished(**(ABOUT | given | changes))


def attributes_of(value: object) -> Mapping[str, Any]:
    attributes = getattr(value, "attributes", None)
    assert attributes is not None
    return dict(attributes)


def test_a_call_is_a_client_span_with_its_attempts_as_events(recorded: Recorded) -> None:
    telemetry = recorded.telemetry
    telemetry(CallStarted(**ABOUT, deadline=300.0))
    telemetry(attempt(status=503, error="ServerError"))
    telemetry(RetryScheduled(**ABOUT, attempt=1, status=503, error="ServerError", delay=0.75))
    telemetry(attempt(attempt=2))
    telemetry(CallFinished(**ABOUT, attempts=2, status=200, error=None, duration=2.0, maybe_applied=False))

    (span,) = recorded.spans()
    assert span.name == "GET /sms/broadcasts/{id}"
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert attributes_of(span) == {
        "http.request.method": "GET",
        "http.request.resend_count": 1,
        "http.response.status_code": 200,
        "server.address": "acme.api-us1.com",
        "server.port": 443,
        "url.full": "https://acme.api-us1.com/api/3/sms/broadcasts/42",
        "url.template": "/sms/broadcasts/{id}",
        "ac_sms.account": "https://acme.api-us1.com",
        "ac_sms.deadline": 300.0,
        "ac_sms.operation": "getBroadcast",
    }
    assert [(event.name, attributes_of(event)) for event in span.events] == [
        (
            "ac_sms.attempt",
            {
                "ac_sms.attempt": 1,
                "ac_sms.duration": 0.125,
                "ac_sms.pacing.wait": 0.5,
                "ac_sms.queue.wait": 0.25,
                "http.response.status_code": 503,
                "error.type": "503",
            },
        ),
        (
            "ac_sms.retry",
            {"ac_sms.attempt": 1, "ac_sms.delay": 0.75, "http.response.status_code": 503, "error.type": "503"},
        ),
        (
            "ac_sms.attempt",
            {
                "ac_sms.attempt": 2,
                "ac_sms.duration": 0.125,
                "ac_sms.pacing.wait": 0.5,
                "ac_sms.queue.wait": 0.25,
                "http.response.status_code": 200,
            },
        ),
    ]


def test_the_span_lies_under_the_current_one(recorded: Recorded) -> None:
    with recorded.tracer_provider.get_tracer("app").start_as_current_span("work") as work:
        recorded.telemetry(CallStarted(**ABOUT, deadline=300.0))
    recorded.telemetry(CallFinished(**ABOUT, attempts=0, status=None, error=None, duration=1.0, maybe_applied=False))

    call = next(span for span in recorded.spans() if span.name != "work")
    assert call.parent is not None
    assert call.parent.span_id == work.get_span_context().span_id


def test_a_failed_call_says_what_failed(recorded: Recorded) -> None:
    recorded.telemetry(CallStarted(**ABOUT, deadline=300.0))
    recorded.telemetry(
        CallFinished(**ABOUT, attempts=1, status=None, error="ConnectError", duration=1.0, maybe_applied=False)
    )

    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "ConnectError"
    assert attributes_of(span)["error.type"] == "ConnectError"
    assert "http.response.status_code" not in attributes_of(span)
    assert "http.request.resend_count" not in attributes_of(span)


@pytest.mark.parametrize("maybe_applied", [True, False])
def test_a_write_that_may_have_been_applied_says_so(recorded: Recorded, maybe_applied: bool) -> None:
    recorded.telemetry(CallStarted(**ABOUT, deadline=300.0))
    recorded.telemetry(
        CallFinished(**ABOUT, attempts=1, status=None, error=None, duration=1.0, maybe_applied=maybe_applied)
    )

    (span,) = recorded.spans()
    assert attributes_of(span).get("ac_sms.maybe_applied", False) is maybe_applied


def test_an_unreadable_success_is_an_error_by_its_class(recorded: Recorded) -> None:
    recorded.telemetry(CallStarted(**ABOUT, deadline=300.0))
    recorded.telemetry(
        CallFinished(**ABOUT, attempts=1, status=200, error="InvalidResponseError", duration=1.0, maybe_applied=False)
    )

    (span,) = recorded.spans()
    assert attributes_of(span)["error.type"] == "InvalidResponseError"


def test_metrics(recorded: Recorded) -> None:
    telemetry = recorded.telemetry
    telemetry(CallStarted(**ABOUT, deadline=300.0))
    telemetry(attempt(status=429, error="RateLimitedError", rate_remaining=0))
    telemetry(AccountPaused(**ABOUT, seconds=30.0))
    telemetry(RetryScheduled(**ABOUT, attempt=1, status=429, error="RateLimitedError", delay=30.0))
    telemetry(attempt(attempt=2, rate_remaining=4))
    telemetry(attempt(attempt=3, rate_remaining=None))
    telemetry(CallFinished(**ABOUT, attempts=2, status=200, error=None, duration=31.0, maybe_applied=False))

    common = {
        "http.request.method": "GET",
        "url.template": "/sms/broadcasts/{id}",
        "server.address": "acme.api-us1.com",
        "server.port": 443,
        "ac_sms.operation": "getBroadcast",
        "ac_sms.account": "https://acme.api-us1.com",
    }
    refused = {"http.response.status_code": 429, "error.type": "429"}

    durations = recorded.points("http.client.request.duration")
    by_status = {attributes_of(point)["http.response.status_code"]: point for point in durations}
    assert attributes_of(by_status[429]) == common | refused
    assert attributes_of(by_status[200]) == common | {"http.response.status_code": 200}
    answered = by_status[200]
    assert isinstance(answered, HistogramDataPoint)
    assert (answered.count, answered.sum) == (2, 0.25)
    assert answered.explicit_bounds[:3] == (0.005, 0.01, 0.025)
    # Exemplars lead from a measurement to the span of its call.
    (span,) = recorded.spans()
    assert span.context is not None
    assert {exemplar.span_id for exemplar in answered.exemplars} == {span.context.span_id}

    for name, total in (
        ("ac_sms.client.call.duration", 31.0),
        ("ac_sms.client.pacing.wait", 1.5),
        ("ac_sms.client.queue.wait", 0.75),
    ):
        (point,) = recorded.points(name)
        assert isinstance(point, HistogramDataPoint)
        assert point.sum == total
        assert point.explicit_bounds[-1] == 300.0
    # Who waits for the budget is of one priority or the other.
    (paced,) = recorded.points("ac_sms.client.pacing.wait")
    assert attributes_of(paced) == common | {"ac_sms.priority": "bulk"}

    (retries,) = recorded.points("ac_sms.client.retries")
    assert isinstance(retries, NumberDataPoint)
    assert (retries.value, attributes_of(retries)) == (1, common | refused)
    (pauses,) = recorded.points("ac_sms.client.pauses")
    assert isinstance(pauses, NumberDataPoint)
    assert (pauses.value, attributes_of(pauses)) == (1, {"ac_sms.account": "https://acme.api-us1.com"})
    (budget,) = recorded.points("ac_sms.client.budget.remaining")
    assert isinstance(budget, NumberDataPoint)
    assert budget.value == 4


def test_an_account_by_name_and_an_endpoint_that_the_document_lacks(recorded: Recorded) -> None:
    about: dict[str, Any] = ABOUT | {"account": "acme", "operation_id": "", "path": "/contacts/7"}
    recorded.telemetry(CallStarted(**about, deadline=300.0))
    recorded.telemetry(CallFinished(**about, attempts=1, status=200, error=None, duration=1.0, maybe_applied=False))

    (span,) = recorded.spans()
    assert span.name == "GET"
    assert attributes_of(span) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "acme.api-us1.com",
        "server.port": 443,
        "url.full": "https://acme.api-us1.com/api/3/contacts/7",
        "ac_sms.account": "acme",
        "ac_sms.deadline": 300.0,
    }


def operations() -> list[tuple[str, str, str]]:
    document = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())
    return [
        (operation["operationId"], method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "operationId" in operation
    ]


@pytest.mark.parametrize(("operation_id", "method", "template"), operations())
def test_span_names_never_hold_an_id(recorded: Recorded, operation_id: str, method: str, template: str) -> None:
    # AI requests are known by texts, everything else by numbers.
    path = re.sub(r"\{\w+\}", "a-b_c%20d" if "/ai/" in template else "4711", template)
    about: dict[str, Any] = ABOUT | {"operation_id": operation_id, "method": method, "path": path}
    recorded.telemetry(CallStarted(**about, deadline=300.0))
    recorded.telemetry(CallFinished(**about, attempts=1, status=200, error=None, duration=1.0, maybe_applied=False))

    (span,) = recorded.spans()
    assert span.name == f"{method} " + re.sub(r"\{\w+\}", "{id}", template)


@pytest.mark.parametrize(
    ("base_url", "port"), [("http://127.0.0.1:8080/globex", 8080), ("http://localhost", 80), ("https://a.b", 443)]
)
def test_the_port_is_always_told(recorded: Recorded, base_url: str, port: int) -> None:
    about: dict[str, Any] = ABOUT | {"base_url": base_url}
    recorded.telemetry(CallStarted(**about, deadline=300.0))
    recorded.telemetry(CallFinished(**about, attempts=1, status=200, error=None, duration=1.0, maybe_applied=False))

    (span,) = recorded.spans()
    assert attributes_of(span)["server.port"] == port
    assert attributes_of(span)["url.full"] == f"{base_url}/api/3/sms/broadcasts/42"


def test_a_call_whose_start_was_not_seen_is_measured_but_has_no_span(recorded: Recorded) -> None:
    recorded.telemetry(attempt())
    recorded.telemetry(CallFinished(**ABOUT, attempts=1, status=200, error=None, duration=1.0, maybe_applied=False))

    assert recorded.spans() == ()
    assert len(recorded.points("http.client.request.duration")) == 1


def test_an_event_of_a_later_version_is_left_alone(recorded: Recorded) -> None:
    recorded.telemetry(Event(**ABOUT))
    assert recorded.spans() == ()


def test_without_an_sdk_nothing_happens() -> None:
    telemetry = Telemetry()
    telemetry(CallStarted(**ABOUT, deadline=300.0))
    telemetry(CallFinished(**ABOUT, attempts=1, status=200, error=None, duration=1.0, maybe_applied=False))
    assert trace.get_current_span() is trace.INVALID_SPAN
