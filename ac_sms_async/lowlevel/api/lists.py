"""Operations of the tag lists."""

from __future__ import annotations

from urllib.parse import urlencode

from ..client import Request, endpoint
from ..models.broadcast_lists_response import BroadcastListsResponse
from ..writing import (
    write_int,
    write_text,
)


@endpoint
def list_broadcast_lists(
    *, offset: int | None = None, limit: int | None = None, name: str | None = None
) -> Request[BroadcastListsResponse]:
    """List broadcast lists.

    Gets a paged list of all broadcast lists (SMS channel).

    Args:
        offset: Offset for pagination (server default 0)
        limit: Number of items to return (server default 20)
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
