"""The walk at its edges: how little it asks for, and what it makes of rows without an id and of single rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from ac_sms_async.errors import PagingError
from ac_sms_async.paging.page import FetchedPage
from ac_sms_async.paging.resume_token import ResumePoint
from ac_sms_async.paging.walk import PageWalk

START = ResumePoint()


class Listing:
    """Rows that a test changes between requests, a number for each; rows that are no numbers have no id."""

    def __init__(self, rows: Sequence[Any], *, limit: int = 10, sends: int | None = None) -> None:
        self.rows = list(rows)
        self.limit = limit
        self.sends = sends or limit
        self.asked: list[int] = []
        self.without_id: list[Any] = []

    def step(self, walk: PageWalk[int]) -> list[int]:
        """One request, and the rows that came of it."""
        offset = walk.asks(1)[0]
        self.asked.append(offset)
        part = self.rows[offset : offset + self.sends]
        page = FetchedPage(
            [row for row in part if type(row) is int], len(self.rows), [r for r in part if type(r) is str]
        )
        new = walk.take(offset, page)
        self.without_id += new.unreadable if new else []
        return new.items if new else []

    def walk(self, start: ResumePoint = START) -> PageWalk[int]:
        return PageWalk(int, limit=self.limit, start=start)

    def read(self, walk: PageWalk[int], steps: int | None = None) -> list[int]:
        """What comes of so many requests, or of all until the end."""
        rows: list[int] = []
        for _ in itertools.count() if steps is None else range(steps):
            if walk.done:
                break
            rows += self.step(walk)
        return rows


def left_after(listing: Listing, steps: int) -> tuple[list[int], ResumePoint]:
    walk = listing.walk()
    rows = listing.read(walk, steps)
    listing.asked.clear()
    listing.without_id.clear()
    return rows, walk.point


@pytest.mark.parametrize("count", range(60))
def test_fetching_ahead_asks_for_no_page_that_is_not_needed(count: int) -> None:
    listing = Listing(range(count))
    one_by_one = listing.walk()
    assert listing.read(one_by_one) == listing.rows
    ahead = Listing(range(count))
    walk = ahead.walk()
    ahead.step(walk)
    assert walk.done == (listing.asked == [0])
    if walk.done:
        return
    assert [0, *walk.asks(99)][: len(listing.asked)] == listing.asked
    assert set(walk.asks(99)) <= {*listing.asked, count}


def test_where_the_server_sends_less_than_was_asked_for_a_gap_costs_one_of_its_pages() -> None:
    listing = Listing(range(100), limit=100, sends=10)
    walk = listing.walk()
    rows = listing.read(walk, 4)
    del listing.rows[:3]
    rows += listing.read(walk)
    assert rows == list(range(100))
    assert listing.asked[:7] == [0, 9, 18, 27, 36, 27, 36]


def test_a_place_near_the_start_is_found_again_with_one_request() -> None:
    listing = Listing(range(100))
    rows, point = left_after(listing, 1)
    del listing.rows[:9]
    assert rows + listing.read(listing.walk(point)) == list(range(100))
    assert listing.asked[:3] == [9, 0, 9]


def test_a_place_that_moved_far_is_looked_for_from_the_first_row_on() -> None:
    listing = Listing(range(200))
    rows, point = left_after(listing, 20)
    del listing.rows[:60]
    assert rows + listing.read(listing.walk(point)) == list(range(200))
    assert listing.asked[:4] == [180, 171, 0, 9]


def test_after_resuming_each_gap_costs_one_request() -> None:
    listing = Listing(range(200))
    rows, point = left_after(listing, 5)
    walk = listing.walk(point)
    for _ in range(2):
        del listing.rows[:5]
        rows += listing.read(walk, 4)
    assert listing.asked == [45, 36, 45, 54, 63, 54, 63, 72]
    assert rows + listing.read(walk) == list(range(200))


def test_a_token_keeps_the_order_of_rows_that_come_one_by_one() -> None:
    listing = Listing(range(100), sends=1)
    walk = listing.walk()
    for last in range(80):
        assert listing.step(walk) == [last]
        assert walk.point.tail == tuple(range(max(0, last - 49), last + 1))
    listing.asked.clear()
    assert listing.read(listing.walk(walk.point)) == list(range(80, 100))
    # A row that was given out comes first, so that it shows if the others moved.
    assert listing.asked[0] == 79


def test_what_came_in_front_in_a_mass_is_not_taken_for_the_place_to_go_on_at() -> None:
    listing = Listing(range(400))
    walk = listing.walk()
    rows = listing.read(walk, 3)
    listing.rows[:0] = range(1000, 1040)
    rows += listing.read(walk, 12)
    point = walk.point
    # The place moves so far that it is looked for from the start.
    listing.rows[:0] = range(2000, 2100)
    rows += listing.read(listing.walk(point))
    assert [row for row in rows if row < 1000] == list(range(400))
    assert [row for row in rows if 1000 <= row < 2000] == list(range(1000, 1040))


def test_rows_without_an_id_that_look_the_same_are_told_apart_by_where_they_stand() -> None:
    listing = Listing(["x", "x", 1, 2, "x", 3, 4, "x", "x", "x", 5], limit=4)
    assert listing.read(listing.walk()) == [1, 2, 3, 4, 5]
    assert listing.without_id == ["x"] * 6


def test_where_a_row_without_an_id_goes_away_its_neighbour_comes_once() -> None:
    listing = Listing([1, 2, "a", "b", "c", 3, 4, 5], limit=4)
    walk = listing.walk()
    rows = listing.read(walk, 1)
    listing.rows.remove("a")
    assert rows + listing.read(walk) == [1, 2, 3, 4, 5]
    assert listing.without_id == ["a", "b", "c"]


def test_pages_of_nothing_but_rows_without_an_id_where_a_listing_is_resumed() -> None:
    names = [f"x{number}" for number in range(30)]
    listing = Listing([*range(20), *names, *range(20, 40)])
    rows, point = left_after(Listing(range(20)), 3)
    assert rows + listing.read(listing.walk(point)) == list(range(40))
    assert list(dict.fromkeys(listing.without_id)) == names


@pytest.mark.parametrize("first", [[1, 2, 3], []], ids=repr)
def test_a_walk_that_finds_nothing_new_is_given_up_after_500_pages(first: list[int]) -> None:
    walk = PageWalk(int, limit=10, start=START)
    pages = 0

    def ask() -> None:
        nonlocal pages
        while True:
            offset = walk.asks(1)[0]
            if walk.probing:
                walk.take(offset, FetchedPage(()))
                continue
            pages += 1
            walk.take(offset, FetchedPage(first if pages == 1 else (), None, ["x"]))

    with pytest.raises(PagingError, match=r"^the rows shift without end: 500 pages brought nothing new$"):
        ask()
    assert pages == 500 + (1 if first else 0)


def test_a_place_of_which_nothing_is_left_is_called_gone() -> None:
    listing = Listing(range(100))
    _, point = left_after(listing, 3)
    listing.rows = [*range(100, 200)]
    with pytest.raises(PagingError) as caught:
        listing.read(listing.walk(point))
    assert str(caught.value) == "the rows at which the listing had stopped are gone: list it again from the start"


@pytest.mark.parametrize("rows", [["x", "y"], [1], [1, 2, 3]], ids=repr)
def test_a_server_that_ignores_the_offset_is_found_out_with_few_requests(rows: list[Any]) -> None:
    numbers = [row for row in rows if type(row) is int]
    walk = PageWalk(int, limit=10, start=START)
    asked: list[int] = []

    def ask() -> None:
        for _ in range(10):
            asked.append(walk.asks(1)[0])
            walk.take(asked[-1], FetchedPage(numbers, None, [row for row in rows if type(row) is str]))

    with pytest.raises(PagingError, match=r"^the server ignores the offset: it has rows even for offset \d{7} \(a"):
        ask()
    # Rows with an id may also be those of a server that begins its pages at multiples of something.
    assert [offset for offset in asked if offset < 1_000_000] == {0: [0, 2], 1: [0, 1, 0, 10], 3: [0, 2, 1, 3, 10]}[
        len(numbers)
    ]


def test_an_empty_page_where_the_first_row_stood_is_asked_about_once_more() -> None:
    walk = PageWalk(int, limit=2, start=START, single=True)
    assert walk.limit == 1
    new = walk.take(0, FetchedPage([1], 3))
    assert new is not None
    assert (walk.asks(1), walk.limit) == ([0], 2)
    assert walk.take(0, FetchedPage([], 3)) is None
    assert (walk.done, walk.asks(1)) == (False, [0])
    new = walk.take(0, FetchedPage([1, 2], 3))
    assert new is not None
    assert new.items == [2]
    # All of them are gone, and the total says so.
    assert walk.take(1, FetchedPage([], 0)) is None
    assert walk.asks(1) == [0]
    assert walk.take(0, FetchedPage([], 0)) is None
    assert walk.done
