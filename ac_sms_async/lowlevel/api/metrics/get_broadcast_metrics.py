"""Get the metrics of broadcasts: POST /sms/broadcasts/metrics."""

from __future__ import annotations

import datetime
from urllib.parse import urlencode

from ...client import Client, Request, Response
from ...models.broadcast_ids import BroadcastIds
from ...models.broadcast_metrics_response import BroadcastMetricsResponse
from ...writing import write_date


def request(
    body: BroadcastIds,
    *,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> Request[BroadcastMetricsResponse]:
    """Builds the request, without sending it.

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


async def asyncio_detailed(
    body: BroadcastIds,
    *,
    client: Client,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> Response[BroadcastMetricsResponse]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            body,
            start_date=start_date,
            end_date=end_date,
        )
    )


async def asyncio(
    body: BroadcastIds,
    *,
    client: Client,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> BroadcastMetricsResponse:
    """Get the metrics of broadcasts.

    Returns metrics for specified broadcast IDs.

    Args:
        body: The broadcasts asked for
        start_date: Start date for metrics (YYYY-MM-DD)
        end_date: End date for metrics (YYYY-MM-DD)

    Calls getBroadcastMetrics: POST /sms/broadcasts/metrics.
    """
    return (
        await asyncio_detailed(
            body,
            client=client,
            start_date=start_date,
            end_date=end_date,
        )
    ).parsed
