"""Get the status of an AI request: GET /sms/broadcasts/ai/{Id}."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.ai_broadcast_status import AIBroadcastStatus
from ...writing import write_segment


def request(
    request_id: str,
) -> Request[AIBroadcastStatus]:
    """Builds the request, without sending it.

    Returns the current status of the AI process execution.

    Args:
        request_id: Request ID from AI broadcast creation

    Calls getAIBroadcastStatus: GET /sms/broadcasts/ai/{Id}.
    """
    return Request(
        operation_id="getAIBroadcastStatus",
        method="GET",
        path=f"/sms/broadcasts/ai/{write_segment(request_id, 'request_id')}",
        retry_safe=True,
        decode=AIBroadcastStatus.from_dict,
    )


async def asyncio_detailed(
    request_id: str,
    *,
    client: Client,
) -> Response[AIBroadcastStatus]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            request_id,
        )
    )


async def asyncio(
    request_id: str,
    *,
    client: Client,
) -> AIBroadcastStatus:
    """Get the status of an AI request.

    Returns the current status of the AI process execution.

    Args:
        request_id: Request ID from AI broadcast creation

    Calls getAIBroadcastStatus: GET /sms/broadcasts/ai/{Id}.
    """
    return (
        await asyncio_detailed(
            request_id,
            client=client,
        )
    ).parsed
