"""The walk step by step: what it asks for, and how it goes on where a listing was left while it changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ac_sms_async.errors import PagingError
from ac_sms_async.paging.page import FetchedPage
from ac_sms_async.paging.resume_token import ResumePoint
from ac_sms_async.paging.walk import PageWalk

START = ResumePoint()


class Listing:
    """Rows that a test changes between requests; rows below 0 have no id."""

    def __init__(self, rows: Sequence[int], *, limit: int = 10, total: bool = True) -> None:
        self.rows = list(rows)
        self.limit = limit
        self.total = total
        self.asked: list[int] = []
        self.before_request: Callable[[int], object] = lambda number: None
        self.unreadable: list[Any] = []

    def page(self, offset: int) -> FetchedPage[int]:
        self.asked.append(offset)
        self.before_request(len(self.asked))
        part = self.rows[offset : offset + self.limit]
        return FetchedPage(
            [row for row in part if row >= 0],
            len(self.rows) if self.total else None,
            [row for row in part if row < 0],
        )

    def walk(self, start: ResumePoint = START) -> PageWalk[int]:
        return PageWalk(int, limit=self.limit, start=start)

    def read(self, walk: PageWalk[int], pages: int | None = None) -> list[int]:
        """What the walk gives out, to its end or for a number of pages with something new."""
        rows: list[int] = []
        while not walk.done and pages != 0:
            offset = walk.asks(1)[0]
            new = walk.take(offset, self.page(offset))
            if new is not None:
                rows += new.items
                self.unreadable += new.unreadable
                pages = None if pages is None else pages - 1
        return rows


def left_at(listing: Listing, pages: int) -> tuple[list[int], ResumePoint]:
    walk = listing.walk()
    rows = listing.read(walk, pages)
    listing.asked.clear()
    listing.unreadable.clear()
    return rows, walk.point


def test_of_a_row_that_is_on_a_page_twice_the_first_is_given_out() -> None:
    walk = PageWalk[tuple[int, str]](lambda row: row[0], limit=5, start=START)
    new = walk.take(0, FetchedPage([(1, "a"), (2, "a"), (1, "b"), (3, "a"), (2, "b")], 9))
    assert new is not None
    assert (new.offset, new.items) == (0, [(1, "a"), (2, "a"), (3, "a")])
    # Rows that are known stand between those that aren't.
    new = walk.take(4, FetchedPage([(2, "c"), (4, "a"), (3, "b"), (5, "a"), (4, "b")], 9))
    assert new is not None
    assert (new.offset, new.items) == (5, [(4, "a"), (5, "a")])


def test_a_page_on_which_no_row_has_an_id_stands_where_it_was_asked_for() -> None:
    new = Listing([]).walk().take(0, FetchedPage([], 9, [-1, -2]))
    assert new is not None
    assert (new.offset, new.items, new.unreadable) == (0, [], [-1, -2])


def test_a_few_rows_deleted_cost_one_page_more() -> None:
    listing = Listing(range(1, 101))
    listing.before_request = lambda number: listing.rows.__delitem__(slice(0, 3)) if number == 3 else None
    assert listing.read(listing.walk()) == list(range(1, 101))
    # The third page began behind a gap; the one before it closes the gap, and the walk goes on from there.
    assert listing.asked[:5] == [0, 9, 18, 9, 18]
    assert len(listing.asked) == 2 + 1 + 12


def test_each_gap_is_closed_with_small_steps_again() -> None:
    listing = Listing(range(1, 101))
    listing.before_request = lambda number: listing.rows.pop(0) if number in (3, 7) else None
    assert listing.read(listing.walk()) == list(range(1, 101))
    assert listing.asked[:9] == [0, 9, 18, 9, 18, 27, 36, 27, 36]


def test_many_rows_deleted_are_found_in_doubling_steps() -> None:
    listing = Listing(range(1, 501))
    listing.before_request = lambda number: listing.rows.__delitem__(slice(0, 200)) if number == 31 else None
    rows = listing.read(listing.walk())
    assert rows == list(range(1, 501))
    assert listing.asked[30:35] == [270, 261, 243, 207, 135]
    # Going forward over known rows is no reason to suspect the server.
    assert max(listing.asked) < 1000


def test_nothing_is_guessed_while_a_gap_is_closed() -> None:
    listing = Listing(range(1, 101))
    walk = listing.walk()
    listing.read(walk, 3)
    assert walk.asks(4) == [27, 36, 45, 54]
    del listing.rows[:5]
    assert walk.take(27, listing.page(27)) is None
    assert walk.asks(4) == [18]
    new = walk.take(18, listing.page(18))
    assert new is not None
    assert new.items == [29, 30, 31, 32, 33]
    assert walk.asks(4) == [27, 36, 45, 54]


def test_guesses_end_at_the_total_or_where_they_are_told_to() -> None:
    listing = Listing(range(1, 41))
    walk = listing.walk()
    listing.read(walk, 1)
    assert walk.asks(9) == [9, 18, 27, 36, 39, 40]
    assert walk.asks(3) == [9, 18, 27]
    assert walk.asks(9, until=20) == [9, 18]
    assert walk.asks(9, until=18) == [9]


def test_without_a_total_guesses_end_at_a_short_page() -> None:
    listing = Listing(range(1, 26), total=False)
    walk = listing.walk()
    listing.read(walk, 1)
    assert walk.asks(4) == [9, 18, 27, 36]
    listing.read(walk, 2)
    assert walk.asks(4) == [24]


def test_rows_inserted_for_ever_are_given_up() -> None:
    listing = Listing(range(1, 21))
    fresh = itertools.count(1000)

    def insert(number: int) -> None:
        if listing.asked[-1] < 1_000_000:
            listing.rows[:0] = [next(fresh) for _ in range(9)]

    listing.before_request = insert
    with pytest.raises(PagingError, match="shift without end"):
        listing.read(listing.walk())
    # The far requests that show that the server looks at the offset get rare.
    assert sum(offset > 100_000 for offset in listing.asked) <= 10
    assert len(listing.asked) < 550


@pytest.mark.parametrize("shift", [0, 1, 5, 60, 150, 400])
@pytest.mark.parametrize("limit", [10, 100])
def test_resuming_where_rows_were_inserted_before(limit: int, shift: int) -> None:
    listing = Listing(range(1, 301), limit=limit)
    rows, point = left_at(listing, 200 // limit)
    listing.rows[:0] = range(1000, 1000 + shift)
    assert rows + listing.read(listing.walk(point)) == list(range(1, 301))


@pytest.mark.parametrize("shift", [0, 1, 5, 60, 130])
@pytest.mark.parametrize("limit", [10, 100])
def test_resuming_where_rows_were_deleted_before(limit: int, shift: int) -> None:
    listing = Listing(range(1, 301), limit=limit)
    rows, point = left_at(listing, 200 // limit)
    del listing.rows[:shift]
    assert rows + listing.read(listing.walk(point)) == list(range(1, 301))


@pytest.mark.parametrize("shift", [-150, -60, 60, 150])
def test_resuming_and_shifts_going_on(shift: int) -> None:
    listing = Listing(range(1, 601))
    rows, point = left_at(listing, 20)

    def drift(number: int) -> None:
        if number in (1, 10, 40):
            if shift > 0:
                listing.rows[:0] = range(number * 1000, number * 1000 + shift)
            else:
                del listing.rows[: -shift // 3]

    listing.before_request = drift
    rest = listing.read(listing.walk(point))
    assert [row for row in rows + rest if row <= 600] == list(range(1, 601))
    assert len(set(rows + rest)) == len(rows + rest)


@pytest.mark.parametrize("shift", [0, 7, 200])
def test_resuming_behind_the_last_row_finds_what_came_since(shift: int) -> None:
    listing = Listing(range(1, 101))
    _, point = left_at(listing, 11)
    assert listing.read(listing.walk(point)) == []
    listing.rows[:0] = range(1000, 1000 + shift)
    listing.rows += [777, 778]
    assert listing.read(listing.walk(point)) == [777, 778]


def test_rows_appended_while_the_end_is_looked_for() -> None:
    listing = Listing(range(1, 101))
    _, point = left_at(listing, 11)
    walk = listing.walk(point)
    # The last row once more, so that nothing is expected behind it: then something is.
    assert walk.take(99, listing.page(99)) is None
    assert walk.asks(1) == [100]
    listing.rows += [777]
    assert listing.read(walk) == [777]


def test_a_page_that_comes_empty_on_the_way_back_is_no_end() -> None:
    listing = Listing(range(1, 101))
    _, point = left_at(listing, 11)
    walk = listing.walk(point)
    assert walk.take(99, listing.page(99)) is None
    listing.rows += [777]
    assert walk.take(100, listing.page(100)) is None
    assert walk.asks(1) == [91]
    # Most of the list goes away at this very moment.
    del listing.rows[:80]
    assert listing.read(walk) == [777]


def test_rows_without_an_id_are_not_named_again_after_resuming() -> None:
    rows = [row if row % 7 else -row for row in range(1, 301)]
    listing = Listing(rows)
    given, point = left_at(listing, 20)
    listing.rows[:0] = range(1000, 1100)
    rest = listing.read(listing.walk(point))
    assert [row for row in given + rest if row < 1000] == [row for row in rows if row > 0]
    # What comes behind the place where it had stopped, and some of what stands on the pages where that is looked for.
    place = rows.index(given[-1])
    assert set(listing.unreadable) >= {row for row in rows[place:] if row < 0}
    assert set(listing.unreadable) <= {row for row in rows[place - 70 :] if row < 0}


def test_a_place_of_which_nothing_is_left_is_an_error() -> None:
    listing = Listing(range(1, 301))
    rows, point = left_at(listing, 20)
    del listing.rows[: len(rows)]
    with pytest.raises(PagingError, match="gone"):
        listing.read(listing.walk(point))
    listing.rows.clear()
    assert listing.read(listing.walk(point)) == []


def test_a_token_keeps_the_last_fifty_rows_in_order() -> None:
    listing = Listing(range(1, 301), limit=30)
    walk = listing.walk()
    listing.read(walk, 3)
    assert walk.point == ResumePoint(87, tuple(range(39, 89)))
    # What is inserted among them and read once more is put where it belongs.
    listing.rows[86:86] = [1000, 1001]
    listing.rows[40:40] = [1002]
    listing.read(walk, 1)
    assert walk.point.tail == (*range(67, 87), 1000, 1001, *range(87, 115))


class Aligned(Listing):
    """A server that begins its pages at multiples of the limit, whatever offset it is asked for."""

    def page(self, offset: int) -> FetchedPage[int]:
        self.asked.append(offset)
        self.before_request(len(self.asked))
        begin = offset - offset % self.limit
        return FetchedPage(self.rows[begin : begin + self.limit], len(self.rows) if self.total else None)


@pytest.mark.parametrize("gone", [1, 3])
@pytest.mark.parametrize("when", [(2,), (3,), (2, 4), (2, 5), (2, 6), (2, 7), (2, 8)])
def test_rows_deleted_before_it_is_known_that_pages_begin_at_multiples(when: tuple[int, ...], gone: int) -> None:
    """A page then is neither what was expected nor the one before again; it comes for three offsets, which tells."""
    listing = Aligned(range(90))

    def delete(number: int) -> None:
        if number in when:
            del listing.rows[:gone]

    listing.before_request = delete
    found = listing.read(listing.walk())
    assert len(found) == len(set(found))
    assert [row for row in found if row in listing.rows] == listing.rows
    assert len(listing.asked) < 25


def test_rows_that_come_and_go_at_once_are_not_taken_for_pages_at_multiples() -> None:
    listing = Listing(range(90))

    def move(number: int) -> None:
        if number == 2:
            listing.rows = [*range(1, 90), 90]

    listing.before_request = move
    assert listing.read(listing.walk()) == [*range(91)]
    # The page at the multiple is another, so it goes back and on with overlaps.
    assert listing.asked[:4] == [0, 9, 0, 0]
    assert listing.asked[-3:] == [81, 89, 90]


def test_a_first_page_that_comes_empty_is_no_end_where_there_were_rows() -> None:
    listing = Listing(range(100), total=False)

    def be_away(number: int) -> None:
        listing.rows = [] if number in (2, 3) else list(range(100))

    listing.before_request = be_away
    assert listing.read(listing.walk()) == list(range(100))
    assert listing.asked[:4] == [0, 9, 0, 0]
