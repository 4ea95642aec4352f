"""The contacts that a broadcast was sent to, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from operator import attrgetter
from typing import Any, Literal

from ac_sms_async.lowlevel.api.recipients import get_broadcast_recipients
from ac_sms_async.models import Recipient
from ac_sms_async.paging.pager import FetchedPage, Pager
from ac_sms_async.resources import arguments
from ac_sms_async.resources.base import Resource

__all__ = ["Deliverability", "Engagement", "RecipientOrder", "RecipientsResource", "recipient_filters"]

Deliverability = Literal["deliveries", "failures"]
Engagement = Literal["clicks", "replies", "optOuts"]
RecipientOrder = Literal["name", "phone", "sentDate", "clicks", "deliverability", "optOut", "replies"]


class RecipientsResource(Resource):
    """`sms.recipients`: who a broadcast was sent to."""

    def list(
        self,
        broadcast_id: int,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        deliverability: Sequence[Deliverability] | None = None,
        engagement: Sequence[Engagement] | None = None,
        search: str | None = None,
        order: RecipientOrder | None = None,
        page_size: int = 100,
        prefetch: int = 2,
        resume: str | None = None,
    ) -> Pager[Recipient]:
        """The recipients of a broadcast that match, as a pager; nothing is sent before you iterate.

        Dates are whole days, inclusive; `search` looks in names and phone numbers; `order` names a column. Times of
        recipients come without a zone and are taken to be in the client's `timezone`. Raises `ConfigurationError` for
        bad arguments; iterating raises `SMSError`, with `.resume_token`. Operation: getBroadcastRecipients.
        """
        checked = arguments.positive_id(broadcast_id, "broadcast_id")
        given = recipient_filters(start_date, end_date, deliverability, engagement, search)
        if order is not None:
            given["order"] = arguments.choice(order, RecipientOrder, "order")

        async def fetch(offset: int, limit: int) -> FetchedPage[Recipient]:
            found = await get_broadcast_recipients.asyncio(
                self._transport, checked, offset=offset, limit=limit, **given
            )
            return FetchedPage(found.recipients, total=self._total(found.meta), unreadable=found.unreadable)

        return Pager(
            fetch,
            key=attrgetter("id"),
            name=f"recipients of {checked}",
            page_size=page_size,
            prefetch=prefetch,
            resume=resume,
            question=given,
        )


def recipient_filters(
    start_date: date | None,
    end_date: date | None,
    deliverability: Sequence[Deliverability] | None,
    engagement: Sequence[Engagement] | None,
    search: str | None,
) -> dict[str, Any]:
    """The filters that listing and exporting recipients share, checked, without those not given."""
    start_date, end_date = arguments.date_range(start_date, end_date)
    filters: dict[str, Any] = {"start_date": start_date, "end_date": end_date}
    if deliverability is not None:
        filters["deliverability"] = arguments.choices(deliverability, Deliverability, "deliverability")
    if engagement is not None:
        filters["engagement"] = arguments.choices(engagement, Engagement, "engagement")
    if search is not None:
        filters["search"] = arguments.text(search, "search")
    return {name: value for name, value in filters.items() if value is not None}
