"""Rows that appear and disappear while somebody pages: what drift faults do to an account."""

from __future__ import annotations

from ac_sms_async.sandbox.account import Account
from ac_sms_async.sandbox.broadcast import Broadcast
from ac_sms_async.sandbox.query import EVERY_DAY
from ac_sms_async.sandbox.seed import SubscriberList


def insert_broadcast(account: Account, status: str) -> None:
    """A broadcast appears at the front of the list."""
    now = int(account.now())
    broadcast = Broadcast(account.new_id(), "Slipped in", "Slipped in", now, now, pinned=status)
    broadcast.rank = min((each.rank for each in account.broadcasts.values()), default=0) - 1
    if status in ("sending", "sent"):
        broadcast.sending_at = now
    account.broadcasts[broadcast.id] = broadcast
    account.save(broadcast)


def delete_broadcast(account: Account, at: int) -> None:
    """The broadcast at this place of the list is deleted."""
    for broadcast in account.live()[at : at + 1]:
        account.delete(broadcast, account.now())


def insert_list(account: Account) -> None:
    """A list appears at the front of the lists."""
    number = max(account.lists, default=0) + 1
    rank = min((each.rank for each in account.lists.values()), default=0) - 1
    account.lists[number] = SubscriberList(number, "Slipped in", 0, rank)


def delete_list(account: Account, at: int) -> None:
    """The list at this place is gone."""
    for each in account.in_order(account.lists.values())[at : at + 1]:
        del account.lists[each.id]


def insert_recipient(account: Account, broadcast_id: int) -> None:
    """Somebody more was sent to, and stands first; nothing happens where sending has not begun."""
    broadcast = account.broadcast(broadcast_id)
    audience = account.audience(broadcast, account.now())
    if audience is not None:
        broadcast.late += 1
        audience.late += 1
        account.save(broadcast)


def delete_recipient(account: Account, broadcast_id: int, at: int) -> None:
    """The recipient at this place is gone, and doesn't count any more."""
    broadcast = account.broadcast(broadcast_id)
    now = account.now()
    audience = account.audience(broadcast, now)
    if audience is not None:
        for place in audience.places(None, EVERY_DAY.end_by(now))[at : at + 1]:
            broadcast.removed.append(place)
            audience.removed.add(place)
        account.save(broadcast)
