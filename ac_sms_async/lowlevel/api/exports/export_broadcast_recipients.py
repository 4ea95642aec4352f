"""Export the recipients of a broadcast as CSV: POST /sms/broadcasts/{broadcastId}/recipients/export."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.recipients_export_request import RecipientsExportRequest
from ...reading import read_csv
from ...writing import write_int


def request(
    broadcast_id: int,
    body: RecipientsExportRequest,
) -> Request[str]:
    """Builds the request, without sending it.

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


async def asyncio_detailed(
    broadcast_id: int,
    body: RecipientsExportRequest,
    *,
    client: Client,
) -> Response[str]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            broadcast_id,
            body,
        )
    )


async def asyncio(
    broadcast_id: int,
    body: RecipientsExportRequest,
    *,
    client: Client,
) -> str:
    """Export the recipients of a broadcast as CSV.

    Export recipient data as CSV including full contact records.

    Args:
        broadcast_id: Broadcast ID
        body: Which recipients to export

    Calls exportBroadcastRecipients: POST /sms/broadcasts/{broadcastId}/recipients/export.
    """
    return (
        await asyncio_detailed(
            broadcast_id,
            body,
            client=client,
        )
    ).parsed
