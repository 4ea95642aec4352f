"""Get the snapshot of some broadcasts: POST /sms/broadcasts/metrics/snapshot."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.broadcast_ids import BroadcastIds
from ...models.snapshot_response import SnapshotResponse


def request(
    body: BroadcastIds,
) -> Request[SnapshotResponse]:
    """Builds the request, without sending it.

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


async def asyncio_detailed(
    body: BroadcastIds,
    *,
    client: Client,
) -> Response[SnapshotResponse]:
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
) -> SnapshotResponse:
    """Get the snapshot of some broadcasts.

    Returns snapshot for specified broadcast IDs.

    Args:
        body: The broadcasts asked for

    Calls getBroadcastSnapshotByIds: POST /sms/broadcasts/metrics/snapshot.
    """
    return (
        await asyncio_detailed(
            body,
            client=client,
        )
    ).parsed
