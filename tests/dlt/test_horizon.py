"""Which broadcasts a load looks at, whatever happened to an account and to the loads before."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.dlt.horizon import Horizon, Row, Stamp

WIDTH = timedelta(days=30)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Account:
    """A server whose broadcasts move for up to `WIDTH` after they were sent, and a destination that loads them."""

    def __init__(self) -> None:
        self.now = START
        self.broadcasts: dict[int, Row] = {}
        self.counts: dict[int, tuple[Any, ...]] = {}
        self.details: dict[int, int] = {}
        """What the details of each say, by a number: it moves with the counts, and may come back without them."""
        self.state: dict[str, Any] = {}
        self.loaded_counts: dict[int, tuple[Any, ...]] = {}
        self.loaded_details: dict[int, int] = {}

    def create(self, sent_days_ago: int | None) -> None:
        i = len(self.broadcasts) + 1
        sent = None if sent_days_ago is None else self.now - timedelta(days=sent_days_ago)
        self.broadcasts[i] = {"broadcast_id": i, "status": "draft", "sent_date": None}
        self.details[i] = 0
        if sent is not None:
            self._send(i, sent)

    def send(self, place: int) -> None:
        drafts = [i for i, item in self.broadcasts.items() if item["status"] == "draft"]
        if drafts:
            self._send(drafts[place % len(drafts)], self.now)

    def _send(self, i: int, sent: datetime) -> None:
        self.broadcasts[i] = {"broadcast_id": i, "status": "sent", "sent_date": f"{sent:%Y-%m-%dT%H:%M:%SZ}"}
        self.counts[i] = (0, 0)

    def move(self, place: int, *, silently: bool) -> None:
        young = [
            i
            for i, item in self.broadcasts.items()
            if i in self.counts and datetime.fromisoformat(item["sent_date"]) > self.now - WIDTH
        ]
        if young:
            i = young[place % len(young)]
            self.details[i] += 1
            if not silently:
                self.counts[i] = (self.counts[i][0] + 1, 0)

    def load(self, *, fails: bool = False, hidden: bool = False, clock: timedelta = timedelta(0)) -> None:
        state = copy.deepcopy(self.state)
        stamp = Stamp("acme", Stamp.next(state, "acme").load, self.now + clock)
        horizon = Horizon(state, stamp, list(self.broadcasts.values()), WIDTH)
        counts = {} if hidden else {i: self.counts[i] for i in map(self._id, horizon.due) if i in self.counts}
        moved = [self._id(item) for item in horizon.moved(counts)]
        horizon.close(counts)
        if not fails:
            self.state = state
            self.loaded_counts |= counts
            self.loaded_details |= {i: self.details[i] for i in moved}

    @staticmethod
    def _id(item: Row) -> int:
        return int(item["broadcast_id"])


STEPS = st.one_of(
    st.tuples(st.just("create"), st.none() | st.integers(0, 100)),
    st.tuples(st.just("send"), st.integers(0, 9)),
    st.tuples(st.just("move"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 50)),
    st.tuples(st.just("load"), st.sampled_from(["whole", "fails", "hidden", "clock ahead", "clock behind"])),
)


@given(steps=st.lists(STEPS, max_size=40))
def test_after_a_load_counts_are_the_servers_and_what_rests_is_so_in_all(steps: list[tuple[Any, ...]]) -> None:
    account = Account()
    for kind, *given_values in steps:
        match kind, given_values:
            case "create", [days]:
                account.create(days)
            case "send", [place]:
                account.send(place)
            case "move", [place, silently]:
                account.move(place, silently=silently)
            case "wait", [days]:
                account.now += timedelta(days=days)
            case "load", [how]:
                clock = {"clock ahead": timedelta(days=999), "clock behind": timedelta(days=-999)}
                account.load(fails=how == "fails", hidden=how == "hidden", clock=clock.get(how, timedelta(0)))
            case _:
                raise AssertionError(kind)
    account.load()
    assert account.loaded_counts == account.counts
    # Everything comes to rest at last; and what was there before is what is there then.
    account.now += 2 * WIDTH
    account.create(0)
    account.load()
    assert account.loaded_details == account.details


def test_what_rests_is_left_alone() -> None:
    account = Account()
    for days in (0, 10, 100):
        account.create(days)
    due: list[list[int]] = []
    for days in (0, 25, 50, 75):
        account.now = START + timedelta(days=days)
        account.create(0)
        state: dict[str, Any] = account.state
        stamp = Stamp.next(copy.deepcopy(state), "acme") if state else Stamp("acme", 1, account.now)
        horizon = Horizon({"acme": state.get("acme", {})}, stamp, list(account.broadcasts.values()), WIDTH)
        due.append([int(item["broadcast_id"]) for item in horizon.due])
        account.load()
    assert due == [[1, 2, 3, 4], [1, 2, 4, 5], [1, 4, 5, 6], [5, 6, 7]]


def test_a_clock_that_is_ahead_makes_nothing_come_to_rest() -> None:
    account = Account()
    account.create(0)
    account.load(clock=timedelta(days=999))
    account.move(0, silently=False)
    account.now += WIDTH * 2
    account.create(0)
    account.load()
    assert account.loaded_counts == account.counts


def test_an_empty_account_is_no_trouble() -> None:
    account = Account()
    account.load()
    account.create(5)
    account.load()
    assert account.loaded_counts == {1: (0, 0)}


@pytest.mark.parametrize("load", [1, 2])
def test_loads_are_counted(load: int) -> None:
    state: dict[str, Any] = {}
    stamps = [Stamp.next(state, "acme") for _ in range(load)]
    assert stamps[-1].load == load
    assert Stamp.next(state, "globex").load == 1
    row = stamps[-1].emptied(7, contact_id=0)
    assert row == {
        "account": "acme",
        "load_number": load,
        "collected_at": stamps[-1].at,
        "broadcast_id": 7,
        "contact_id": 0,
        "emptied": True,
    }
