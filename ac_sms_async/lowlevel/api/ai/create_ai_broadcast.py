"""Create a broadcast with AI: POST /sms/broadcasts/ai."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.ai_broadcast_request import AIBroadcastRequest
from ...models.ai_broadcast_response import AIBroadcastResponse


def request(
    body: AIBroadcastRequest,
) -> Request[AIBroadcastResponse]:
    """Builds the request, without sending it.

    Creates a broadcast using AI based on prompt and tone.

    Args:
        body: What the AI is asked to write

    Calls createAIBroadcast: POST /sms/broadcasts/ai.
    """
    return Request(
        operation_id="createAIBroadcast",
        method="POST",
        path="/sms/broadcasts/ai",
        retry_safe=False,
        decode=AIBroadcastResponse.from_dict,
        json=body.to_dict(),
    )


async def asyncio_detailed(
    body: AIBroadcastRequest,
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
    body: AIBroadcastRequest,
    *,
    client: Client,
) -> AIBroadcastResponse:
    """Create a broadcast with AI.

    Creates a broadcast using AI based on prompt and tone.

    Args:
        body: What the AI is asked to write

    Calls createAIBroadcast: POST /sms/broadcasts/ai.
    """
    return (
        await asyncio_detailed(
            body,
            client=client,
        )
    ).parsed
