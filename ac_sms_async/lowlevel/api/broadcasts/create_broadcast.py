"""Create a broadcast: POST /sms/broadcasts."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.broadcast_create_request import BroadcastCreateRequest
from ...models.broadcast_message import BroadcastMessage


def request(
    body: BroadcastCreateRequest,
) -> Request[BroadcastMessage]:
    """Builds the request, without sending it.

    Creates a new SMS broadcast message.

    Args:
        body: A new broadcast

    Calls createBroadcast: POST /sms/broadcasts.
    """
    return Request(
        operation_id="createBroadcast",
        method="POST",
        path="/sms/broadcasts",
        retry_safe=False,
        decode=BroadcastMessage.from_envelope,
        json=body.to_dict(),
    )


async def asyncio_detailed(
    body: BroadcastCreateRequest,
    *,
    client: Client,
) -> Response[BroadcastMessage]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            body,
        )
    )


async def asyncio(
    body: BroadcastCreateRequest,
    *,
    client: Client,
) -> BroadcastMessage:
    """Create a broadcast.

    Creates a new SMS broadcast message.

    Args:
        body: A new broadcast

    Calls createBroadcast: POST /sms/broadcasts.
    """
    return (
        await asyncio_detailed(
            body,
            client=client,
        )
    ).parsed
