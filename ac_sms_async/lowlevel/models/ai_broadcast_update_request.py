"""AIBroadcastUpdateRequest: What the AI is asked to change."""

from __future__ import annotations

from typing import Any

from attrs import define

from ..base import Model
from .ai_source import AISource


@define(kw_only=True, eq=False, repr=False)
class AIBroadcastUpdateRequest(Model):
    """What the AI is asked to change. What is UNSET is left out; None clears.

    Attributes:
        source: The place in the product that an AI request comes from
        prompt: User prompt for AI generation
        tone: Desired tone for the message
        broadcast_id: The broadcast to change
    """

    source: AISource
    prompt: str
    tone: str
    broadcast_id: int

    def to_dict(self) -> dict[str, Any]:
        """The body to send, by wire names."""
        result: dict[str, Any] = {}
        result["source"] = self.source
        result["prompt"] = self.prompt
        result["tone"] = self.tone
        result["broadcastId"] = self.broadcast_id
        return result
