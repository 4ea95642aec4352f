"""Broadcasts written by ActiveCampaign's AI: start a request, follow it, take the broadcast it made."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, cast

from ac_sms_async.errors import AIRequestFailedError, ConfigurationError, NotFoundError
from ac_sms_async.lowlevel.api.ai import create_ai_broadcast, get_ai_broadcast_status, update_ai_broadcast
from ac_sms_async.lowlevel.api.broadcasts import get_broadcast
from ac_sms_async.models import (
    AIBroadcastRequest,
    AIBroadcastStatus,
    AIBroadcastUpdateRequest,
    BroadcastMessage,
)
from ac_sms_async.options import refuse_async
from ac_sms_async.polling import poll_until
from ac_sms_async.resources import arguments
from ac_sms_async.resources.base import Resource
from ac_sms_async.transport import Transport

__all__ = ["AIRequest", "AIResource", "AISource"]

AISource = Literal["ai_index", "sms_index", "ai_builder"]

_REQUEST_ID: Final = re.compile(r"(?!\.+$)[^\s/\\%?#\x00-\x1f\x7f]+")
"""Anything that stays one segment of a path."""
_UNSEEN_GRACE: Final = 10.0
"""Seconds for which a request just made, or the broadcast it made, may not be found yet."""


class AIRequest:
    """A request to the AI, by its id: it goes on at the server whether somebody waits for it or not."""

    def __init__(self, transport: Transport, request_id: str) -> None:
        self._transport = transport
        self.id = request_id
        """The request's id: keep it, and `sms.ai.request(id)` picks the request up again in another process."""

    def __repr__(self) -> str:
        return f"AIRequest({self.id!r})"

    async def status(self) -> AIBroadcastStatus:
        """How far the request is: `.status` (in_progress, success, error) and, once there, `.broadcast_id`.

        Raises `SMSError`. Operation: getAIBroadcastStatus.
        """
        return await get_ai_broadcast_status.asyncio(self._transport, self.id)

    async def wait(
        self, *, timeout: float = 300.0, on_poll: Callable[[AIBroadcastStatus], None] | None = None
    ) -> BroadcastMessage:
        """Wait for the AI to end, and return the broadcast that it made or changed.

        `timeout` is in seconds; it is looked at at once, after 1 s, then ever more seldom, up to every 20 s. Outages of
        the server or of the way to it are waited out. Raises `AIRequestFailedError` when the AI gave up,
        `WaitTimeoutError` (its `.last` is the last status). Ending the wait does not stop the request.
        Operations: getAIBroadcastStatus, then getBroadcast.
        """
        refuse_async("on_poll", on_poll)
        broadcast: BroadcastMessage | None = None

        async def check() -> AIBroadcastStatus:
            nonlocal broadcast
            status = await self.status()
            # Success without a broadcast is not yet an end: its id may come a moment later.
            if status.status == "success" and status.broadcast_id is not None:
                broadcast = await get_broadcast.asyncio(self._transport, status.broadcast_id)
            return status

        def ended(status: AIBroadcastStatus) -> bool:
            if status.status == "error":
                raise AIRequestFailedError(f"AI request {self.id} ended in an error", last=status)
            return broadcast is not None

        await poll_until(
            check,
            ended,
            timeout=timeout,
            tolerate=lambda error, elapsed: isinstance(error, NotFoundError) and elapsed < _UNSEEN_GRACE,
            on_poll=on_poll,
            what=f"AI request {self.id}",
        )
        return cast("BroadcastMessage", broadcast)


class AIResource(Resource):
    """`sms.ai`: have a broadcast written, or rewritten."""

    async def create(self, *, prompt: str, tone: str, source: AISource) -> AIRequest:
        """Ask the AI to write a broadcast; `wait()` on what comes back gives the draft.

        `tone` is a free text such as "casual"; `source` says which of ActiveCampaign's screens it stands for. Never
        sent twice; raises `SMSError`. Operation: createAIBroadcast.
        """
        body = AIBroadcastRequest(
            prompt=arguments.text(prompt, "prompt"),
            tone=arguments.text(tone, "tone"),
            source=arguments.choice(source, AISource, "source"),
        )
        started = await create_ai_broadcast.asyncio(self._transport, body)
        return AIRequest(self._transport, started.request_id)

    async def update(self, broadcast_id: int, *, prompt: str, tone: str, source: AISource) -> AIRequest:
        """Ask the AI to rewrite a broadcast; `wait()` on what comes back gives the broadcast as changed.

        Never sent twice; raises `SMSError`. Operation: updateAIBroadcast.
        """
        body = AIBroadcastUpdateRequest(
            broadcast_id=arguments.positive_id(broadcast_id, "broadcast_id"),
            prompt=arguments.text(prompt, "prompt"),
            tone=arguments.text(tone, "tone"),
            source=arguments.choice(source, AISource, "source"),
        )
        started = await update_ai_broadcast.asyncio(self._transport, body)
        return AIRequest(self._transport, started.request_id)

    def request(self, request_id: str) -> AIRequest:
        """The handle of a request made earlier, here or in another process. Nothing is sent.

        Raises `ConfigurationError` for an id that can't be one.
        """
        if not _REQUEST_ID.fullmatch(arguments.text(request_id, "request_id")):
            raise ConfigurationError("request_id must be the id of an AI request, as in AIRequest.id")
        return AIRequest(self._transport, request_id)
