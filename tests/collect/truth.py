"""Holds a store against everything that an account was while a run was at it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from attrs import frozen

from ac_sms_async.collect.rows import COUNTS
from ac_sms_async.collect.window import Window
from tests.collect.life import Life, Person, State, matches

__all__ = ["differences"]

PERSON = (
    *("contact_id", "name", "phone_number", "deliverability", "clicks", "reply_count", "opt_out"),
    *("error_code", "error_source"),
)


@frozen
class _Span:
    """The states of a broadcast over a stretch of the account's life."""

    states: list[State | None]

    @property
    def throughout(self) -> bool:
        return None not in self.states

    @property
    def never(self) -> bool:
        return all(state is None for state in self.states)

    @property
    def real(self) -> list[State]:
        return [state for state in self.states if state is not None]


def _between(life: Life, broadcast_id: int, first: int, last: int) -> _Span:
    history = life.history[broadcast_id]
    before = [state for version, state in history if version <= first]
    later = [state for version, state in history if first < version <= last]
    return _Span([before[-1] if before else None, *later])


def _with_these_counts(life: Life, broadcast_id: int, span: _Span, last: int) -> _Span:
    """Every state with the counts of this span, for what is left alone where these have not moved."""
    counts = [_counts(state) for state in span.real]
    history = [state for version, state in life.history[broadcast_id] if version <= last and state is not None]
    return _Span([state for state in history if _counts(state) in counts])


def _counts(state: State) -> Any:
    return state.counts(0), state.status


async def differences(
    store: Any, life: Life, window: Window, include: Collection[str], first: int, last: int
) -> list[str]:
    """What the store has otherwise than any state of the account between two versions, as far as the window reaches."""
    wrong: list[str] = []
    kinds = ("broadcast", "metrics", "credits", "lists", "snapshot", *include)
    failed = await store.read(
        "SELECT kind, broadcast_id, error, given_up_at FROM failed_ids WHERE account = ?", (life.account,)
    )
    given_up = {(row[0], row[1]) for row in failed if row[3] is not None}
    wrong += [f"owed: {row}" for row in failed if row[0] in kinds and row[3] is None]
    for i in life.history:
        span = _between(life, i, first, last)
        if window.mode == "window" and not all(
            state is not None and matches(window.listing, state) for state in span.states
        ):
            continue
        wrong += [
            f"broadcast {i}: {what}" for what in await _one(store, life, window, i, span, given_up, include, last)
        ]
    return wrong


async def _one(
    store: Any,
    life: Life,
    window: Window,
    i: int,
    span: _Span,
    given_up: set[tuple[Any, Any]],
    include: Collection[str],
    last: int,
) -> list[str]:
    wrong: list[str] = []
    key = (life.account, i)
    where = "WHERE account = ? AND broadcast_id = ?"
    rows = await store.read(f"SELECT name, status, sent_date, deleted_at FROM broadcasts {where}", key)
    if span.never:
        # Whether it is gone could not be found out, in eight tries.
        unknown = ("broadcast", i) in given_up
        return [f"is there, though it is gone: {rows}"] if rows and rows[0][3] is None and not unknown else []
    if not span.throughout:
        return []
    wanted = [tuple(state.fields(i)[name] for name in ("name", "status", "sent_date")) for state in span.real]
    if not rows:
        return [f"is missing: {wanted}"]
    if rows[0][3] is not None or tuple(rows[0][:3]) not in wanted:
        wrong.append(f"is {rows[0]}, not one of {wanted}")
    columns = ", ".join(COUNTS)
    counts = [state.counts(i) for state in span.real]
    if None not in counts and ("metrics", i) not in given_up:
        found = await store.read(f"SELECT {columns} FROM metrics {where}", key)
        possible = [tuple(entry[name] for name in COUNTS) for entry in counts if entry is not None]
        if not found or tuple(found[0]) not in possible:
            wrong.append(f"counts {found}, not one of {possible}")
    counted_so = _with_these_counts(life, i, span, last)
    wide = counted_so if window.mode == "since_last" else span
    if "failures" in include and ("failures", i) not in given_up | life.refused:
        groups = await store.read(f"SELECT error_code, count FROM failure_groups {where}", key)
        # A full run, too, takes it for a month that they are the same where all counts, and their sum, are.
        possible_groups = [state.groups for state in counted_so.real]
        if {row[0]: row[1] for row in groups} not in possible_groups:
            wrong.append(f"failure groups {groups}, not one of {possible_groups}")
    if "recipients" in include and ("recipients", i) not in given_up | life.refused:
        wrong += await _people(store, key, wide)
    return wrong


async def _people(store: Any, key: tuple[str, int], span: _Span) -> list[str]:
    wrong: list[str] = []
    where = "WHERE account = ? AND broadcast_id = ?"
    rows = await store.read(f"SELECT {', '.join(PERSON)} FROM recipients {where}", key)
    found = {row[0]: dict(zip(PERSON, row, strict=True)) for row in rows}
    replies: dict[Any, list[Any]] = {}
    for contact, message in await store.read(
        f"SELECT contact_id, message FROM replies {where} ORDER BY contact_id, position", key
    ):
        replies.setdefault(contact, []).append(message)
    contacts = {contact for state in span.real for contact in state.people} | found.keys()
    for contact in sorted(contacts):
        persons: list[Person | None] = [state.people.get(contact) for state in span.real]
        row = found.get(contact)
        if all(person is None for person in persons):
            if row is not None and (row["name"], row["phone_number"], replies.get(contact)) != (None, None, None):
                wrong.append(f"contact {contact} was erased, but is {row} with {replies.get(contact)}")
            continue
        if None in persons:
            continue
        possible = [
            (
                {name: fields.fields[name] for name in PERSON},
                [reply["message"] for reply in fields.replies],
            )
            for fields in (person.fields(contact) for person in persons if person is not None)
        ]
        if (row, replies.get(contact, [])) not in possible:
            wrong.append(f"contact {contact} is {row} with {replies.get(contact)}, not one of {possible}")
    return wrong
