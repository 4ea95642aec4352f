"""Delete a broadcast: DELETE /sms/broadcasts/{id}."""

from __future__ import annotations

import datetime
from typing import Any

from ...client import Client, Request, Response
from ...models.broadcast_message import BroadcastMessage
from ...writing import write_int


def _decode(data: Any, zone: datetime.tzinfo) -> BroadcastMessage | None:
    """What counts is the status: the object may be missing."""
    if not data or (isinstance(data, dict) and data.keys().isdisjoint(("id", "broadcast"))):
        return None
    return BroadcastMessage.from_envelope(data, zone)


def request(
    broadcast_id: int,
) -> Request[BroadcastMessage | None]:
    """Builds the request, without sending it.

    Performs a soft-delete on the requested message.

    Args:
        broadcast_id: Broadcast ID

    Calls deleteBroadcast: DELETE /sms/broadcasts/{id}.
    """
    return Request(
        operation_id="deleteBroadcast",
        method="DELETE",
        path=f"/sms/broadcasts/{write_int(broadcast_id, 'broadcast_id')}",
        retry_safe=False,
        decode=_decode,
    )


async def asyncio_detailed(
    broadcast_id: int,
    *,
    client: Client,
) -> Response[BroadcastMessage | None]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            broadcast_id,
        )
    )


async def asyncio(
    broadcast_id: int,
    *,
    client: Client,
) -> BroadcastMessage | None:
    """Delete a broadcast.

    Performs a soft-delete on the requested message.

    Args:
        broadcast_id: Broadcast ID

    Calls deleteBroadcast: DELETE /sms/broadcasts/{id}.
    """
    return (
        await asyncio_detailed(
            broadcast_id,
            client=client,
        )
    ).parsed
