"""Update a broadcast with AI: PUT /sms/broadcasts/ai."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.ai_broadcast_response import AIBroadcastResponse
from ...models.ai_broadcast_update_request import AIBroadcastUpdateRequest


def request(
    body: AIBroadcastUpdateRequest,
) -> Request[AIBroadcastResponse]:
    """Builds the request, without sending it.

    Updates an existing broadcast using AI.

    Args:
        body: What the AI is asked to change

    Calls updateAIBroadcast: PUT /sms/broadcasts/ai.
    """
    return Request(
        operation_id="updateAIBroadcast",
        method="PUT",
        path="/sms/broadcasts/ai",
        retry_safe=False,
        decode=AIBroadcastResponse.from_dict,
        json=body.to_dict(),
    )


async def asyncio_detailed(
    body: AIBroadcastUpdateRequest,
    *,
    client: Client,
) -> Response[AIBroadcastResponse]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            body,
        )
    )


async def asyncio(
    body: AIBroadcastUpdateRequest,
    *,
    client: Client,
) -> AIBroadcastResponse:
    """Update a broadcast with AI.

    Updates an existing broadcast using AI.

    Args:
        body: What the AI is asked to change

    Calls updateAIBroadcast: PUT /sms/broadcasts/ai.
    """
    return (
        await asyncio_detailed(
            body,
            client=client,
        )
    ).parsed
