"""What came of broadcasts: metrics one by one and in bulk, account snapshots, failures by code."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from datetime import date
from typing import Any, overload

from attrs import define, field

from ac_sms_async.batching import BatchStream, Outcome, Progress
from ac_sms_async.errors import ConfigurationError, SMSError
from ac_sms_async.lowlevel.api.metrics import (
    get_broadcast_failures,
    get_broadcast_metrics,
    get_broadcast_snapshot,
    get_broadcast_snapshot_by_ids,
)
from ac_sms_async.models import BroadcastIds, BroadcastMetrics, FailureDetail, Snapshot
from ac_sms_async.resources import arguments
from ac_sms_async.resources.base import Resource

__all__ = ["FailuresOutcome", "MetricsBatch", "MetricsOutcome", "MetricsResource"]
