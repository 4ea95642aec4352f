"""Run in an environment with all extras: each of them does its work."""

from __future__ import annotations

import asyncio
import sys

import trio
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ac_sms_async import SMSClient
from ac_sms_async.otel import Telemetry
from ac_sms_async.sandbox import Sandbox


async def read(url: str, token: str) -> None:
    async with SMSClient(url, token, rate_limit=None) as sms:
        assert await sms.broadcasts.list().first() is not None


async def over_httptools(url: str, token: str) -> None:
    spans, numbers = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    telemetry = Telemetry(tracer_provider=tracers, meter_provider=MeterProvider([numbers]))
    async with SMSClient(url, token, rate_limit=None, backend="httptools", on_event=telemetry) as sms:
        assert len(await sms.broadcasts.list().to_list()) > 1
    assert spans.get_finished_spans()
    assert numbers.get_metrics_data() is not None


url, token = sys.argv[1:]
asyncio.run(over_httptools(url, token))
trio.run(read, url, token)
with Sandbox() as sandbox:
    asyncio.run(read(sandbox.url, sandbox.token))
