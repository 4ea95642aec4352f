"""Every operation of the document, and where it lives in this layer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen


@frozen
class Operation:
    """An operation: its id in the document, the tag (module below `api`) and name of its endpoint, and how it is called."""

    operation_id: str
    tag: str
    name: str
    method: str
    path: str
    retry_safe: bool


OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        operation.operation_id: operation
        for operation in (
            Operation("createAIBroadcast", "ai", "create_ai_broadcast", "POST", "/sms/broadcasts/ai", False),
            Operation("createBroadcast", "broadcasts", "create_broadcast", "POST", "/sms/broadcasts", False),
            Operation("deleteBroadcast", "broadcasts", "delete_broadcast", "DELETE", "/sms/broadcasts/{id}", False),
            Operation(
                "exportBroadcastMetrics", "exports", "export_broadcast_metrics", "POST", "/sms/broadcasts/export", True
            ),
            Operation(
                "exportBroadcastRecipients",
                "exports",
                "export_broadcast_recipients",
                "POST",
                "/sms/broadcasts/{broadcastId}/recipients/export",
                True,
            ),
            Operation("getAIBroadcastStatus", "ai", "get_ai_broadcast_status", "GET", "/sms/broadcasts/ai/{Id}", True),
            Operation("getBroadcast", "broadcasts", "get_broadcast", "GET", "/sms/broadcasts/{id}", True),
            Operation(
                "getBroadcastFailures",
                "metrics",
                "get_broadcast_failures",
                "GET",
                "/sms/broadcasts/metrics/{broadcastId}/failures",
                True,
            ),
            Operation(
                "getBroadcastMetrics", "metrics", "get_broadcast_metrics", "POST", "/sms/broadcasts/metrics", True
            ),
            Operation(
                "getBroadcastRecipients",
                "recipients",
                "get_broadcast_recipients",
                "GET",
                "/sms/broadcasts/{broadcastId}/recipients",
                True,
            ),
            Operation(
                "getBroadcastSnapshot",
                "metrics",
                "get_broadcast_snapshot",
                "GET",
                "/sms/broadcasts/metrics/snapshot",
                True,
            ),
            Operation(
                "getBroadcastSnapshotByIds",
                "metrics",
                "get_broadcast_snapshot_by_ids",
                "POST",
                "/sms/broadcasts/metrics/snapshot",
                True,
            ),
            Operation("getSmsCreditData", "credits", "get_sms_credit_data", "GET", "/sms/credits", True),
            Operation("listBroadcastLists", "lists", "list_broadcast_lists", "GET", "/sms/lists", True),
            Operation("listBroadcasts", "broadcasts", "list_broadcasts", "GET", "/sms/broadcasts", True),
            Operation("updateAIBroadcast", "ai", "update_ai_broadcast", "PUT", "/sms/broadcasts/ai", False),
            Operation("updateBroadcast", "broadcasts", "update_broadcast", "PUT", "/sms/broadcasts/{id}", False),
        )
    }
)
"""By operationId."""
