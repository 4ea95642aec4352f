"""An account that gives rows without a server, and a store in memory that can die at any write."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from datetime import date, tzinfo
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

import anyio
from attrs import Factory, define

from ac_sms_async.collect.rows import COUNTS, Fields, RecipientFields
from ac_sms_async.collect.source import Counted, Found, found_pages
from ac_sms_async.collect.store.migrate import CREATE_VERSION_TABLE, SQLITE, migrations
from ac_sms_async.collect.store.protocol import Row, Statement, StoreError
from ac_sms_async.collect.store.schema import table
from ac_sms_async.collect.store.storable import storable_row
from ac_sms_async.collect.window import Detail, Listing
from ac_sms_async.errors import NotFoundError, SMSError
from ac_sms_async.paging.pager import FetchedPage, Pager

T = TypeVar("T")

EVERYTHING: frozenset[Detail] = frozenset({"failures", "recipients"})

OURS = (
    *("account", "run_id", "sitting", "collected_at", "first_collected_at"),
    *("failures_collected_at", "recipients_collected_at", "failures_counts", "recipients_counts"),
)

NO_ROW: Fields = dict.fromkeys(name for name in table("broadcasts").names if name not in OURS)


def not_found(what: str = "gone") -> NotFoundError:
    return NotFoundError(what, status=404, body=b'{"message": "gone"}')


@define
class FakeSource:
    """An account of some broadcasts; each is what its id says."""

    ids: list[int] = Factory(lambda: list(range(1, 24)))
    account: str = "acme"
    timezone: tzinfo | None = Factory(lambda: ZoneInfo("America/Chicago"))
    url: str = Factory(lambda self: f"https://{self.account}.example", takes_self=True)
    page_size: int = 5
    latency: float = 0.9
    pace: float = 0.2
    statuses: dict[int, str] = Factory(dict[int, str])
    clicks: dict[int, int] = Factory(dict[int, int])
    missing: set[int] = Factory(set[int])
    errors: dict[tuple[Any, ...], SMSError] = Factory(dict[tuple[Any, ...], SMSError])
    """By request, such as `("failures", 3)`: what it ends in."""
    requests: list[tuple[Any, ...]] = Factory(list[tuple[Any, ...]])
    before: dict[tuple[Any, ...], Callable[[], Awaitable[None]]] = Factory(dict[tuple[Any, ...], Any])
    """By request: what happens first."""
    under_way: int = 0
    ends: set[tuple[Any, ...]] = Factory(set[tuple[Any, ...]])
    next_start: float = 0.0

    async def _request(self, *what: Any) -> None:
        # Paced as the real client is: 5 a second, evenly.
        start = max(self.next_start, anyio.current_time())
        self.next_start = start + self.pace
        await anyio.sleep_until(start)
        self.requests.append(what)
        self.under_way += 1
        try:
            await anyio.sleep(self.latency)
            if what in self.before:
                await self.before.pop(what)()
        finally:
            self.under_way -= 1
        if what in self.errors:
            raise self.errors[what]

    def status(self, broadcast_id: int) -> str:
        return self.statuses.get(broadcast_id, "draft" if broadcast_id % 10 == 0 else "sent")

    def fields(self, broadcast_id: int) -> Fields:
        sent = f"2026-{1 + broadcast_id % 12:02}-10T15:00:00Z" if self.status(broadcast_id) == "sent" else None
        return {
            **NO_ROW,
            "broadcast_id": broadcast_id,
            "name": f"Broadcast {broadcast_id}",
            "status": self.status(broadcast_id),
            "sent_date": sent,
            "list_ids": "[1,2]",
        }

    def size(self, broadcast_id: int) -> int:
        return 0 if self.status(broadcast_id) == "draft" else 3 + broadcast_id % 9

    def counts(self, broadcast_id: int) -> Fields:
        sends = self.size(broadcast_id)
        failures = min(sends, broadcast_id % 3)
        clicks = self.clicks.get(broadcast_id, 1)
        return {
            "broadcast_id": broadcast_id,
            **dict(zip(COUNTS, (sends, sends - failures, failures, clicks, 1, 0), strict=True)),
        }

    def recipient(self, broadcast_id: int, place: int) -> RecipientFields:
        contact = 1000 * broadcast_id + place
        fields: Fields = {
            "contact_id": contact,
            "name": f"Contact {contact}",
            "phone_number": f"+1555{contact:06}",
            "sent_date": None,
            "deliverability": "failed" if place <= broadcast_id % 3 else "delivered",
            "clicks": place % 2,
            "opt_out": "no",
            "reply_count": place % 2,
            "error_code": None,
            "error_source": None,
            "extra": None,
        }
        replies: list[Fields] = [{"contact_id": contact, "position": 0, "message": "Yes", "date": None}]
        return RecipientFields(fields, replies if place % 2 else [])

    def broadcasts(self, listing: Listing) -> AbstractAsyncContextManager[AsyncIterator[Found[Fields]]]:
        chosen = [i for i in self.ids if listing.status is None or self.status(i) == listing.status]
        if listing.start is not None:
            chosen = [i for i in chosen if str(self.fields(i)["sent_date"] or "") >= listing.start.isoformat()]
        return self._paged("list", chosen, self.fields)

    def recipients(self, broadcast_id: int) -> AbstractAsyncContextManager[AsyncIterator[Found[RecipientFields]]]:
        places = list(range(1, self.size(broadcast_id) + 1))
        return self._paged(f"recipients:{broadcast_id}", places, lambda place: self.recipient(broadcast_id, place))

    def _paged(
        self, name: str, keys: list[int], make: Callable[[int], T]
    ) -> AbstractAsyncContextManager[AsyncIterator[Found[T]]]:
        async def fetch(offset: int, limit: int) -> FetchedPage[int]:
            await self._request(name, offset)
            if len(keys) <= offset + (offset > 0):
                # No more than the row that pages share: there is nothing to keep, so it may be asked for again.
                self.ends.add((name, offset))
            return FetchedPage(keys[offset : offset + limit], total=len(keys), unreadable=[])

        pager = Pager(fetch, key=lambda key: key, name=name, page_size=self.page_size, prefetch=2)
        return found_pages(pager, make)

    async def broadcast(self, broadcast_id: int) -> Fields:
        await self._request("broadcast", broadcast_id)
        return self.fields(broadcast_id)

    async def metrics(self, ids: Sequence[int]) -> Counted:
        await self._request("metrics", *ids)
        failed = {i: self.errors["metric", i] for i in ids if ("metric", i) in self.errors}
        counted = {i: self.counts(i) for i in ids if i not in self.missing and i not in failed}
        return Counted(counted, [i for i in ids if i in self.missing], failed)

    async def failures(self, broadcast_id: int) -> list[Fields]:
        await self._request("failures", broadcast_id)
        return [{"error_code": "30003", "error_source": "twilio", "count": broadcast_id % 3}]

    async def lists(self) -> list[Fields]:
        await self._request("lists")
        return [{"list_id": i, "name": f"List {i}", "subscriber_count": 100 * i} for i in (1, 2)]

    async def credits(self) -> Fields:
        await self._request("credits")
        names = [name for name in table("credits").names if name not in OURS]
        return {**dict.fromkeys(names), "period": "month", "available": 100}

    async def snapshot(self, start: date | None, end: date | None) -> Fields:
        await self._request("snapshot")
        return {"campaigns": len(self.ids), **dict.fromkeys(COUNTS, 1)}


class Killed(Exception):
    """The process would be dead by now."""


class MemoryStore:
    """A store without threads, so that time may be virtual. `kill_at=n` dies in place of the n-th write from now."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        # Python 3.13 warns of a connection that nobody closed, and in a cycle it could be asked before we are.
        weakref.finalize(self, self.connection.close)
        self.connection.execute(CREATE_VERSION_TABLE)
        for migration in migrations():
            for statement in migration.statements(SQLITE):
                self.connection.execute(statement)
        self.writes = 0
        self.kill_at: int | None = None
        self.on_kill: Callable[[], None] = lambda: None
        self.held: set[str] = set()

    async def write(self, *statements: Statement, durable: bool = False) -> None:
        await anyio.lowlevel.checkpoint()
        self.writes += 1
        if self.kill_at is not None and self.writes >= self.kill_at:
            self.on_kill()
            raise Killed
        self.connection.execute("BEGIN")
        try:
            for statement in statements:
                self.connection.executemany(statement.sql, map(storable_row, statement.rows))
        except sqlite3.Error as error:
            self.connection.execute("ROLLBACK")
            raise StoreError(f"SQLite: {error}") from error
        self.connection.execute("COMMIT")

    async def read(self, sql: str, values: Row = ()) -> list[Row]:
        await anyio.lowlevel.checkpoint()
        return self.connection.execute(sql, storable_row(values)).fetchall()

    @asynccontextmanager
    async def stream(
        self, sql: str, values: Row = (), *, size: int = 1000
    ) -> AsyncGenerator[AsyncIterator[list[Row]], None]:
        cursor = self.connection.execute(sql, values)

        async def chunks() -> AsyncGenerator[list[Row], None]:
            while rows := cursor.fetchmany(size):
                await anyio.lowlevel.checkpoint()
                yield rows

        async with aclosing(chunks()) as found:
            yield found

    @asynccontextmanager
    async def exclusive(self, account: str, *, shared: bool = False) -> AsyncGenerator[None, None]:
        if shared:
            yield
            return
        assert account not in self.held
        self.held.add(account)
        try:
            yield
        finally:
            self.held.discard(account)

    async def aclose(self) -> None:
        self.connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


class Mortal(MemoryStore):
    """A store whose process dies at a write, so many from now."""

    left: int | None = None

    async def write(self, *statements: Statement, durable: bool = False) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed
        await super().write(*statements, durable=durable)


COLLECTED = [
    "accounts",
    "broadcasts",
    "metrics",
    "metrics_history",
    "failure_groups",
    "recipients",
    "replies",
    "credits",
    "lists",
    "time_zones",
    "snapshots",
    "failed_ids",
]

_OF_THE_MOMENT = ("run_id", "resumed", "attempts", "sitting", "retry_sitting", "reached", "failure_groups")


async def contents(store: Any) -> dict[str, list[Row]]:
    """Everything that was collected, without what tells when and by which run."""
    found: dict[str, list[Row]] = {}
    for name in [*COLLECTED, "runs"]:
        columns = [c for c in table(name).names if c not in _OF_THE_MOMENT and not c.endswith("_at")]
        rows = await store.read(f"SELECT {', '.join(columns)} FROM {name}")
        found[name] = sorted(rows, key=repr)
    return found
