"""What the job needs of a client, in the rows that the store keeps."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from datetime import date
from typing import Any, Generic, Protocol, TypeVar, cast

from attrs import field, frozen

from ac_sms_async.client import SMSClient
from ac_sms_async.collect.rows import (
    Fields,
    RecipientFields,
    broadcast_fields,
    credits_fields,
    failure_fields,
    metrics_fields,
    recipient_fields,
    snapshot_fields,
)
from ac_sms_async.collect.window import Listing
from ac_sms_async.errors import SMSError

__all__ = ["ClientSource", "Counted", "Found", "Source"]

T = TypeVar("T")


@frozen
class Found(Generic[T]):
    """A page of rows, how many there are in all (where the server says), and where to go on after it."""

    items: list[T]
    total: int | None
    token: str | None


@frozen
class Counted:
    """The metrics of a chunk of ids: every id is in exactly one of the three."""

    metrics: dict[int, Fields]
    missing: Sequence[int] = ()
    failed: dict[int, SMSError] = field(factory=dict[int, SMSError])


class Source(Protocol):
    """One account, as rows. Everything raises `SMSError`."""

    @property
    def account(self) -> str: ...

    @property
    def url(self) -> str: ...

    def broadcasts(
        self, listing: Listing, resume: str | None
    ) -> AbstractAsyncContextManager[AsyncIterator[Found[Fields]]]: ...

    def recipients(
        self, broadcast_id: int, resume: str | None
    ) -> AbstractAsyncContextManager[AsyncIterator[Found[RecipientFields]]]: ...

    async def broadcast(self, broadcast_id: int) -> Fields: ...

    async def metrics(self, ids: Sequence[int]) -> Counted: ...

    async def failures(self, broadcast_id: int) -> list[Fields]: ...

    async def credits(self) -> Fields: ...

    async def snapshot(self, start: date | None, end: date | None) -> Fields: ...


class ClientSource:
    """A client as a `Source`: the one place where the job calls the facade."""

    def __init__(self, sms: SMSClient) -> None:
        self._sms = sms

    @property
    def account(self) -> str:
        """What names the account in the store."""
        name = self._sms.transport.account
        return name.partition("://")[2] or name

    @property
    def url(self) -> str:
        """Where it is."""
        return self._sms.transport.base_url

    @asynccontextmanager
    async def broadcasts(
        self, listing: Listing, resume: str | None
    ) -> AsyncGenerator[AsyncIterator[Found[Fields]], None]:
        """The pages of a list of broadcasts; the next ones are fetched while this one is saved."""
        pager = self._sms.broadcasts.list(
            name=listing.name,
            # An unknown status is refused by `list` itself.
            status=cast("Any", listing.status),
            type=listing.type,
            start_date=listing.start,
            end_date=listing.end,
            prefetch=4,
            resume=resume,
        )
        async with pager:

            async def pages() -> AsyncGenerator[Found[Fields], None]:
                async for page in pager.pages():
                    yield Found([broadcast_fields(item) for item in page.items], page.total, page.resume_token)

            async with aclosing(pages()) as found:
                yield found

    @asynccontextmanager
    async def recipients(
        self, broadcast_id: int, resume: str | None
    ) -> AsyncGenerator[AsyncIterator[Found[RecipientFields]], None]:
        """The pages of a broadcast's recipients."""
        pager = self._sms.recipients.list(broadcast_id, prefetch=2, resume=resume)
        async with pager:

            async def pages() -> AsyncGenerator[Found[RecipientFields], None]:
                async for page in pager.pages():
                    yield Found([recipient_fields(item) for item in page.items], page.total, page.resume_token)

            async with aclosing(pages()) as found:
                yield found

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

    async def credits(self) -> Fields:
        """The credits of the account."""
        return credits_fields(await self._sms.credits.get())

    async def snapshot(self, start: date | None, end: date | None) -> Fields:
        """The totals of the account over a span of days."""
        return snapshot_fields(await self._sms.metrics.snapshot(start_date=start, end_date=end))
