"""People who must not be kept: contacts who want to be forgotten, and whoever was written to too long ago."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import cast

from attrs import evolve, frozen

from ac_sms_async.collect.records import Stamp
from ac_sms_async.collect.rows import Fields, RecipientFields, moment
from ac_sms_async.collect.store.protocol import Row, Statement, Store, Value

__all__ = ["Privacy", "forget"]

_NOTHING: Fields = {"name": None, "phone_number": None, "extra": None}


@frozen
class Privacy:
    """Whose name, phone number and replies are not to be written into the store."""

    forgotten: frozenset[int]
    cutoff: str | None
    """Who was written to before this is not kept, or None."""
    at: str

    @classmethod
    async def read(cls, store: Store, account: str, keep: timedelta | None, now: datetime) -> Privacy:
        """What holds for an account of the store. `keep`: how long personal data is kept, or None for ever."""
        rows = await store.read("SELECT contact_id FROM forgotten WHERE account = ?", (account,))
        forgotten = frozenset(cast("int", row[0]) for row in rows)
        return cls(forgotten, None if keep is None else moment(now - keep), moment(now))

    def kept(self, item: RecipientFields, sent_date: Value) -> RecipientFields:
        """A recipient of a broadcast that was sent at `sent_date`, without what must not be kept."""
        sent = item.fields["sent_date"] or sent_date
        late = self.cutoff is not None and sent is not None and str(sent) < self.cutoff
        if not late and item.contact_id not in self.forgotten:
            return item
        return evolve(item, fields={**item.fields, **_NOTHING, "erased_at": self.at}, replies=[])

    async def overdue(self, store: Store, stamp: Stamp) -> list[Statement]:
        """What blanks everything in the store that must not be kept any longer."""
        statements: list[Statement] = []
        for contact_id in sorted(self.forgotten):
            rows = await store.read(
                "SELECT broadcast_id FROM recipients WHERE account = ? AND contact_id = ? AND erased_at IS NULL",
                (stamp.account, contact_id),
            )
            for row in rows:
                statements += stamp.erase(cast("int", row[0]), "contact_id = ?", (contact_id,))
        if self.cutoff is None:
            return statements
        rows = await store.read(
            "SELECT DISTINCT r.broadcast_id, b.sent_date FROM recipients r JOIN broadcasts b "
            "ON b.account = r.account AND b.broadcast_id = r.broadcast_id "
            "WHERE r.account = ? AND r.erased_at IS NULL AND COALESCE(r.sent_date, b.sent_date) < ? ORDER BY 1",
            (stamp.account, self.cutoff),
        )
        for broadcast_id, sent in rows:
            # The recipient's own date where there is one, else the broadcast's.
            undated = " OR sent_date IS NULL" if sent is not None and str(sent) < self.cutoff else ""
            which = f"erased_at IS NULL AND (sent_date < ?{undated})"
            statements += stamp.erase(cast("int", broadcast_id), which, (self.cutoff,))
        return statements


async def forget(
    store: Store,
    *,
    phone: str | None = None,
    contact: int | None = None,
    account: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Blank name, phone number and replies of a contact, now and in all runs to come; returns how many rows it was.

    Give the `phone` number as it is stored, or the id of the `contact`; `account` narrows it to one. The row of a
    recipient stays, with its counts. Raises `StoreBusyError` while one of the accounts is being collected.
    """
    if (phone is None) == (contact is None):
        raise ValueError("give either a phone number or a contact's id")
    which = "phone_number = ?" if contact is None else "contact_id = ?"
    given: Row = (phone if contact is None else contact,)
    if account is not None:
        which, given = f"{which} AND account = ?", (*given, account)
    found = await store.read(f"SELECT DISTINCT account, contact_id FROM recipients WHERE {which} ORDER BY 1, 2", given)
    if account is not None and contact is not None:
        # Not there yet, or not any more: it doesn't come back.
        found = [(account, contact)]
    accounts = sorted({str(name) for name, _ in found})
    at = moment(now())
    count = 0
    async with AsyncExitStack() as stack:
        for held in accounts:
            await stack.enter_async_context(store.exclusive(held))
        for name, contact_id in found:
            rows = await store.read(
                "SELECT broadcast_id FROM recipients WHERE account = ? AND contact_id = ?", (name, contact_id)
            )
            stamp = Stamp(str(name), "", 0, at)
            erased = [stamp.erase(cast("int", row[0]), "contact_id = ?", (contact_id,)) for row in rows]
            await store.write(
                Statement(
                    "INSERT INTO forgotten (account, contact_id, forgotten_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    [(name, contact_id, at)],
                ),
                *(statement for statements in erased for statement in statements),
            )
            count += len(rows)
    return count
