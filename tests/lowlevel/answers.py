"""A full and valid answer to every operation that answers in JSON, and how the generated layer decodes it."""

from __future__ import annotations

import importlib
import inspect
from typing import Any
from zoneinfo import ZoneInfo

from ac_sms_async.lowlevel.models import (
    AIBroadcastRequest,
    AIBroadcastUpdateRequest,
    BroadcastCreateRequest,
    BroadcastIds,
    BroadcastUpdateRequest,
)
from ac_sms_async.lowlevel.operations import OPERATIONS

CHICAGO = ZoneInfo("America/Chicago")

BROADCAST: dict[str, Any] = {
    "id": 42,
    "name": "Spring sale",
    "address_id": 12,
    "body": "20% off",
    "media_urls": ["https://content.example/a.png"],
    "preview_url": "https://acme.example/p",
    "shorten_track_links_enabled": True,
    "status": "sent",
    "sent_date": "2026-02-26T15:06:25-06:00",
    "scheduled_date": "2026-02-26T21:06:25+00:00",
    "custom_run_id": "e4a5bd84-972b-4fc6-a725-ace292a503f8",
    "custom_segment_id": "70c5078f-bbba-4f5b-b341-d9a9a20208ff",
    "scheduled_by": 4,
    "sent_to_count": 15646,
    "created_at": "2026-02-25T11:58:05-06:00",
    "created_by": 4,
    "updated_at": "2026-02-26T12:25:05-06:00",
    "updated_by": 4,
    "deleted_at": "2026-03-01T00:00:00-06:00",
    "sift_approved": 1,
    "arc_approved": 1,
    "quiet_hours_enabled": 0,
    "list_ids": [22, 36],
    "segment_id": "77",
    "label_ids": [6],
}
RECIPIENT: dict[str, Any] = {
    "id": 880000,
    "name": "Ana Adams",
    "phoneNumber": "+13125553197",
    "sentDate": "2026-02-26T15:06:25-06:00",
    "clicks": 1,
    "deliverability": "failed",
    "replies": [{"message": "YES", "date": "2026-02-26T15:10:00-06:00"}],
    "optOut": "no",
    "details": {"errorCode": "30003", "errorSource": "twilio"},
}
METRICS: dict[str, Any] = {
    "id": 42,
    "sends": 100,
    "deliveries": 97,
    "replies": 5,
    "failures": 3,
    "optOuts": 2,
    "clicks": 31,
}
SNAPSHOT = {"snapshot": {"campaigns": 3, **{name: count for name, count in METRICS.items() if name != "id"}}}
META = {"total": 1, "limit": 20, "offset": 0}

ANSWERS: dict[str, Any] = {
    "listBroadcasts": {"broadcasts": [BROADCAST, {**BROADCAST, "id": 43}], "meta": META},
    "createBroadcast": BROADCAST,
    "getBroadcast": BROADCAST,
    "updateBroadcast": BROADCAST,
    "deleteBroadcast": BROADCAST,
    "listBroadcastLists": {"lists": [{"id": 1, "name": "VIP", "subscriber_count": 12}], "meta": META},
    "createAIBroadcast": {"requestId": "r-1"},
    "updateAIBroadcast": {"requestId": "r-1"},
    "getAIBroadcastStatus": {"source": "ai_builder", "status": "success", "broadcastId": 42},
    "getBroadcastMetrics": {"metrics": [METRICS]},
    "getBroadcastSnapshot": SNAPSHOT,
    "getBroadcastSnapshotByIds": SNAPSHOT,
    "getBroadcastFailures": {"failures": [{"errorCode": "30003", "errorSource": "twilio", "count": 3}]},
    "getBroadcastRecipients": {"recipients": [RECIPIENT], "meta": META},
    "getSmsCreditData": {
        "smsCredits": {
            "period": "month",
            "nextRefillDate": "2026-02-26T15:06:25-06:00",
            "includedThisPeriod": 1000,
            "usedThisPeriod": 71,
            "extra": 9040,
            "available": 9969,
        }
    },
}

_ARGUMENTS: dict[str, Any] = {
    "BroadcastCreateRequest": BroadcastCreateRequest(name="n", body="b"),
    "BroadcastUpdateRequest": BroadcastUpdateRequest(),
    "AIBroadcastRequest": AIBroadcastRequest(source="ai_builder", prompt="p", tone="t"),
    "AIBroadcastUpdateRequest": AIBroadcastUpdateRequest(source="ai_builder", prompt="p", tone="t", broadcast_id=1),
    "BroadcastIds": BroadcastIds(ids=[1]),
    "int": 1,
    "str": "r-1",
}


def endpoint_of(name: str) -> Any:
    """The endpoint of an operation."""
    operation = OPERATIONS[name]
    return getattr(importlib.import_module(f"ac_sms_async.lowlevel.api.{operation.tag}"), operation.name)


def decode(name: str, value: Any, zone: Any = CHICAGO) -> Any:
    """Decodes `value` as an answer to the operation, the way a transport does: by its request."""
    endpoint = endpoint_of(name)
    needed = [
        _ARGUMENTS[str(parameter.annotation)]
        for parameter in inspect.signature(endpoint.request).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    return endpoint.request(*needed).decode(value, zone)
