"""An account that lives: it changes between requests, and remembers every state it had, to judge a store by."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import anyio
from attrs import Factory, define, evolve, field, frozen

from ac_sms_async.collect.rows import COUNTS, Fields, RecipientFields, moment, value
from ac_sms_async.collect.source import Counted, Found, found_pages
from ac_sms_async.collect.store.schema import table
from ac_sms_async.collect.window import Listing
from ac_sms_async.errors import NotFoundError, SMSError
from ac_sms_async.paging.pager import FetchedPage, Pager
from tests.collect.fakes import NO_ROW, OURS

T = TypeVar("T")
P = TypeVar("P")

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

STILL_MOVING = timedelta(days=25)
"""How long after it was sent a broadcast's counts may change: less than the horizon of a run since the last."""


@frozen
class Person:
    """One recipient, as the server has it."""

    name: str | None
    clicks: int = 0
    replies: tuple[str, ...] = ()
    failed: str | None = None

    def fields(self, contact: int) -> RecipientFields:
        """As the source gives it."""
        fields: Fields = {
            "contact_id": contact,
            "name": value(self.name),
            "phone_number": f"+1555{contact:07}",
            "sent_date": None,
            "deliverability": "failed" if self.failed else "delivered",
            "clicks": self.clicks,
            "opt_out": "no",
            "reply_count": len(self.replies),
            "error_code": self.failed,
            "error_source": "twilio" if self.failed else None,
            "extra": None,
        }
        replies: list[Fields] = [
            {"contact_id": contact, "position": place, "message": value(text), "date": None}
            for place, text in enumerate(self.replies)
        ]
        return RecipientFields(fields, replies)


@frozen
class State:
    """One broadcast, as the server has it at one time."""

    name: str
    status: str
    sent: datetime | None = None
    people: dict[int, Person] = field(factory=dict[int, Person])
    erased: tuple[Person, ...] = ()
    """Contacts that were erased: no row tells of them, and every count still does."""
    counted: bool = True

    def fields(self, broadcast_id: int) -> Fields:
        """As the source gives it."""
        return {
            **NO_ROW,
            "broadcast_id": broadcast_id,
            "name": value(self.name),
            "status": self.status,
            "sent_date": value(self.sent),
        }

    def counts(self, broadcast_id: int) -> Fields | None:
        """Its counts, or None where the server leaves it out."""
        if not self.counted:
            return None
        people = (*self.people.values(), *self.erased)
        failures = sum(person.failed is not None for person in people)
        numbers = (
            *(len(people), len(people) - failures, failures),
            *(sum(person.clicks for person in people), sum(len(person.replies) for person in people), 0),
        )
        return {"broadcast_id": broadcast_id, **dict(zip(COUNTS, numbers, strict=True))}

    @property
    def groups(self) -> dict[str, int]:
        """How many failed by error code."""
        found: dict[str, int] = {}
        for person in (*self.people.values(), *self.erased):
            if person.failed is not None:
                found[person.failed] = found.get(person.failed, 0) + 1
        return found


@define
class Trouble:
    """What a request ends in, and how often (None: for ever)."""

    error: SMSError
    times: int | None = None


@define
class Life:
    """An account whose every state is kept. A `Source` for the job, with virtual latency."""

    account: str = "acme"
    url: str = "https://acme.example"
    timezone: tzinfo | None = Factory(lambda: ZoneInfo("America/Chicago"))
    now: datetime = START
    """The server's own clock."""
    version: int = 0
    history: dict[int, list[tuple[int, State | None]]] = Factory(dict[int, list[tuple[int, State | None]]])
    troubles: dict[tuple[str, int], Trouble] = Factory(dict[tuple[str, int], Trouble])
    cuts: dict[str, Trouble] = Factory(dict[str, Trouble])
    """By listing: it ends cleanly after two rows, though the total says that there are more."""
    refused: set[tuple[str, int]] = Factory(set[tuple[str, int]])
    """What ended in trouble since this was emptied."""
    unreadable: int = 0
    """Rows without an id in the next lists."""
    script: list[tuple[int, Callable[[Life], None]]] = Factory(list[tuple[int, Any]])
    """What happens at which request from now."""
    requests: list[tuple[Any, ...]] = Factory(list[tuple[Any, ...]])
    says_total: bool = True
    page_size: int = 3
    latency: float = 0.3
    pace: float = 0.2
    next_start: float = 0.0
    contacts: int = 0

    # What happens

    def put(self, broadcast_id: int, state: State | None) -> None:
        """The broadcast is like this from now on."""
        self.version += 1
        self.history.setdefault(broadcast_id, []).append((self.version, state))

    def state(self, broadcast_id: int) -> State | None:
        """As it is now."""
        return self.history[broadcast_id][-1][1] if broadcast_id in self.history else None

    def living(self) -> list[int]:
        """The broadcasts that there are, newest first, as the server lists them."""
        return [i for i in sorted(self.history, reverse=True) if self.state(i) is not None]

    def add(self, state: State, people: int = 0) -> int:
        """A new broadcast, sent to so many new contacts."""
        broadcast_id = 1 + len(self.history)
        self.put(broadcast_id, evolve(state, people=self._people(people)))
        return broadcast_id

    def _people(self, count: int) -> dict[int, Person]:
        first = self.contacts
        self.contacts += count
        return {first + place: Person(f"Contact {first + place}") for place in range(1, count + 1)}

    def chosen(self, place: int, *, sent: bool = False, moving: bool = False) -> int | None:
        """One of the broadcasts there are."""
        ids = self.living()
        if sent:
            ids = [i for i in ids if self._of(i).people]
        if moving:
            ids = [i for i in ids if self._moves(self._of(i))]
        return ids[place % len(ids)] if ids else None

    def _of(self, broadcast_id: int) -> State:
        state = self.state(broadcast_id)
        assert state is not None
        return state

    def _moves(self, state: State) -> bool:
        return state.sent is None or state.sent > self.now - STILL_MOVING

    def deliver(self, place: int, people: int) -> None:
        """One that was not sent is."""
        ids = [i for i in self.living() if self._of(i).status != "sent"]
        if ids:
            i = ids[place % len(ids)]
            self.put(i, evolve(self._of(i), status="sent", sent=self.now, people=self._people(people)))

    def edit(self, place: int, name: str) -> None:
        """Somebody gives it another name."""
        if (i := self.chosen(place)) is not None:
            self.put(i, evolve(self._of(i), name=name))

    def delete(self, place: int) -> None:
        """Somebody deletes it."""
        if (i := self.chosen(place)) is not None:
            self.put(i, None)

    def count(self, place: int, *, only_first: bool = False) -> None:
        """Its counts are left out from now on, or there again: at any age, where there never were any."""
        i = self.chosen(place)
        if i is None:
            return
        state = self._of(i)
        never = not any(before is not None and before.counted for _, before in self.history[i])
        if never or (self._moves(state) and not only_first):
            self.put(i, evolve(state, counted=not state.counted))

    def person(self, place: int, who: int, change: Callable[[Person], Person | None], *, moving: bool = True) -> None:
        """One of its recipients changes, or is erased (None)."""
        i = self.chosen(place, sent=True, moving=moving)
        if i is None:
            return
        people = dict(self._of(i).people)
        contact = sorted(people)[who % len(people)]
        before = people.pop(contact)
        changed = change(before)
        if changed is not None:
            people[contact] = changed
            self.put(i, evolve(self._of(i), people=people))
        else:
            self.put(i, evolve(self._of(i), people=people, erased=(*self._of(i).erased, before)))

    # What the job asks

    async def _request(self, kind: str, broadcast_id: int, *more: Any) -> None:
        start = max(self.next_start, anyio.current_time())
        self.next_start = start + self.pace
        await anyio.sleep_until(start)
        self.requests.append((kind, broadcast_id, *more))
        await anyio.sleep(self.latency)
        due, self.script = (
            [change for at, change in self.script if at <= 1],
            [(at - 1, change) for at, change in self.script if at > 1],
        )
        for change in due:
            change(self)
        self._trouble(kind, broadcast_id)

    def _trouble(self, kind: str, broadcast_id: int) -> None:
        trouble = self.troubles.get((kind, broadcast_id))
        if trouble is None:
            return
        self.refused.add((kind, broadcast_id))
        if trouble.times is not None:
            trouble.times -= 1
            if trouble.times <= 0:
                del self.troubles[kind, broadcast_id]
        raise trouble.error

    def broadcasts(self, listing: Listing) -> AbstractAsyncContextManager[AsyncIterator[Found[Fields]]]:
        """The list."""

        def rows() -> list[tuple[int, State]]:
            found = [(i, self._of(i)) for i in self.living()]
            return [(i, state) for i, state in found if matches(listing, state)]

        return self._paged("list", 0, rows, lambda row: row[1].fields(row[0]))

    def recipients(self, broadcast_id: int) -> AbstractAsyncContextManager[AsyncIterator[Found[RecipientFields]]]:
        """The recipients of one."""

        def rows() -> list[tuple[int, Person]]:
            state = self.state(broadcast_id)
            if state is None:
                raise nothing()
            return sorted(state.people.items())

        return self._paged("recipients", broadcast_id, rows, lambda row: row[1].fields(row[0]))

    def _paged(
        self,
        kind: str,
        broadcast_id: int,
        rows: Callable[[], list[tuple[int, P]]],
        make: Callable[[tuple[int, P]], T],
    ) -> AbstractAsyncContextManager[AsyncIterator[Found[T]]]:
        cut = self.cuts.get(kind)
        left_out = self.unreadable if kind == "list" else 0
        if cut is not None and cut.times is not None:
            cut.times -= 1
            if cut.times <= 0:
                del self.cuts[kind]

        async def fetch(offset: int, limit: int) -> FetchedPage[tuple[int, P]]:
            await self._request(kind, broadcast_id, offset)
            found = rows()
            shown = found[:2] if cut is not None else found
            return FetchedPage(
                shown[offset : offset + limit],
                total=len(found) + left_out if self.says_total else None,
                unreadable=["no id"] * left_out if offset == 0 and shown else [],
            )

        pager = Pager(
            fetch, key=lambda row: row[0], name=f"{kind}:{broadcast_id}", page_size=self.page_size, prefetch=2
        )
        return found_pages(pager, make)

    async def broadcast(self, broadcast_id: int) -> Fields:
        """One broadcast."""
        await self._request("broadcast", broadcast_id)
        state = self.state(broadcast_id)
        if state is None:
            raise nothing()
        return state.fields(broadcast_id)

    async def metrics(self, ids: Sequence[int]) -> Counted:
        """The counts of some."""
        await self._request("chunk", 0, *ids)
        counted: dict[int, Fields] = {}
        missing: list[int] = []
        failed: dict[int, SMSError] = {}
        for i in ids:
            state = self.state(i)
            counts = None if state is None else state.counts(i)
            try:
                self._trouble("metrics", i)
            except SMSError as error:
                failed[i] = error
            else:
                if counts is None:
                    missing.append(i)
                else:
                    counted[i] = counts
        return Counted(counted, missing, failed)

    async def failures(self, broadcast_id: int) -> list[Fields]:
        """The failure groups of one."""
        await self._request("failures", broadcast_id)
        state = self.state(broadcast_id)
        if state is None:
            raise nothing()
        return [{"error_code": c, "error_source": "twilio", "count": n} for c, n in sorted(state.groups.items())]

    async def lists(self) -> list[Fields]:
        """The lists."""
        await self._request("lists", 0)
        return [{"list_id": 1, "name": "All", "subscriber_count": 7}]

    async def credits(self) -> Fields:
        """The credits."""
        await self._request("credits", 0)
        names = [name for name in table("credits").names if name not in OURS]
        return {**dict.fromkeys(names), "available": 100}

    async def snapshot(self, start: date | None, end: date | None) -> Fields:
        """The totals."""
        await self._request("snapshot", 0)
        return {"campaigns": 1, **dict.fromkeys(COUNTS, 1)}


def nothing() -> NotFoundError:
    """The API's answer about what isn't there."""
    return NotFoundError("No Result found", status=404, body=b'{"message": "No Result found"}')


def matches(listing: Listing, state: State) -> bool:
    """Whether a broadcast is in a list with filters."""
    if listing.status is not None and state.status != listing.status:
        return False
    if listing.name is not None and listing.name not in state.name:
        return False
    day = None if state.sent is None else moment(state.sent)[:10]
    if listing.start is not None and (day is None or day < listing.start.isoformat()):
        return False
    return listing.end is None or (day is not None and day <= listing.end.isoformat())
