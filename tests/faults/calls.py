"""How a person makes each operation happen: one entry for each, and a test that none is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ac_sms_async import SMSClient

Call = Callable[[SMSClient], Awaitable[Any]]


async def _export_metrics(sms: SMSClient) -> Any:
    async with sms.exports.metrics([42], total_timeout=2) as export:
        return [row async for row in export.rows()]


async def _export_recipients(sms: SMSClient) -> Any:
    async with sms.exports.recipients(42, total_timeout=2) as export:
        return [row async for row in export.rows()]


CALLS: dict[str, Call] = {
    "getSmsCreditData": lambda sms: sms.credits.get(),
    "listBroadcasts": lambda sms: sms.broadcasts.list().first(),
    "createBroadcast": lambda sms: sms.broadcasts.create(name="Sale", body="20% off", list_ids=[3]),
    "getBroadcast": lambda sms: sms.broadcasts.get(42),
    "updateBroadcast": lambda sms: sms.broadcasts.update(42, body="25% off"),
    "updateBroadcast (send)": lambda sms: sms.broadcasts.send(42),
    "deleteBroadcast": lambda sms: sms.broadcasts.delete(42),
    "listBroadcastLists": lambda sms: sms.lists.list().first(),
    "createAIBroadcast": lambda sms: sms.ai.create(prompt="Spring", tone="casual", source="ai_builder"),
    "updateAIBroadcast": lambda sms: sms.ai.update(42, prompt="Shorter", tone="casual", source="ai_builder"),
    "getAIBroadcastStatus": lambda sms: sms.ai.request("abc-1").status(),
    "getBroadcastMetrics": lambda sms: sms.metrics.get([42]),
    "getBroadcastSnapshot": lambda sms: sms.metrics.snapshot(),
    "getBroadcastSnapshotByIds": lambda sms: sms.metrics.snapshot(ids=[42]),
    "getBroadcastFailures": lambda sms: sms.metrics.failures(42),
    "getBroadcastRecipients": lambda sms: sms.recipients.list(42).first(),
    "exportBroadcastMetrics": _export_metrics,
    "exportBroadcastRecipients": _export_recipients,
}
"""By operationId; a second way to one operation has its own word in brackets."""
