"""Operations of the tag recipients."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from urllib.parse import urlencode

from ..client import Request, endpoint
from ..models.deliverability_filter import DeliverabilityFilter
from ..models.engagement_filter import EngagementFilter
from ..models.recipient_order import RecipientOrder
from ..models.recipients_response import RecipientsResponse
from ..writing import (
    write_date,
    write_int,
    write_text,
    write_texts,
)


@endpoint
def get_broadcast_recipients(
    broadcast_id: int,
    *,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
    deliverability: Iterable[DeliverabilityFilter] | None = None,
    engagement: Iterable[EngagementFilter] | None = None,
    search: str | None = None,
    order: RecipientOrder | None = None,
    offset: int | None = None,
    limit: int | None = None,
) -> Request[RecipientsResponse]:
    """List the recipients of a broadcast.

    Fetch all contacts who were sent a specific broadcast.

    Args:
        broadcast_id: Broadcast ID
        start_date: Start date (YYYY-MM-DD)
        end_date: End date (YYYY-MM-DD)
        deliverability: Filter by deliverability status
        engagement: Filter by engagement type
        search: Search contacts by name or phone
        order: Order by field
        offset: Offset for pagination (server default 0)
        limit: Number of items to return (server default 20)

    Calls getBroadcastRecipients: GET /sms/broadcasts/{broadcastId}/recipients.
    """
    query: list[tuple[str, str]] = []
    if start_date is not None:
        query.append(("start_date", write_date(start_date, "start_date")))
    if end_date is not None:
        query.append(("end_date", write_date(end_date, "end_date")))
    if deliverability is not None:
        query += [("filters[deliverability][]", item) for item in write_texts(deliverability, "deliverability")]
    if engagement is not None:
        query += [("filters[engagement][]", item) for item in write_texts(engagement, "engagement")]
    if search is not None:
        query.append(("search", write_text(search, "search")))
    if order is not None:
        query.append(("order[field]", write_text(order, "order")))
    if offset is not None:
        query.append(("offset", write_int(offset, "offset")))
    if limit is not None:
        query.append(("limit", write_int(limit, "limit")))
    return Request(
        operation_id="getBroadcastRecipients",
        method="GET",
        path=f"/sms/broadcasts/{write_int(broadcast_id, 'broadcast_id')}/recipients",
        query=urlencode(query),
        retry_safe=True,
        decode=RecipientsResponse.from_dict,
    )
