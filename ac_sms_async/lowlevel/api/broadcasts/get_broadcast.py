"""Get a broadcast: GET /sms/broadcasts/{id}."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.broadcast_message import BroadcastMessage
from ...writing import write_int


def request(
    broadcast_id: int,
) -> Request[BroadcastMessage]:
    """Builds the request, without sending it.

    Retrieves the full details for one broadcast message.

    Args:
        broadcast_id: Broadcast ID

    Calls getBroadcast: GET /sms/broadcasts/{id}.
    """
    return Request(
        operation_id="getBroadcast",
        method="GET",
        path=f"/sms/broadcasts/{write_int(broadcast_id, 'broadcast_id')}",
        retry_safe=True,
        decode=BroadcastMessage.from_envelope,
    )


async def asyncio_detailed(
    broadcast_id: int,
    *,
    client: Client,
) -> Response[BroadcastMessage]:
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
) -> BroadcastMessage:
    """Get a broadcast.

    Retrieves the full details for one broadcast message.

    Args:
        broadcast_id: Broadcast ID

    Calls getBroadcast: GET /sms/broadcasts/{id}.
    """
    return (
        await asyncio_detailed(
            broadcast_id,
            client=client,
        )
    ).parsed
