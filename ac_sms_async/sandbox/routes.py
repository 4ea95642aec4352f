"""Where each operation is: method, path and operationId."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen

from ac_sms_async.sandbox import operations
from ac_sms_async.sandbox.operations import Answer, Call


@frozen
class Operation:
    """An operation: its operationId, where it is, and what it does."""

    id: str
    method: str
    path: re.Pattern[str]
    handle: Callable[[Call], Answer]


def _operation(operation_id: str, method: str, path: str, handle: Callable[[Call], Answer]) -> Operation:
    pattern = re.escape(path).replace(r"\{id\}", r"(?P<id>[0-9]{1,19})").replace(r"\{word\}", r"(?P<id>[^/]+)")
    return Operation(operation_id, method, re.compile(pattern), handle)


#: In the order in which paths are tried: `{id}` takes numbers only, so it never stands in the way of a word.
OPERATIONS = (
    _operation("getSmsCreditData", "GET", "/sms/credits", operations.get_credits),
    _operation("listBroadcasts", "GET", "/sms/broadcasts", operations.list_broadcasts),
    _operation("createBroadcast", "POST", "/sms/broadcasts", operations.create_broadcast),
    _operation("getBroadcast", "GET", "/sms/broadcasts/{id}", operations.get_broadcast),
    _operation("updateBroadcast", "PUT", "/sms/broadcasts/{id}", operations.update_broadcast),
    _operation("deleteBroadcast", "DELETE", "/sms/broadcasts/{id}", operations.delete_broadcast),
    _operation("listBroadcastLists", "GET", "/sms/lists", operations.list_broadcast_lists),
    _operation("createAIBroadcast", "POST", "/sms/broadcasts/ai", operations.create_ai_broadcast),
    _operation("updateAIBroadcast", "PUT", "/sms/broadcasts/ai", operations.update_ai_broadcast),
    _operation("getAIBroadcastStatus", "GET", "/sms/broadcasts/ai/{word}", operations.get_ai_broadcast_status),
    _operation("getBroadcastMetrics", "POST", "/sms/broadcasts/metrics", operations.get_broadcast_metrics),
    _operation("getBroadcastSnapshot", "GET", "/sms/broadcasts/metrics/snapshot", operations.get_broadcast_snapshot),
    _operation(
        "getBroadcastSnapshotByIds",
        "POST",
        "/sms/broadcasts/metrics/snapshot",
        operations.get_broadcast_snapshot_by_ids,
    ),
    _operation(
        "getBroadcastFailures", "GET", "/sms/broadcasts/metrics/{id}/failures", operations.get_broadcast_failures
    ),
    _operation("getBroadcastRecipients", "GET", "/sms/broadcasts/{id}/recipients", operations.get_broadcast_recipients),
    _operation("exportBroadcastMetrics", "POST", "/sms/broadcasts/export", operations.export_broadcast_metrics),
    _operation(
        "exportBroadcastRecipients",
        "POST",
        "/sms/broadcasts/{id}/recipients/export",
        operations.export_broadcast_recipients,
    ),
)


def find_operation(method: str, path: str) -> tuple[Operation | None, str, list[str]]:
    """The operation of a method and a path under /api/3, the id in the path, and the methods that the path knows."""
    allowed: list[str] = []
    for operation in OPERATIONS:
        match = operation.path.fullmatch(path)
        if match:
            if operation.method == method:
                return operation, match.groupdict().get("id", ""), []
            allowed.append(operation.method)
    return None, "", allowed
