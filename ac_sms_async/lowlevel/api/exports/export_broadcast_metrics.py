"""Export the metrics of broadcasts as CSV: POST /sms/broadcasts/export."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.broadcast_ids import BroadcastIds
from ...reading import read_csv


def request(
    body: BroadcastIds,
) -> Request[str]:
    """Builds the request, without sending it.

    Export broadcast performance metrics as CSV.

    Args:
        body: The broadcasts asked for

    Calls exportBroadcastMetrics: POST /sms/broadcasts/export.
    """
    return Request(
        operation_id="exportBroadcastMetrics",
        method="POST",
        path="/sms/broadcasts/export",
        accept="text/csv",
        retry_safe=True,
        decode=read_csv,
        json=body.to_dict(),
    )


async def asyncio_detailed(
    body: BroadcastIds,
    *,
    client: Client,
) -> Response[str]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            body,
        )
    )


async def asyncio(
    body: BroadcastIds,
    *,
    client: Client,
) -> str:
    """Export the metrics of broadcasts as CSV.

    Export broadcast performance metrics as CSV.

    Args:
        body: The broadcasts asked for

    Calls exportBroadcastMetrics: POST /sms/broadcasts/export.
    """
    return (
        await asyncio_detailed(
            body,
            client=client,
        )
    ).parsed
