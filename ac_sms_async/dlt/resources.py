"""The resources: a coroutine for each table that reads an account's rows. Whatever can't be read ends the load."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

import dlt
from attrs import field, frozen

from ac_sms_async.client import SMSClient
from ac_sms_async.collect.answers import is_nothing
from ac_sms_async.collect.needs import Counts, Known, needs_failures, needs_recipients
from ac_sms_async.collect.rows import COUNTS, broadcast_fields, failure_fields, metrics_fields, recipient_fields
from ac_sms_async.collect.source import ClientSource
from ac_sms_async.dlt.connected import Connected, Seen
from ac_sms_async.dlt.horizon import Horizon, Row, Stamp, id_of
from ac_sms_async.dlt.tables import columns, typed
from ac_sms_async.errors import SMSError
from ac_sms_async.models import Recipient

__all__ = ["Account", "broadcasts", "credits", "failures", "lists", "metrics", "people", "recipients", "replies"]

Rows: TypeAlias = list[Row]

# Each table has a key that tells all of its rows apart: dlt may load a row twice where it was killed meanwhile.
ONE = ("account", "broadcast_id")
NO_GROUP: dict[str, str | int] = {"error_code": "", "error_source": "emptied"}
NOBODY: dict[str, str | int] = {"contact_id": 0}
NO_REPLY: dict[str, str | int] = {"contact_id": 0, "position": 0}


@frozen
class Account:
    """Whom to read, and for how long after it was sent a broadcast is looked at again."""

    make_client: Callable[[], SMSClient] = field(repr=False)
    horizon: timedelta

    def client(self) -> Connected:
        """A client for one of the tables; all of them are within the account's one budget."""
        return Connected(self.make_client())


@dlt.resource(write_disposition="merge", primary_key=ONE, columns=columns("broadcasts"))
async def broadcasts(account: Account) -> AsyncGenerator[Rows]:
    """The whole list, at once: what is new or gone can't be known else, and the other tables go by it."""
    async with account.client() as sms:
        seen, found = Seen("list of broadcasts"), Rows()
        async for page in sms.broadcasts.list(prefetch=4).pages():
            seen.add(len(page.items), page.total, page.unreadable)
            found += map(broadcast_fields, page.items)
        seen.end()
        stamp = _stamp(sms, "broadcasts")
    yield [stamp.row(typed("broadcasts", item)) for item in found]


@dlt.transformer(write_disposition="merge", primary_key=(*ONE, "collected_at"), columns=columns("metrics"))
async def metrics(found: Rows, account: Account) -> Rows:
    """The counts of those that can still move: a row for each of them in each load."""
    async with account.client() as sms:
        stamp, horizon, counted = await _look(sms, "metrics", found, account)
    horizon.close(_counts(counted))
    return [stamp.row(fields) for fields in counted.values()]


@dlt.transformer(
    write_disposition="merge",
    primary_key=(*ONE, *NO_GROUP),
    merge_key=ONE,
    columns=columns("failure_groups", replaces=True),
)
async def failures(found: Rows, account: Account) -> Rows:
    """Why messages failed, of those whose counts have moved: all groups of a broadcast in place of those before."""
    rows, asked = Rows(), list[int]()
    async with account.client() as sms:
        stamp, horizon, counted = await _look(sms, "failures", found, account)
        counts = _counts(counted)
        for item in horizon.moved(counts):
            known = counts.get(id_of(item))
            if needs_failures(item["status"], known, Known(), now=None, again=True):
                asked.append(id_of(item))
            elif known is not None:
                rows.append(stamp.emptied(id_of(item), **NO_GROUP))
        async for outcome in sms.metrics.stream_failures(asked):
            if outcome.status == "ok":
                mine = {"broadcast_id": outcome.id}
                rows += [stamp.row({**group, **mine}) for group in failure_fields(outcome.failures)]
                rows.append(stamp.emptied(outcome.id, **NO_GROUP))
            elif outcome.error is not None and not is_nothing(outcome.error):
                raise outcome.error
    horizon.close(counts)
    return rows


@frozen
class People:
    """Rows of recipients, and of their replies."""

    recipients: Rows
    replies: Rows


@dlt.transformer(selected=False)
async def people(found: Rows, account: Account) -> AsyncGenerator[People]:
    """The people, page by page, of those whose counts have moved. It is no table: two are made of it."""
    async with account.client() as sms:
        # What dlt is told to forget of the table is what this one remembers.
        stamp, horizon, counted = await _look(sms, "recipients", found, account)
        counts = _counts(counted)
        for item in horizon.moved(counts):
            known, seen = counts.get(id_of(item)), Seen(f"recipients of broadcast {id_of(item)}")
            if needs_recipients(item["status"], known, Known(), all_anew=True):
                pager = sms.recipients.list(id_of(item))
                try:
                    # Plainly, without `async with`: dlt runs each step to the next page as a task of its own.
                    async for page in pager.pages():
                        seen.add(len(page.items), page.total, page.unreadable)
                        yield _people(stamp, id_of(item), page.items)
                    if not seen.rows:
                        seen.add(0, await pager.count())
                except SMSError as error:
                    if seen.rows or not is_nothing(error):
                        raise
                    continue
                seen.end()
            elif known is None:
                continue
            yield People([stamp.emptied(id_of(item), **NOBODY)], [stamp.emptied(id_of(item), **NO_REPLY)])
    horizon.close(counts)


@dlt.transformer(
    write_disposition="merge",
    primary_key=(*ONE, *NOBODY),
    merge_key=ONE,
    columns=columns("recipients", replaces=True),
    selected=False,
)
def recipients(page: People) -> Rows:
    """The people that a broadcast was sent to: all of them in place of those before."""
    return page.recipients


@dlt.transformer(
    write_disposition="merge",
    primary_key=(*ONE, *NO_REPLY),
    merge_key=ONE,
    columns=columns("replies", replaces=True),
    selected=False,
)
def replies(page: People) -> Rows:
    """What they answered: all replies to a broadcast in place of those before."""
    return page.replies


@dlt.resource(write_disposition="merge", primary_key=("account", "list_id"), columns=columns("lists"))
async def lists(account: Account) -> AsyncGenerator[Rows]:
    """The lists that broadcasts go to."""
    async with account.client() as sms:
        found, stamp = await ClientSource(sms).lists(), _stamp(sms, "lists")
    yield [stamp.row(fields) for fields in found]


@dlt.resource(write_disposition="merge", primary_key=("account", "collected_at"), columns=columns("credits"))
async def credits(account: Account) -> AsyncGenerator[Rows]:
    """What the account may still send: a row in each load."""
    async with account.client() as sms:
        fields, stamp = await ClientSource(sms).credits(), _stamp(sms, "credits")
    yield [stamp.row(fields)]


def _stamp(sms: SMSClient, name: str) -> Stamp:
    return Stamp.next(dlt.current.resource_state(name), ClientSource(sms).account)


async def _look(sms: SMSClient, name: str, found: Rows, account: Account) -> tuple[Stamp, Horizon, dict[int, Row]]:
    """What there is to look at, and its counts as they are before anything else is asked for."""
    stamp = _stamp(sms, name)
    horizon = Horizon(dlt.current.resource_state(name), stamp, found, account.horizon)
    batch = await sms.metrics.fetch([id_of(item) for item in horizon.due])
    for error in batch.failed.values():
        if not is_nothing(error):
            raise error
    return stamp, horizon, {broadcast_id: metrics_fields(item) for broadcast_id, item in batch.metrics.items()}


def _counts(counted: Mapping[int, Row]) -> dict[int, Counts]:
    return {broadcast_id: tuple(fields[name] for name in COUNTS) for broadcast_id, fields in counted.items()}


def _people(stamp: Stamp, broadcast_id: int, items: Sequence[Recipient]) -> People:
    mine, found = {"broadcast_id": broadcast_id}, [recipient_fields(item) for item in items]
    return People(
        [stamp.row(typed("recipients", {**item.fields, **mine})) for item in found],
        [stamp.row({**reply, **mine}) for item in found for reply in item.replies],
    )
