"""Operations of the tag metrics."""

from __future__ import annotations

import datetime
from urllib.parse import urlencode

from ..client import Request, endpoint
from ..models.broadcast_ids import BroadcastIds
from ..models.broadcast_metrics_response import BroadcastMetricsResponse
from ..models.failure_details_response import FailureDetailsResponse
from ..models.snapshot_response import SnapshotResponse
from ..writing import (
    write_date,
    write_int,
)


@endpoint
def get_broadcast_failures(
    broadcast_id: int, *, start_date: datetime.date | None = None, end_date: datetime.date | None = None
) -> Request[FailureDetailsResponse]:
    """Get the failures of a broadcast.

    Returns grouping and counts of failures for the broadcast.

    Args:
        broadcast_id: Broadcast ID
        start_date: Start date (YYYY-MM-DD)
        end_date: End date (YYYY-MM-DD)

    Calls getBroadcastFailures: GET /sms/broadcasts/metrics/{broadcastId}/failures.
    """
    query: list[tuple[str, str]] = []
    if start_date is not None:
        query.append(("start_date", write_date(start_date, "start_date")))
    if end_date is not None:
        query.append(("end_date", write_date(end_date, "end_date")))
    return Request(
        operation_id="getBroadcastFailures",
        method="GET",
        path=f"/sms/broadcasts/metrics/{write_int(broadcast_id, 'broadcast_id')}/failures",
        query=urlencode(query),
        retry_safe=True,
        decode=FailureDetailsResponse.from_dict,
    )


@endpoint
def get_broadcast_metrics(
    body: BroadcastIds, *, start_date: datetime.date | None = None, end_date: datetime.date | None = None
) -> Request[BroadcastMetricsResponse]:
    """Get the metrics of broadcasts.

    Returns metrics for specified broadcast IDs.

    Args:
        body: The broadcasts asked for
        start_date: Start date for metrics (YYYY-MM-DD)
        end_date: End date for metrics (YYYY-MM-DD)

    Calls getBroadcastMetrics: POST /sms/broadcasts/metrics.
    """
    query: list[tuple[str, str]] = []
    if start_date is not None:
        query.append(("start_date", write_date(start_date, "start_date")))
    if end_date is not None:
        query.append(("end_date", write_date(end_date, "end_date")))
    return Request(
        operation_id="getBroadcastMetrics",
        method="POST",
        path="/sms/broadcasts/metrics",
        query=urlencode(query),
        retry_safe=True,
        decode=BroadcastMetricsResponse.from_dict,
        json=body.to_dict(),
    )


@endpoint
def get_broadcast_snapshot(
    *, start_date: datetime.date | None = None, end_date: datetime.date | None = None
) -> Request[SnapshotResponse]:
    """Get the snapshot of all broadcasts.

    Returns snapshot data for all broadcasts.

    Args:
        start_date: Start date for snapshot (YYYY-MM-DD)
        end_date: End date for snapshot (YYYY-MM-DD)

    Calls getBroadcastSnapshot: GET /sms/broadcasts/metrics/snapshot.
    """
    query: list[tuple[str, str]] = []
    if start_date is not None:
        query.append(("start_date", write_date(start_date, "start_date")))
    if end_date is not None:
        query.append(("end_date", write_date(end_date, "end_date")))
    return Request(
        operation_id="getBroadcastSnapshot",
        method="GET",
        path="/sms/broadcasts/metrics/snapshot",
        query=urlencode(query),
        retry_safe=True,
        decode=SnapshotResponse.from_dict,
    )


@endpoint
def get_broadcast_snapshot_by_ids(body: BroadcastIds) -> Request[SnapshotResponse]:
    """Get the snapshot of some broadcasts.

    Returns snapshot for specified broadcast IDs.

    Args:
        body: The broadcasts asked for

    Calls getBroadcastSnapshotByIds: POST /sms/broadcasts/metrics/snapshot.
    """
    return Request(
        operation_id="getBroadcastSnapshotByIds",
        method="POST",
        path="/sms/broadcasts/metrics/snapshot",
        retry_safe=True,
        decode=SnapshotResponse.from_dict,
        json=body.to_dict(),
    )
