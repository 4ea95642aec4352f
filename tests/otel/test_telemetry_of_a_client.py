"""`Telemetry` on a real client, against the sandbox on a real socket: calls, retries, failures, cancellation."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from ac_sms_async import RetryPolicy, ServerError, SMSClient
from ac_sms_async.otel import Telemetry
from ac_sms_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate_limit=None) as running:
        yield running


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def tracers(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
def sms(sandbox: Sandbox, tracers: TracerProvider, reader: InMemoryMetricReader) -> SMSClient:
    telemetry = Telemetry(tracer_provider=tracers, meter_provider=MeterProvider([reader]))
    return SMSClient(
        sandbox.url,
        sandbox.token,
        rate_limit=None,
        retry=RetryPolicy(max_attempts=2, initial=0.01),
        account="acme",
        on_event=telemetry,
    )


async def test_a_retried_call_is_one_span(
    sms: SMSClient, sandbox: Sandbox, tracers: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    sandbox.faults.add("503", "getBroadcast", nth=1)
    async with sms:
        with tracers.get_tracer("app").start_as_current_span("work") as work:
            await sms.broadcasts.get(1)

    call, _ = exporter.get_finished_spans()
    assert call.name == "GET /sms/broadcasts/{id}"
    assert call.parent is not None
    assert call.parent.span_id == work.get_span_context().span_id
    assert [event.name for event in call.events] == ["ac_sms.attempt", "ac_sms.retry", "ac_sms.attempt"]
    assert call.attributes is not None
    assert call.attributes["http.request.resend_count"] == 1
    assert call.attributes["http.response.status_code"] == 200
    assert call.attributes["url.full"] == f"{sandbox.url}/api/3/sms/broadcasts/1"
    assert call.attributes["ac_sms.account"] == "acme"
    assert call.status.status_code is StatusCode.UNSET


async def test_calls_at_the_same_time_keep_apart(sms: SMSClient, exporter: InMemorySpanExporter) -> None:
    async with sms, anyio.create_task_group() as tasks:
        for broadcast_id in range(1, 11):
            tasks.start_soon(sms.broadcasts.get, broadcast_id)

    spans = exporter.get_finished_spans()
    assert len(spans) == len({span.context.span_id for span in spans if span.context is not None}) == 10
    assert all(len(span.events) == 1 for span in spans)


async def test_a_failed_call_is_an_error(sms: SMSClient, sandbox: Sandbox, exporter: InMemorySpanExporter) -> None:
    sandbox.faults.add("500", "*")
    async with sms:
        with pytest.raises(ServerError):
            await sms.credits.get()

    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "500"


async def test_a_cancelled_call_ends_its_span(
    sms: SMSClient, sandbox: Sandbox, exporter: InMemorySpanExporter, reader: InMemoryMetricReader
) -> None:
    sandbox.faults.add("stall", "*")
    async with sms:
        with anyio.move_on_after(0.1):
            await sms.credits.get()

    (span,) = exporter.get_finished_spans()
    assert span.end_time is not None
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes is not None
    assert "http.response.status_code" not in span.attributes
    assert span.attributes["error.type"] == "cancelled"
    data = reader.get_metrics_data()
    assert data is not None
    assert data.to_json().count('"error.type": "cancelled"') == 1


async def test_an_export_is_a_span_too(sms: SMSClient, exporter: InMemorySpanExporter) -> None:
    async with sms, sms.exports.recipients(1) as export:
        async for _ in export.bytes():
            pass

    (span,) = exporter.get_finished_spans()
    assert span.name == "POST /sms/broadcasts/{id}/recipients/export"


async def test_the_token_is_nowhere(
    sms: SMSClient, sandbox: Sandbox, exporter: InMemorySpanExporter, reader: InMemoryMetricReader
) -> None:
    sandbox.faults.add("401", "createBroadcast")
    async with sms:
        await sms.broadcasts.list(name="who?").to_list()
        with pytest.raises(Exception, match="401"):
            await sms.broadcasts.create(name="n", body="b")

    data = reader.get_metrics_data()
    assert data is not None
    recorded = data.to_json() + "".join(span.to_json() for span in exporter.get_finished_spans())
    assert "createBroadcast" in recorded
    assert sandbox.token not in recorded
    # Nor is what was asked for.
    assert "who" not in recorded
