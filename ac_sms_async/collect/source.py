"""What the job needs of a client, in the rows that the store keeps."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from datetime import date, tzinfo
from typing import Any, Generic, Protocol, TypeVar, cast

from attrs import field, frozen

from ac_sms_async.client import SMSClient
from ac_sms_async.collect.rows import (
    Fields,
    RecipientFields,
    broadcast_fields,
    credits_fields,
    failure_fields,
    list_fields,
    metrics_fields,
    recipient_fields,
    snapshot_fields,
)
from ac_sms_async.collect.window import Listing
from ac_sms_async.errors import SMSError
from ac_sms_async.paging.pager import Pager

__all__ = ["ClientSource", "Counted", "Found", "Source", "found_pages"]

T = TypeVar("T")
R = TypeVar("R")


@frozen
class Found(Generic[T]):
    """A page of rows, how many there are in all (where the server says), and how many more came without an id."""

    items: list[T]
    total: int | None = None
    unreadable: int = 0


@frozen
class Counted:
    """The metrics of a chunk of ids: every id is in exactly one of the three."""

    metrics: dict[int, Fields]
    missing: Sequence[int] = ()
    failed: dict[int, SMSError] = field(factory=dict[int, SMSError])


@asynccontextmanager
async def found_pages(pager: Pager[R], make: Callable[[R], T]) -> AsyncGenerator[AsyncIterator[Found[T]], None]:
    """The pages of a listing as rows for the store; one without rows for an empty one, so that its total is known."""

    async def pages() -> AsyncGenerator[Found[T], None]:
        found = False
        async for page in pager.pages():
            found = True
            yield Found([make(item) for item in page.items], page.total, len(page.unreadable))
        if not found:
            yield Found([], await pager.count())

    async with pager, aclosing(pages()) as found:
        yield found


class Source(Protocol):
    """One account, as rows. Everything raises `SMSError`."""

    @property
    def account(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def timezone(self) -> tzinfo | None: ...

    def broadcasts(self, listing: Listing) -> AbstractAsyncContextManager[AsyncIterator[Found[Fields]]]: ...

    def recipients(self, broadcast_id: int) -> AbstractAsyncContextManager[AsyncIterator[Found[RecipientFields]]]: ...

    async def broadcast(self, broadcast_id: int) -> Fields: ...

    async def metrics(self, ids: Sequence[int]) -> Counted: ...

    async def failures(self, broadcast_id: int) -> list[Fields]: ...

    async def lists(self) -> list[Fields]: ...

    async def credits(self) -> Fields: ...

    async def snapshot(self, start: date | None, end: date | None) -> Fields: ...


class ClientSource:
    """A client as a `Source`: the one place where the job calls the facade. Its calls let those of others go first."""

    def __init__(self, sms: SMSClient, account: str | None = None) -> None:
        self._sms = sms.with_options(priority="bulk")
        self._account = account

    @property
    def account(self) -> str:
        """What names the account in the store."""
        name = self._account or self._sms.transport.account
        return name.partition("://")[2] or name

    @property
    def url(self) -> str:
        """Where it is."""
        return self._sms.transport.base_url

    @property
    def timezone(self) -> tzinfo:
        """The zone of its calendar."""
        return self._sms.transport.timezone

    def broadcasts(self, listing: Listing) -> AbstractAsyncContextManager[AsyncIterator[Found[Fields]]]:
        """The pages of a list of broadcasts; the next ones are fetched while this one is saved."""
        pager = self._sms.broadcasts.list(
            name=listing.name,
            # An unknown status is refused by `list` itself.
            status=cast("Any", listing.status),
            type=listing.type,
            start_date=listing.start,
            end_date=listing.end,
            prefetch=4,
        )
        return found_pages(pager, broadcast_fields)

    def recipients(self, broadcast_id: int) -> AbstractAsyncContextManager[AsyncIterator[Found[RecipientFields]]]:
        """The pages of a broadcast's recipients."""
        return found_pages(self._sms.recipients.list(broadcast_id, prefetch=2), recipient_fields)

    async def broadcast(self, broadcast_id: int) -> Fields:
        """One broadcast."""
        return broadcast_fields(await self._sms.broadcasts.get(broadcast_id))

    async def metrics(self, ids: Sequence[int]) -> Counted:
        """The metrics of up to 100 broadcasts."""
        batch = await self._sms.metrics.fetch(ids)
        rows = {broadcast_id: metrics_fields(item) for broadcast_id, item in batch.metrics.items()}
        return Counted(rows, tuple(batch.missing), dict(batch.failed))

    async def failures(self, broadcast_id: int) -> list[Fields]:
        """The failure groups of a broadcast."""
        return failure_fields(await self._sms.metrics.failures(broadcast_id))

    async def lists(self) -> list[Fields]:
        """The lists that broadcasts go to."""
        return [list_fields(item) for item in await self._sms.lists.list().to_list()]

    async def credits(self) -> Fields:
        """The credits of the account."""
        return credits_fields(await self._sms.credits.get())

    async def snapshot(self, start: date | None, end: date | None) -> Fields:
        """The totals of the account over a span of days."""
        return snapshot_fields(await self._sms.metrics.snapshot(start_date=start, end_date=end))
