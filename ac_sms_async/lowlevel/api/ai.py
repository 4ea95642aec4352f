"""Operations of the tag ai."""

from __future__ import annotations

from ..client import Request, endpoint
from ..models.ai_broadcast_request import AIBroadcastRequest
from ..models.ai_broadcast_response import AIBroadcastResponse
from ..models.ai_broadcast_status import AIBroadcastStatus
from ..models.ai_broadcast_update_request import AIBroadcastUpdateRequest
from ..writing import (
    write_segment,
)


@endpoint
def create_ai_broadcast(body: AIBroadcastRequest) -> Request[AIBroadcastResponse]:
    """Create a broadcast with AI.

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


@endpoint
def get_ai_broadcast_status(request_id: str) -> Request[AIBroadcastStatus]:
    """Get the status of an AI request.

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


@endpoint
def update_ai_broadcast(body: AIBroadcastUpdateRequest) -> Request[AIBroadcastResponse]:
    """Update a broadcast with AI.

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
