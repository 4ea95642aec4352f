"""Get the failures of a broadcast: GET /sms/broadcasts/metrics/{broadcastId}/failures."""

from __future__ import annotations

import datetime
from urllib.parse import urlencode

from ...client import Client, Request, Response
from ...models.failure_details_response import FailureDetailsResponse
from ...writing import write_date, write_int


def request(
    broadcast_id: int,
    *,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> Request[FailureDetailsResponse]:
    """Builds the request, without sending it.

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


async def asyncio_detailed(
    broadcast_id: int,
    *,
    client: Client,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> Response[FailureDetailsResponse]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            broadcast_id,
            start_date=start_date,
            end_date=end_date,
        )
    )


async def asyncio(
    broadcast_id: int,
    *,
    client: Client,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> FailureDetailsResponse:
    """Get the failures of a broadcast.

    Returns grouping and counts of failures for the broadcast.

    Args:
        broadcast_id: Broadcast ID
        start_date: Start date (YYYY-MM-DD)
        end_date: End date (YYYY-MM-DD)

    Calls getBroadcastFailures: GET /sms/broadcasts/metrics/{broadcastId}/failures.
    """
    return (
        await asyncio_detailed(
            broadcast_id,
            client=client,
            start_date=start_date,
            end_date=end_date,
        )
    ).parsed
