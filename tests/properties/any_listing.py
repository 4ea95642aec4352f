"""Listings as servers have been seen to give them: honest, capped, cut at multiples, lying, moving, always the same."""

from __future__ import annotations

import itertools
import math
from typing import Literal

import anyio.lowlevel
from attrs import define, field
from hypothesis import note
from hypothesis import strategies as st

from ac_sms_async.paging.pager import FetchedPage

__all__ = ["AnyListing", "Change", "listings"]

_TOO_MANY = 4000


@define
class Change:
    """Rows that appear, vanish or move to the front at a place (in thousandths of the list)."""

    kind: Literal["insert", "delete", "move"]
    place: int
    count: int


@define
class AnyListing:
    """Rows by number, in an order that stays; what changes happens before a request, as the answers are made."""

    size: int
    cap: int = 1000
    """No page has more rows than that."""
    cut: int | str | None = None
    """Pages begin at multiples of this ("limit": of the rows asked for), whatever offset is asked for."""
    total: int | str | None = "true"
    """What is said of the number of rows: the truth, "high", or always the same."""
    ignores_offset: bool = False
    without_id: frozenset[int] = frozenset()
    twice: frozenset[int] = frozenset()
    """Rows that stand in the list two times, one after the other."""
    empty: frozenset[int] = frozenset()
    """The numbers of the requests that are answered with no rows at all."""
    changes: dict[int, list[Change]] = field(factory=dict[int, list[Change]])
    """By the number of the request that comes next."""
    rows: list[int] = field(init=False)
    stayed: set[int] = field(init=False)
    """Rows with an id that were there, and in their place, all the time."""
    asked: list[tuple[int, int]] = field(init=False, factory=list[tuple[int, int]])
    happened: list[Change] = field(init=False, factory=list[Change])
    were_empty: int = field(init=False, default=0)
    lied_well: bool = field(init=False, default=False)
    """Whether an answer looked just like the whole of a short listing, and wasn't."""
    _lie: tuple[int, int] | None = field(init=False, repr=False, default=None)
    _sent: set[int] = field(init=False, repr=False, factory=set[int])
    _fresh: itertools.count[int] = field(init=False, repr=False, factory=lambda: itertools.count(10_000))

    def __attrs_post_init__(self) -> None:
        self.rows = [row for row in range(1, self.size + 1) for _ in range(1 + (row in self.twice))]
        self.stayed = set(self.rows) - self.without_id

    def change(self, change: Change) -> None:
        """Let something happen to the rows."""
        self.happened.append(change)
        at = change.place * len(self.rows) // 1000
        if change.kind == "insert":
            self.rows[at:at] = itertools.islice(self._fresh, change.count)
            return
        taken = self.rows[at : at + change.count]
        self.stayed -= set(taken)
        del self.rows[at : at + change.count]
        if change.kind == "move":
            self.rows[:0] = taken

    async def fetch(self, offset: int, limit: int) -> FetchedPage[int]:
        """One page. Requests that are under way at once are answered in any order, and rows change between them."""
        await anyio.lowlevel.checkpoint()
        self.asked.append((offset, limit))
        assert len(self.asked) < _TOO_MANY, "the walk doesn't end"
        for change in self.changes.pop(len(self.asked), ()):
            self.change(change)
        page = self._page(offset, limit)
        total = {"true": len(self.rows), "high": len(self.rows) + 250}.get(str(self.total), self.total)
        assert not isinstance(total, str)
        if offset + len(page) == total != len(self.rows) and len(page) < limit:
            # What might be a full page is asked for once more.
            self.lied_well = self.lied_well or len(page) % 5 != 0 or self._lie == (offset, len(page))
            self._lie = offset, len(page)
        if offset < (total or 0) < offset + len(page) and total != len(self.rows) and self._sent.issuperset(page):
            # It may have begun some rows early, as pages do that are cut at multiples, and then it was the last one.
            self.lied_well = True
        self._sent.update(page)
        await anyio.lowlevel.checkpoint()
        return FetchedPage(
            [row for row in page if row not in self.without_id],
            total,
            [{"name": row} for row in page if row in self.without_id],
        )

    def _page(self, offset: int, limit: int) -> list[int]:
        if len(self.asked) in self.empty:
            self.were_empty += 1
            return []
        sent = min(limit, self.cap)
        if self.ignores_offset:
            offset = 0
        elif self.cut is not None:
            offset -= offset % (self.cut if isinstance(self.cut, int) else sent)
        return self.rows[offset : offset + sent]

    def fits(self, page_size: int) -> bool:
        """Whether each page can hold two rows with an id: that is the promise's condition."""
        return min(max(2, page_size), self.cap) - len(self.without_id) >= 2

    @property
    def may_fail(self) -> bool:
        """Whether the pages may contradict each other, so that giving up with an error is right."""
        kinds = {change.kind for change in self.happened}
        if self.ignores_offset or self.were_empty > 2:
            return True
        # Rows that come and rows that go can leave the total as it was; a total that never changes tells nothing.
        moved = "move" in kinds or {"insert", "delete"} <= kinds
        told = self.total == "true" and self.cut is None and not self.were_empty
        return moved or (bool(kinds) and not told)

    def most_requests(self, page_size: int, prefetch: int) -> int:
        """The bound: a request for each page, a row shared by neighbours, and a few more to find out how it pages."""
        sent = min(max(2, page_size), self.cap)
        largest = len(self.rows) + sum(change.count for change in self.happened)
        # What each page brings for certain.
        news = sent - (self.cut if isinstance(self.cut, int) else 1) - len(self.without_id) - len(self.twice)
        pages = math.ceil(largest / max(1, news))
        # Three to end with, one for each row without an id, since no page tells where in it that row stood; five to
        # find out how a server cuts or ignores, and what was under way beside those in vain.
        calm = (
            pages
            + 3
            + len(self.without_id)
            + (5 if self.cut or self.ignores_offset else 0)
            + (3 + len(self.without_id)) * (prefetch - 1)
        )
        # Back in doubling steps, and forward again over what is known.
        gap = 2 * pages + 8 + 2 * prefetch
        return calm + gap * (len(self.happened) + self.were_empty)


def _changes(kinds: tuple[str, ...]) -> st.SearchStrategy[dict[int, list[Change]]]:
    change = st.builds(Change, kind=st.sampled_from(kinds), place=st.integers(0, 1000), count=st.integers(1, 6))
    return st.dictionaries(st.integers(1, 25), st.lists(change, min_size=1, max_size=2), max_size=8)


@st.composite
def listings(draw: st.DrawFn) -> AnyListing:
    """Any of them."""
    cap = draw(st.integers(2, 9) | st.just(1000))
    size = draw(st.integers(0, 40))
    kind = draw(st.sampled_from(["plain", "moving", "cut", "cut and moving", "ignores", "doubles"]))
    totals = st.sampled_from(["true", "true", "high", None, 0, 1, 7, 10_000])
    listing = AnyListing(size, cap, total=draw(totals))
    if kind == "moving":
        listing.changes = draw(_changes(("insert", "delete", "move")))
        listing.empty = draw(st.frozensets(st.integers(2, 12), max_size=3))
    elif kind == "cut":
        listing.cut = draw(st.just("limit") | st.integers(1, max(1, min(cap, 5) // 2)))
        if listing.cut != "limit":
            listing.total = "true"
    elif kind == "cut and moving":
        # Without a row that pages share only the total shows a change, so all are of one kind and the total is told.
        listing.cut = "limit"
        listing.total = "true"
        listing.changes = draw(_changes(("insert",)) | _changes(("delete",)))
    elif kind == "ignores":
        listing.ignores_offset = True
    elif kind == "doubles" and cap > 4:
        listing.twice = draw(st.frozensets(st.integers(1, max(1, size)), max_size=2))
        listing.__attrs_post_init__()
    if kind in ("plain", "moving"):
        listing.without_id = draw(st.frozensets(st.integers(1, max(1, size)), max_size=max(0, min(cap - 2, 2))))
        listing.__attrs_post_init__()
    note(f"{listing}")
    return listing
