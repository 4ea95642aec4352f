"""Get the snapshot of all broadcasts: GET /sms/broadcasts/metrics/snapshot."""

from __future__ import annotations

import datetime
from urllib.parse import urlencode

from ...client import Client, Request, Response
from ...models.snapshot_response import SnapshotResponse
from ...writing import write_date


def request(
    *,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> Request[SnapshotResponse]:
    """Builds the request, without sending it.

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


async def asyncio_detailed(
    *,
    client: Client,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> Response[SnapshotResponse]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            start_date=start_date,
            end_date=end_date,
        )
    )


async def asyncio(
    *,
    client: Client,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> SnapshotResponse:
    """Get the snapshot of all broadcasts.

    Returns snapshot data for all broadcasts.

    Args:
        start_date: Start date for snapshot (YYYY-MM-DD)
        end_date: End date for snapshot (YYYY-MM-DD)

    Calls getBroadcastSnapshot: GET /sms/broadcasts/metrics/snapshot.
    """
    return (
        await asyncio_detailed(
            client=client,
            start_date=start_date,
            end_date=end_date,
        )
    ).parsed
