"""The walk where rows move to another place: what stayed comes, or an error says that it can't be told."""

from __future__ import annotations

import pytest

from ac_sms_async.errors import PagingError
from ac_sms_async.paging.page import FetchedPage
from ac_sms_async.paging.resume_token import ResumePoint
from ac_sms_async.paging.walk import PageWalk


def take(walk: PageWalk[int], offset: int, rows: list[int], total: int | None, *, ahead: int = 1) -> list[int]:
    """One answer to what the walk asks for, and the rows that came of it."""
    assert walk.asks(ahead)[0] == offset
    new = walk.take(offset, FetchedPage(rows, total))
    return new.items if new else []


@pytest.mark.parametrize("totals", [(6, 8), (None, None)], ids=["told", "untold"])
def test_a_page_fetched_ahead_before_a_row_moved_to_the_front_ties_nothing(totals: tuple[int | None, ...]) -> None:
    before, after = totals
    walk = PageWalk[int](int, limit=3, start=ResumePoint())
    assert take(walk, 0, [10, 1, 2], before, ahead=3) == [10, 1, 2]
    assert walk.asks(3)[:2] == [2, 4]
    # Meanwhile 4 has moved to the front, and two rows have come before it.
    assert take(walk, 2, [4, 10, 1], after, ahead=3) == [4]
    # That was read before 4 had moved: where it stood then, 3 stood before it.
    assert take(walk, 4, [4, 5, 6], before, ahead=3) == []
    assert take(walk, 4, [1, 2, 3], after, ahead=3) == [3]
    assert take(walk, 6, [3, 5, 6], after, ahead=3) == [5, 6]


def test_what_fits_is_not_asked_for_again() -> None:
    walk = PageWalk[int](int, limit=3, start=ResumePoint())
    for offset in range(0, 40, 2):
        assert take(walk, offset, [offset, offset + 1, offset + 2], 100, ahead=3)[-1] == offset + 2


def test_a_page_that_was_not_fetched_ahead_is_as_new_as_can_be() -> None:
    walk = PageWalk[int](int, limit=3, start=ResumePoint())
    assert walk.asks(1) == [0]
    walk.take(0, FetchedPage([1, 2, 3], 100))
    assert walk.asks(1) == [2]
    # The last row known was deleted, and another one came elsewhere: the page is tied by the row before it.
    new = walk.take(2, FetchedPage([2, 4, 5], 100))
    assert new is not None
    assert new.items == [4, 5]


def test_where_the_rows_of_the_place_have_moved_it_is_an_error() -> None:
    walk = PageWalk[int](int, limit=2, start=ResumePoint(0, (3,)))
    # It isn't where it was: everything is read again, and 4, 5 and 6 come before it does.
    for offset, rows in [(0, [1, 2]), (0, [4, 5]), (1, [5, 6])]:
        assert take(walk, offset, rows, 6) == []
    # It has moved to the front, and two rows have come before it. Whether 4 was given out behind it, nobody knows.
    with pytest.raises(PagingError, match=r"^the rows at which the listing had stopped have moved: list it again"):
        take(walk, 2, [3, 4], 8)


def test_it_is_so_too_where_that_shows_on_a_later_page() -> None:
    walk = PageWalk[int](int, limit=2, start=ResumePoint(0, (3,)))
    for offset, rows, total in [(0, [1, 2], 6), (0, [4, 5], 6), (1, [5, 6], 6), (2, [9, 5], 8), (3, [5, 3], 8)]:
        assert take(walk, offset, rows, total) == []
    assert take(walk, 4, [3, 7], 8) == [7]
    with pytest.raises(PagingError, match="have moved"):
        take(walk, 5, [7, 6], 8)


def test_rows_between_those_of_the_place_came_later() -> None:
    walk = PageWalk[int](int, limit=5, start=ResumePoint(20, (3, 5)))
    assert take(walk, 20, [90, 91, 92, 93, 94], 99) == []
    assert take(walk, 16, [80, 81, 82, 83, 84], 99) == []
    assert take(walk, 0, [1, 2, 3, 4, 5], 99) == []
    # Read once more, they are where they were.
    assert take(walk, 4, [2, 3, 4, 5, 6], 100) == [6]


def test_no_page_at_all_is_not_believed_of_a_server_that_has_said_so_beside_rows() -> None:
    walk = PageWalk[int](int, limit=2, start=ResumePoint(0, (3,)))
    assert take(walk, 0, [1, 2], 0) == []
    with pytest.raises(PagingError, match="are gone"):
        take(walk, 0, [], 0)


def test_the_same_rows_without_the_ones_that_have_no_id_are_another_page() -> None:
    walk = PageWalk[int](int, limit=10, start=ResumePoint())
    walk.take(0, FetchedPage([2, 3, 5, 6], None, ["a", "b"]))
    walk.take(3, FetchedPage([5, 6], None, ["b"]))
    walk.take(4, FetchedPage([5, 6], None))
    # It doesn't begin its pages at multiples: what follows is asked for where it stands.
    assert walk.asks(1) == [1_000_005]
    walk.take(1_000_005, FetchedPage([], None))
    assert walk.asks(1) == [5]
