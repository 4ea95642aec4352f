"""Operations of the tag exports."""

from __future__ import annotations

from ..client import Request, endpoint
from ..models.broadcast_ids import BroadcastIds
from ..models.recipients_export_request import RecipientsExportRequest
from ..reading import read_csv
from ..writing import (
    write_int,
)


@endpoint
def export_broadcast_metrics(body: BroadcastIds) -> Request[str]:
    """Export the metrics of broadcasts as CSV.

    Export broadcast performance metrics as CSV.

    Args:
        body: The broadcasts asked for

    Calls exportBroadcastMetrics: POST /sms/broadcasts/export.
    """
    return Request(
        operation_id="exportBroadcastMetrics",
        method="POST",
        path="/sms/broadcasts/export",
        accept="text/csv",
        retry_safe=True,
        decode=read_csv,
        json=body.to_dict(),
    )


@endpoint
def export_broadcast_recipients(broadcast_id: int, body: RecipientsExportRequest) -> Request[str]:
    """Export the recipients of a broadcast as CSV.

    Export recipient data as CSV including full contact records.

    Args:
        broadcast_id: Broadcast ID
        body: Which recipients to export

    Calls exportBroadcastRecipients: POST /sms/broadcasts/{broadcastId}/recipients/export.
    """
    return Request(
        operation_id="exportBroadcastRecipients",
        method="POST",
        path=f"/sms/broadcasts/{write_int(broadcast_id, 'broadcast_id')}/recipients/export",
        accept="text/csv",
        retry_safe=True,
        decode=read_csv,
        json=body.to_dict(),
    )
