"""Update a broadcast: PUT /sms/broadcasts/{id}."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.broadcast_message import BroadcastMessage
from ...models.broadcast_update_request import BroadcastUpdateRequest
from ...writing import write_int


def request(
    broadcast_id: int,
    body: BroadcastUpdateRequest,
) -> Request[BroadcastMessage]:
    """Builds the request, without sending it.

    Updates an existing broadcast message.

    Args:
        broadcast_id: Broadcast ID
        body: What to change of a broadcast

    Calls updateBroadcast: PUT /sms/broadcasts/{id}.
    """
    return Request(
        operation_id="updateBroadcast",
        method="PUT",
        path=f"/sms/broadcasts/{write_int(broadcast_id, 'broadcast_id')}",
        retry_safe=False,
        decode=BroadcastMessage.from_envelope,
        json=body.to_dict(),
    )


async def asyncio_detailed(
    broadcast_id: int,
    body: BroadcastUpdateRequest,
    *,
    client: Client,
) -> Response[BroadcastMessage]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            broadcast_id,
            body,
        )
    )


async def asyncio(
    broadcast_id: int,
    body: BroadcastUpdateRequest,
    *,
    client: Client,
) -> BroadcastMessage:
    """Update a broadcast.

    Updates an existing broadcast message.

    Args:
        broadcast_id: Broadcast ID
        body: What to change of a broadcast

    Calls updateBroadcast: PUT /sms/broadcasts/{id}.
    """
    return (
        await asyncio_detailed(
            broadcast_id,
            body,
            client=client,
        )
    ).parsed
