"""Broadcasts: list, create, change, send, wait for and delete them."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any, Final, Literal

from ac_sms_async.errors import BroadcastStoppedError, ConfigurationError, NotFoundError, SMSError, UnconfirmedCreate
from ac_sms_async.lowlevel.api.broadcasts import (
    create_broadcast,
    delete_broadcast,
    get_broadcast,
    list_broadcasts,
    update_broadcast,
)
from ac_sms_async.lowlevel.types import UNSET, Unset
from ac_sms_async.models import BroadcastCreateRequest, BroadcastMessage, BroadcastUpdateRequest
from ac_sms_async.options import refuse_async
from ac_sms_async.paging.pager import FetchedPage, Pager
from ac_sms_async.polling import poll_until
from ac_sms_async.resources import arguments
from ac_sms_async.resources.base import Resource

__all__ = ["BroadcastFilterStatus", "BroadcastsResource", "Reached"]

BroadcastFilterStatus = Literal["draft", "pending_review", "scheduled", "sending", "sent"]
Reached = Literal["pending_review", "scheduled", "sending", "sent"]

_SEND: Final = "pending_review"
"""The status that starts a send."""
_LIFE: Final = ("draft", "pending_review", "scheduled", "sending", "sent")
_UNSEEN_GRACE: Final = 10.0
"""Seconds for which a broadcast just made may not be found yet."""
_CLOCK_SKEW: Final = timedelta(minutes=5)


class BroadcastsResource(Resource):
    """`sms.broadcasts`: the messages and their life from draft to sent."""

    def list(
        self,
        *,
        name: str | None = None,
        status: BroadcastFilterStatus | None = None,
        type: str | None = None,
        order: Literal["asc", "desc"] | None = None,
        order_by: str | None = None,
        start_date: date | None = None,
        end_date: date | None = None,
        page_size: int = 100,
        prefetch: int = 2,
        resume: str | None = None,
    ) -> Pager[BroadcastMessage]:
        """All broadcasts that match, as a pager; nothing is sent before you iterate.

        `order` sorts by the server's own column, or by `order_by` where given. Dates are whole days, inclusive.
        `page_size` rows a request (the server caps it at 100), up to `prefetch` requests ahead, `resume` a token of an
        earlier pager with the same filters and order. Raises `ConfigurationError` for bad arguments; iterating raises
        `SMSError`, with `.resume_token`. Operation: listBroadcasts.
        """
        start_date, end_date = arguments.date_range(start_date, end_date)
        filters: dict[str, Any] = {
            "name": None if name is None else arguments.text(name, "name"),
            "status": None if status is None else arguments.choice(status, BroadcastFilterStatus, "status"),
            "type_": None if type is None else arguments.text(type, "type"),
            "order": None if order is None else arguments.choice(order, Literal["asc", "desc"], "order").upper(),
            "order_by": None if order_by is None else _column(order_by, order),
            "start_date": start_date,
            "end_date": end_date,
        }
        given = {key: value for key, value in filters.items() if value is not None}

        async def fetch(offset: int, limit: int) -> FetchedPage[BroadcastMessage]:
            found = await list_broadcasts.asyncio(self._transport, offset=offset, limit=limit, **given)
            return FetchedPage(found.broadcasts, total=self._total(found.meta), unreadable=found.unreadable)

        return Pager(
            fetch,
            key=attrgetter("id"),
            name="broadcasts",
            page_size=page_size,
            prefetch=prefetch,
            resume=resume,
            question={name.rstrip("_"): value for name, value in given.items()},
        )

    async def get(self, broadcast_id: int) -> BroadcastMessage:
        """One broadcast with all its details.

        Raises `NotFoundError` when there is none. Operation: getBroadcast.
        """
        return await get_broadcast.asyncio(self._transport, arguments.positive_id(broadcast_id))

    async def create(
        self,
        *,
        name: str,
        body: str,
        list_ids: Sequence[int] | Unset | None = UNSET,
        segment_id: str | Unset | None = UNSET,
        custom_segment_id: str | Unset | None = UNSET,
        address_id: int | Unset | None = UNSET,
        media_urls: Sequence[str] | Unset | None = UNSET,
        preview_url: str | Unset | None = UNSET,
        shorten_track_links_enabled: bool | Unset | None = UNSET,
        scheduled_date: datetime | Unset | None = UNSET,
        sent_to_count: int | Unset | None = UNSET,
        label_ids: Sequence[int] | Unset | None = UNSET,
    ) -> BroadcastMessage:
        """Create a draft. It is not sent: `send` does that, and nothing else.

        None is as good as not given: there is nothing to clear yet. `scheduled_date` must say its time zone. Raises
        `BadRequestError` and other `SMSError`s; a draft is created at most once, and where nobody can tell whether it
        was, the error's `.maybe_applied` is True and `find_unconfirmed` helps to find out. Operation: createBroadcast.
        """
        request = BroadcastCreateRequest(
            name=arguments.text(name, "name"),
            body=arguments.text(body, "body"),
            # Said aloud, so that no default of the server can make a create into a send.
            status="draft",
            **_given(
                list_ids=list_ids,
                segment_id=segment_id,
                custom_segment_id=custom_segment_id,
                address_id=address_id,
                media_urls=media_urls,
                preview_url=preview_url,
                shorten_track_links_enabled=shorten_track_links_enabled,
                scheduled_date=scheduled_date,
                sent_to_count=sent_to_count,
                label_ids=label_ids,
            ),
        )
        started_at = datetime.now(UTC)
        try:
            return await create_broadcast.asyncio(self._transport, request)
        except SMSError as error:
            if error.maybe_applied:
                error.unconfirmed = UnconfirmedCreate(name, body, started_at)
            raise

    async def find_unconfirmed(self, unconfirmed: UnconfirmedCreate) -> builtins.list[BroadcastMessage]:
        """The broadcasts that an unconfirmed `create` may have made: same name and body, and not older than the call.

        `unconfirmed` is the `.unconfirmed` of the error that `create` raised. An empty list means that the create did
        not take effect, or not yet; one, that it did; several, that somebody made the same by hand. Raises `SMSError`.
        Operation: listBroadcasts.
        """
        if not isinstance(unconfirmed, UnconfirmedCreate):
            raise ConfigurationError("find_unconfirmed takes the `.unconfirmed` of the error that `create` raised")
        # The server's clock may be behind ours.
        since = unconfirmed.started_at - _CLOCK_SKEW
        return [
            broadcast
            async for broadcast in self.list(name=unconfirmed.name)
            if broadcast.name == unconfirmed.name
            and broadcast.body == unconfirmed.body
            and (broadcast.created_at is None or broadcast.created_at >= since)
        ]

    async def update(
        self,
        broadcast_id: int,
        *,
        name: str | Unset = UNSET,
        body: str | Unset = UNSET,
        status: Literal["draft"] | Unset = UNSET,
        list_ids: Sequence[int] | Unset | None = UNSET,
        segment_id: str | Unset | None = UNSET,
        custom_run_id: str | Unset | None = UNSET,
        custom_segment_id: str | Unset | None = UNSET,
        address_id: int | Unset | None = UNSET,
        media_urls: Sequence[str] | Unset | None = UNSET,
        preview_url: str | Unset | None = UNSET,
        shorten_track_links_enabled: bool | Unset = UNSET,
        scheduled_date: datetime | Unset | None = UNSET,
        sent_to_count: int | Unset | None = UNSET,
        label_ids: Sequence[int] | Unset | None = UNSET,
    ) -> BroadcastMessage:
        """Change what is given and leave the rest; None clears a field, where it can be without a value.

        `status="draft"` takes a broadcast back to draft; sending is `send` and cannot be asked for here. Raises
        `ConfigurationError` when nothing is given or can't be cleared, `NotFoundError` and other `SMSError`s; never
        sent twice. Operation: updateBroadcast.
        """
        changes = _changes(
            name=name,
            body=body,
            list_ids=list_ids,
            segment_id=segment_id,
            custom_run_id=custom_run_id,
            custom_segment_id=custom_segment_id,
            address_id=address_id,
            media_urls=media_urls,
            preview_url=preview_url,
            shorten_track_links_enabled=shorten_track_links_enabled,
            scheduled_date=scheduled_date,
            sent_to_count=sent_to_count,
            label_ids=label_ids,
        )
        if not isinstance(status, Unset):
            if status != "draft":
                raise ConfigurationError("update only takes status='draft'; to send a broadcast call broadcasts.send")
            changes["status"] = "draft"
        if not changes:
            raise ConfigurationError("update needs at least one field to change")
        return await self._update(broadcast_id, BroadcastUpdateRequest(**changes))

    async def send(self, broadcast_id: int, *, scheduled_date: datetime | None = None) -> BroadcastMessage:
        """Send a draft to its audience, now or at `scheduled_date` (which must say its time zone).

        This is the only call that can start a send. It asks for review; the first sends of an account are reviewed by
        people, for up to two business days. Never sent twice: where nobody can tell whether it took effect, the error's
        `.maybe_applied` is True and `get(...)` shows the status. Operation: updateBroadcast with `pending_review`.
        """
        request = BroadcastUpdateRequest(status=_SEND)
        if scheduled_date is not None:
            request.scheduled_date = arguments.aware(scheduled_date, "scheduled_date")
        return await self._update(broadcast_id, request)

    async def _update(self, broadcast_id: int, request: BroadcastUpdateRequest) -> BroadcastMessage:
        checked = arguments.positive_id(broadcast_id)
        return await update_broadcast.asyncio(self._transport, checked, request)

    async def delete(self, broadcast_id: int) -> BroadcastMessage | None:
        """Delete a broadcast softly; returns it as it was left, or None where the server says nothing.

        Raises `NotFoundError` when there is none, or no longer; never sent twice. Operation: deleteBroadcast.
        """
        return await delete_broadcast.asyncio(self._transport, arguments.positive_id(broadcast_id))

    async def wait(
        self,
        broadcast_id: int,
        *,
        until: Reached = "sent",
        timeout: float = 3600.0,
        on_poll: Callable[[BroadcastMessage], None] | None = None,
    ) -> BroadcastMessage:
        """Wait until a broadcast has reached a state, or a later one; returns it as seen then.

        `timeout` is in seconds; it is looked at at once, after 1 s, then ever more seldom, up to every 60 s. Outages of
        the server or of the way to it are waited out. Raises `WaitTimeoutError` (its `.last` is the broadcast as last
        seen), `BroadcastStoppedError` when it was deleted or went back to draft. Ending the wait does not stop the
        broadcast. Operation: getBroadcast.
        """
        refuse_async("on_poll", on_poll)
        checked = arguments.positive_id(broadcast_id)
        goal = _LIFE.index(arguments.choice(until, Reached, "until"))
        last: BroadcastMessage | None = None
        started = False

        async def check() -> BroadcastMessage:
            nonlocal last, started
            try:
                seen = await self.get(checked)
            except NotFoundError as error:
                if last is None:
                    raise
                stopped = BroadcastStoppedError(f"broadcast {checked} is gone", last=last)
                raise stopped.about(error.request, attempts=error.attempts, request_id=error.request_id) from None
            last = seen
            if seen.deleted_at is not None:
                raise BroadcastStoppedError(f"broadcast {checked} was deleted", last=seen)
            if seen.status == "draft" and started:
                raise BroadcastStoppedError(f"broadcast {checked} went back to draft", last=seen)
            started = started or (seen.status is not None and seen.status != "draft")
            return seen

        def reached(seen: BroadcastMessage) -> bool:
            return seen.status in _LIFE and _LIFE.index(seen.status) >= goal

        return await poll_until(
            check,
            reached,
            timeout=timeout,
            maximum=60.0,
            tolerate=lambda error, elapsed: isinstance(error, NotFoundError) and elapsed < _UNSEEN_GRACE,
            on_poll=on_poll,
            what=f"broadcast {checked}",
        )


def _column(order_by: str, order: str | None) -> str:
    if order is None:
        raise ConfigurationError("order_by needs a direction: add order='asc' or order='desc'")
    column = arguments.text(order_by, "order_by")
    if not column.replace("_", "").isalnum():
        raise ConfigurationError(f"order_by must be a column's name such as 'created_at', not {column!r}")
    return column


def _given(**details: Any) -> dict[str, Any]:
    """The fields that have a value, checked."""
    return _changes(**{name: value for name, value in details.items() if value is not None})


def _changes(**details: Any) -> dict[str, Any]:
    """The fields that were given, checked; None for those to clear."""
    changes: dict[str, Any] = {}
    for name, value in details.items():
        if isinstance(value, Unset):
            continue
        if value is None and name in _NEVER_EMPTY:
            raise ConfigurationError(f"{name} can't be cleared: leave it out to keep it as it is")
        changes[name] = None if value is None else _CHECKS[name](value, name)
    return changes


def _ids(value: Any, name: str) -> builtins.list[int]:
    # An empty list is a value here: it takes every list or label away.
    return arguments.id_list(value, name, least=0)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False, not {type(value).__name__}")
    return value


def _urls(value: Any, name: str) -> builtins.list[str]:
    each = arguments.several(value, name, "['https://acme.example/picture.png']")
    return [_url(item, f"each of {name}") for item in each]


def _url(value: Any, name: str) -> str:
    if not arguments.text(value, name).startswith(("http://", "https://")):
        raise ConfigurationError(f"{name} must be a URL that starts with https://")
    return str(value)


_NEVER_EMPTY: Final = frozenset({"name", "body", "shorten_track_links_enabled"})
"""What a broadcast always has: the document takes no null there."""
_CHECKS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "name": arguments.text,
    "body": arguments.text,
    "list_ids": _ids,
    "label_ids": _ids,
    "address_id": arguments.positive_id,
    "segment_id": arguments.text,
    "custom_run_id": arguments.text,
    "custom_segment_id": arguments.text,
    "media_urls": _urls,
    "preview_url": _url,
    "shorten_track_links_enabled": _flag,
    "scheduled_date": arguments.aware,
    "sent_to_count": lambda value, name: arguments.at_least(value, 0, name),
}
