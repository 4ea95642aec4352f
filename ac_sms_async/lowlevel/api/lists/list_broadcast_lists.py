"""List broadcast lists: GET /sms/lists."""

from __future__ import annotations

from urllib.parse import urlencode

from ...client import Client, Request, Response
from ...models.broadcast_lists_response import BroadcastListsResponse
from ...writing import write_int, write_text


def request(
    *,
    offset: int | None = None,
    limit: int | None = None,
    name: str | None = None,
) -> Request[BroadcastListsResponse]:
    """Builds the request, without sending it.

    Gets a paged list of all broadcast lists (SMS channel).

    Args:
        offset: Rows to skip (server default 0)
        limit: Rows to return (server default 20)
        name: Filter by list name

    Calls listBroadcastLists: GET /sms/lists.
    """
    query: list[tuple[str, str]] = []
    if offset is not None:
        query.append(("offset", write_int(offset, "offset")))
    if limit is not None:
        query.append(("limit", write_int(limit, "limit")))
    if name is not None:
        query.append(("filters[name]", write_text(name, "name")))
    return Request(
        operation_id="listBroadcastLists",
        method="GET",
        path="/sms/lists",
        query=urlencode(query),
        retry_safe=True,
        decode=BroadcastListsResponse.from_dict,
    )


async def asyncio_detailed(
    *,
    client: Client,
    offset: int | None = None,
    limit: int | None = None,
    name: str | None = None,
) -> Response[BroadcastListsResponse]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(
        request(
            offset=offset,
            limit=limit,
            name=name,
        )
    )


async def asyncio(
    *,
    client: Client,
    offset: int | None = None,
    limit: int | None = None,
    name: str | None = None,
) -> BroadcastListsResponse:
    """List broadcast lists.

    Gets a paged list of all broadcast lists (SMS channel).

    Args:
        offset: Rows to skip (server default 0)
        limit: Rows to return (server default 20)
        name: Filter by list name

    Calls listBroadcastLists: GET /sms/lists.
    """
    return (
        await asyncio_detailed(
            client=client,
            offset=offset,
            limit=limit,
            name=name,
        )
    ).parsed
