"""Which account is which: one URL has one name in a store, one name one URL, and one process collects it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

from ac_sms_async.collect.store.protocol import Statement, Store, StoreError, Value
from ac_sms_async.errors import ConfigurationError

__all__ = ["held", "rename"]


@asynccontextmanager
async def held(store: Store, account: str, url: str, *, shared: bool = False) -> AsyncGenerator[None, None]:
    """Hold an account, by its name and by its URL, and see that both belong together in this store.

    With `shared`, others that hold it so may hold it too, and the account may have moved to another URL: for those who
    have agreed otherwise on who collects what. Raises `StoreBusyError`, and `ConfigurationError` for a name or URL that
    is another one's.
    """
    async with store.exclusive(account, shared=shared), store.exclusive(_regular(url), shared=shared):
        rows = cast("list[tuple[str, str | None]]", await store.read("SELECT account, url FROM accounts"))
        for name, known in rows:
            if known is None:
                continue
            same = _regular(known) == _regular(url)
            if same and name != account:
                raise ConfigurationError(
                    f"{url} is in this store under the name {name!r}: collect it under that one, or give it the name "
                    f"{account!r} first, with `ac-sms store rename {name} {account}`"
                )
            if name == account and not same and not shared:
                raise ConfigurationError(
                    f"in this store {account!r} is {known}: collect {url} under another name; or, if the account has "
                    f"moved there, say so with `ac-sms store rename {account} {account} --url {url}`"
                )
        yield


def _regular(url: str) -> str:
    return url.rstrip("/").lower()


async def rename(store: Store, old: str, new: str, *, url: str | None = None) -> bool:
    """Give the account `old` the name `new`, and put both together where `new` is there already.

    Of what both have, the row that was collected later stays. `url` says where the account is now. Returns whether two
    were put together. Raises `StoreError` where there is no `old`, or where `new` is another account.
    """
    async with store.exclusive(old):
        if old == new:
            return await _renamed(store, old, new, url)
        async with store.exclusive(new):
            return await _renamed(store, old, new, url)


async def _renamed(store: Store, old: str, new: str, url: str | None) -> bool:
    found = cast("list[tuple[str, str | None]]", await store.read("SELECT account, url FROM accounts ORDER BY account"))
    urls = dict(found)
    if old not in urls:
        raise StoreError(f"the store has no account {old!r}; it has {', '.join(urls) or 'none yet'}")
    taken = [name for name, known in found if url and known and _regular(known) == _regular(url) and name != old]
    if taken and taken != [new]:
        raise StoreError(f"{url} is in this store under the name {taken[0]!r}")
    theirs, ours = urls.get(new), url or urls[old]
    together = new in urls and old != new
    if together and theirs and ours and _regular(theirs) != _regular(ours):
        raise StoreError(f"{new!r} is another account, {theirs}; {old!r} is {ours}")
    moved = [] if old == new else [*_put_together(old, new), *_moved(old, new)]
    address = Statement("UPDATE accounts SET url = ? WHERE account = ?", [(ours, new)])
    await store.write(*moved, address, durable=True)
    return together


_SAME = {
    # A broadcast's failures are one thing: those of two days, mixed, would be of none.
    "failure_groups": ("broadcast_id",),
    "broadcasts": ("broadcast_id",),
    "metrics": ("broadcast_id",),
    "failed_ids": ("kind", "broadcast_id"),
    "recipients": ("broadcast_id", "contact_id"),
    "forgotten": ("contact_id",),
    "lists": ("list_id",),
}
_LATER = {"failed_ids": "last_failed_at", "forgotten": "forgotten_at"}
_BY_RUN = ("metrics_history", "credits", "snapshots", "runs")


def _put_together(old: str, new: str) -> list[Statement]:
    """Of rows that both have, those that are older go: first the replies, which tell nothing about when themselves."""
    both = (
        "FROM recipients o JOIN recipients n ON o.broadcast_id = n.broadcast_id AND o.contact_id = n.contact_id "
        "WHERE o.account = ? AND n.account = ? AND o.broadcast_id = replies.broadcast_id "
        "AND o.contact_id = replies.contact_id AND "
    )
    delete = f"DELETE FROM replies WHERE account = ? AND EXISTS (SELECT 1 {both}"
    found = [
        Statement(f"{delete} o.collected_at > n.collected_at)", [(new, old, new)]),
        Statement(f"{delete} o.collected_at <= n.collected_at)", [(old, old, new)]),
    ]
    for name, key in _SAME.items():
        later = _LATER.get(name, "collected_at")
        same = " AND ".join(f"other.{column} = {name}.{column}" for column in key)
        delete = f"DELETE FROM {name} WHERE account = ? AND EXISTS (SELECT 1 FROM {name} other WHERE {same} AND "
        rows: list[tuple[Value, ...]] = [(new, old)]
        found.append(Statement(f"{delete} other.account = ? AND other.{later} > {name}.{later})", rows))
        found.append(Statement(f"{delete} other.account = ?)", [(old, new)]))
    # The sittings of the two were counted apart, and what was fetched under which counts is no longer sure.
    both_names: list[tuple[Value, ...]] = [(old,), (new,)]
    found.append(Statement("UPDATE runs SET reached = NULL WHERE account = ?", both_names))
    found.append(Statement("UPDATE failed_ids SET retry_sitting = 0 WHERE account = ?", both_names))
    found.append(
        Statement(
            "UPDATE broadcasts SET failures_counts = NULL, recipients_counts = NULL WHERE account = ?", both_names
        )
    )
    return found


def _moved(old: str, new: str) -> list[Statement]:
    """What is left of the old name's, under the new one; its unfinished runs are given up."""
    unfinished = "SELECT run_id FROM runs WHERE account = ? AND status IN ('running', 'failed', 'interrupted')"
    return [
        Statement(f"DELETE FROM work WHERE run_id IN ({unfinished})", [(old,)]),
        Statement(f"DELETE FROM checkpoints WHERE run_id IN ({unfinished})", [(old,)]),
        Statement(
            "UPDATE runs SET status = 'abandoned' WHERE account = ? AND status IN ('running', 'failed', 'interrupted')",
            [(old,)],
        ),
        *(
            Statement(f"UPDATE {name} SET account = ? WHERE account = ?", [(new, old)])
            for name in (*_SAME, *_BY_RUN, "replies")
        ),
        Statement(
            "INSERT INTO accounts (account, url, first_seen_at, sitting, timezone) "
            "SELECT ?, url, first_seen_at, sitting, timezone "
            "FROM accounts WHERE account = ? ON CONFLICT (account) DO UPDATE SET sitting = "
            "CASE WHEN excluded.sitting > accounts.sitting THEN excluded.sitting ELSE accounts.sitting END",
            [(new, old)],
        ),
        Statement("DELETE FROM accounts WHERE account = ?", [(old,)]),
    ]
