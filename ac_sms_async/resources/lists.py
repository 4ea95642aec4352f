"""The lists of the SMS channel, which broadcasts are sent to."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ac_sms_async.lowlevel.api.lists import list_broadcast_lists
from ac_sms_async.models import BroadcastList
from ac_sms_async.paging.pager import FetchedPage, Pager
from ac_sms_async.resources import arguments
from ac_sms_async.resources.base import Resource

__all__ = ["ListsResource"]


class ListsResource(Resource):
    """`sms.lists`: the lists that a broadcast can be sent to."""

    def list(
        self, *, name: str | None = None, page_size: int = 100, prefetch: int = 2, resume: str | None = None
    ) -> Pager[BroadcastList]:
        """All lists, or those whose name matches, as a pager; nothing is sent before you iterate.

        Raises `ConfigurationError` for bad arguments; iterating raises `SMSError`, with `.resume_token`.
        Operation: listBroadcastLists.
        """
        given: dict[str, Any] = {} if name is None else {"name": arguments.text(name, "name")}

        async def fetch(offset: int, limit: int) -> FetchedPage[BroadcastList]:
            found = await list_broadcast_lists.asyncio(self._transport, offset=offset, limit=limit, **given)
            return FetchedPage(found.lists, total=self._total(found.meta), unreadable=found.unreadable)

        return Pager(
            fetch,
            key=attrgetter("id"),
            name="lists",
            page_size=page_size,
            prefetch=prefetch,
            resume=resume,
            question=given,
        )
