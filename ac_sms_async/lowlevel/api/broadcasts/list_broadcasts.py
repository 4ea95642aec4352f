"""List broadcasts: GET /sms/broadcasts."""

from __future__ import annotations

import datetime
from urllib.parse import urlencode

from ...client import Client, Request, Response
from ...models.broadcast_list_response import BroadcastListResponse
from ...models.broadcast_status import BroadcastStatus
from ...models.sort_direction import SortDirection
from ...writing import write_date, write_int, write_text


def request(
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
    """Builds the request, without sending it.

    Gets a paged list of all of a customer's broadcast messages with optional filtering.

    Args:
        offset: Rows to skip (server default 0)
        limit: Rows to return (server default 20)
        name: Filter by broadcast name
        status: Filter by broadcast status
        type_: Filter by broadcast type (future feature)
        order: Order results by field (ASC or DESC)
        order_by: Column to order by, put into the brackets of `orders[field]`
        start_date: Filter by start date (YYYY-MM-DD)
        end_date: Filter by end date (YYYY-MM-DD)

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


async def asyncio_detailed(
    *,
    client: Client,
    offset: int | None = None,
    limit: int | None = None,
    name: str | None = None,
    status: BroadcastStatus | None = None,
    type_: str | None = None,
    order: SortDirection | None = None,
    order_by: str | None = None,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> Response[BroadcastListResponse]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            offset=offset,
            limit=limit,
            name=name,
            status=status,
            type_=type_,
            order=order,
            order_by=order_by,
            start_date=start_date,
            end_date=end_date,
        )
    )


async def asyncio(
    *,
    client: Client,
    offset: int | None = None,
    limit: int | None = None,
    name: str | None = None,
    status: BroadcastStatus | None = None,
    type_: str | None = None,
    order: SortDirection | None = None,
    order_by: str | None = None,
    start_date: datetime.date | None = None,
    end_date: datetime.date | None = None,
) -> BroadcastListResponse:
    """List broadcasts.

    Gets a paged list of all of a customer's broadcast messages with optional filtering.

    Args:
        offset: Rows to skip (server default 0)
        limit: Rows to return (server default 20)
        name: Filter by broadcast name
        status: Filter by broadcast status
        type_: Filter by broadcast type (future feature)
        order: Order results by field (ASC or DESC)
        order_by: Column to order by, put into the brackets of `orders[field]`
        start_date: Filter by start date (YYYY-MM-DD)
        end_date: Filter by end date (YYYY-MM-DD)

    Calls listBroadcasts: GET /sms/broadcasts.
    """
    return (
        await asyncio_detailed(
            client=client,
            offset=offset,
            limit=limit,
            name=name,
            status=status,
            type_=type_,
            order=order,
            order_by=order_by,
            start_date=start_date,
            end_date=end_date,
        )
    ).parsed
