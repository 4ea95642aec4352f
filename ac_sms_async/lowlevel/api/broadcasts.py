"""Operations of the tag broadcasts."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import urlencode

from ..client import Request, endpoint
from ..models.broadcast_create_request import BroadcastCreateRequest
from ..models.broadcast_list_response import BroadcastListResponse
from ..models.broadcast_message import BroadcastMessage
from ..models.broadcast_status import BroadcastStatus
from ..models.broadcast_update_request import BroadcastUpdateRequest
from ..models.sort_direction import SortDirection
from ..writing import (
    write_date,
    write_int,
    write_text,
)


@endpoint
def create_broadcast(body: BroadcastCreateRequest) -> Request[BroadcastMessage]:
    """Create a broadcast.

    Creates a new SMS broadcast message.

    Args:
        body: A new broadcast

    Fails with:
        400: Invalid request data
        403: Insufficient permissions

    Calls createBroadcast: POST /sms/broadcasts.
    """
    return Request(
        operation_id="createBroadcast",
        method="POST",
        path="/sms/broadcasts",
        retry_safe=False,
        decode=BroadcastMessage.from_envelope,
        json=body.to_dict(),
    )


@endpoint
def delete_broadcast(broadcast_id: int) -> Request[BroadcastMessage | None]:
    """Delete a broadcast.

    Performs a soft-delete on the requested message.

    Args:
        broadcast_id: Broadcast ID

    Fails with:
        403: Insufficient permissions
        404: Broadcast not found

    Calls deleteBroadcast: DELETE /sms/broadcasts/{id}.
    """
    return Request(
        operation_id="deleteBroadcast",
        method="DELETE",
        path=f"/sms/broadcasts/{write_int(broadcast_id, 'broadcast_id')}",
        retry_safe=False,
        decode=_read_delete_broadcast,
    )


def _read_delete_broadcast(data: Any, zone: datetime.tzinfo) -> BroadcastMessage | None:
    """What counts is the status: the object may be missing."""
    if not data or (isinstance(data, dict) and data.keys().isdisjoint(("id", "broadcast"))):
        return None
    return BroadcastMessage.from_envelope(data, zone)


@endpoint
def get_broadcast(broadcast_id: int) -> Request[BroadcastMessage]:
    """Get a broadcast.

    Retrieves the full details for one broadcast message.

    Args:
        broadcast_id: Broadcast ID

    Fails with:
        403: Insufficient permissions
        404: Broadcast not found

    Calls getBroadcast: GET /sms/broadcasts/{id}.
    """
    return Request(
        operation_id="getBroadcast",
        method="GET",
        path=f"/sms/broadcasts/{write_int(broadcast_id, 'broadcast_id')}",
        retry_safe=True,
        decode=BroadcastMessage.from_envelope,
    )


@endpoint
def list_broadcasts(
    *,
    offset: int | None = None,
    limit: int | None = None,
    name: str | None = None,
    status: BroadcastStatus | None = None,
    type_: str | None = None,
    order: SortDirection | None = None,
    order_by: str | None = None,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> Request[BroadcastListResponse]:
    """List broadcasts.

    Gets a paged list of all of a customer's broadcast messages with optional filtering.

    Args:
        offset: Offset for pagination (server default 0)
        limit: Number of items to return (server default 20)
        name: Filter by broadcast name
        status: Filter by broadcast status
        type_: Filter by broadcast type (future feature)
        order: Order results by field (ASC or DESC)
        order_by: Column to order by, put into the brackets of `orders[field]`
        start_date: Filter by start date (YYYY-MM-DD)
        end_date: Filter by end date (YYYY-MM-DD)

    Fails with:
        403: Insufficient permissions

    Calls listBroadcasts: GET /sms/broadcasts.
    """
    query: list[tuple[str, str]] = []
    if offset is not None:
        query.append(("offset", write_int(offset, "offset")))
    if limit is not None:
        query.append(("limit", write_int(limit, "limit")))
    if name is not None:
        query.append(("filters[name]", write_text(name, "name")))
    if status is not None:
        query.append(("filters[status]", write_text(status, "status")))
    if type_ is not None:
        query.append(("filters[type]", write_text(type_, "type_")))
    if order is not None:
        query.append((f"orders[{order_by or 'field'}]", write_text(order, "order")))
    if start_date is not None:
        query.append(("start_date", write_date(start_date, "start_date")))
    if end_date is not None:
        query.append(("end_date", write_date(end_date, "end_date")))
    return Request(
        operation_id="listBroadcasts",
        method="GET",
        path="/sms/broadcasts",
        query=urlencode(query),
        retry_safe=True,
        decode=BroadcastListResponse.from_dict,
    )


@endpoint
def update_broadcast(broadcast_id: int, body: BroadcastUpdateRequest) -> Request[BroadcastMessage]:
    """Update a broadcast.

    Updates an existing broadcast message.

    Args:
        broadcast_id: Broadcast ID
        body: What to change of a broadcast

    Fails with:
        403: Insufficient permissions
        404: Broadcast not found

    Calls updateBroadcast: PUT /sms/broadcasts/{id}.
    """
    return Request(
        operation_id="updateBroadcast",
        method="PUT",
        path=f"/sms/broadcasts/{write_int(broadcast_id, 'broadcast_id')}",
        retry_safe=False,
        decode=BroadcastMessage.from_envelope,
        json=body.to_dict(),
    )
