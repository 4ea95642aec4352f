"""Which page to ask for next, and what of an answer is new: offset paging that survives rows coming and going.

No I/O happens here: `PageWalk.asks()` names the offsets to fetch, `PageWalk.take()` judges what came.

Why it loses nothing: rows stand in some total order that doesn't change, while rows may be inserted and deleted at
any time. Every page is contiguous, so as long as a page shares a row with what is known, nothing lies between them.
Neighbouring pages therefore overlap by a row. A page that shares none may lie beyond a gap (rows before it were
deleted, and the rest moved up): nothing of it is given out, and the walk goes back in doubling steps until a page
is tied to the known rows again. When a page was read doesn't matter, so pages can be fetched ahead and at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen

from ac_sms_async.errors import PagingError
from ac_sms_async.resume_token import TAIL_LENGTH, Key, ResumePoint

__all__ = ["FetchedPage", "News", "PageWalk"]

T = TypeVar("T")

_MAX_IDLE = 500
"""Answers in a row without one unknown row before the walk gives up: far more than any real drift causes."""
_FAR = 1_000_000
"""How far beyond everything to ask, to find out whether the server looks at `offset` at all."""


@frozen
class FetchedPage(Generic[T]):
    """What the server sent for one offset: its rows in order, its total if it named one, the rows without an id."""

    items: Sequence[T]
    total: int | None = None
    unreadable: Sequence[Any] = ()


@frozen
class News(Generic[T]):
    """What one answer added: rows not given out before, where the first of them stood, and where to go on after."""

    items: list[T]
    offset: int
    total: int | None
    unreadable: list[Any]
    point: ResumePoint


class PageWalk(Generic[T]):
    """The walk through one listing, from its start or from a `ResumePoint`."""

    def __init__(self, key: Callable[[T], Key], *, limit: int, start: ResumePoint) -> None:
        self.done: bool = False
        self.point: ResumePoint = start
        """Where to resume so that nothing taken so far is lost or repeated."""
        self._key = key
        # A dict, not a set: its table grows in smaller steps, so that an id never costs more than 100 bytes.
        self._seen: dict[Key, None] = dict.fromkeys(start.tail)
        # After resuming only the tail of what was given out is known. Where that isn't enough, the list is read
        # `_again` from its start, silently, up to the place where it had stopped; then all is known.
        self._partial = bool(start.tail)
        self._went_back = False
        self._again = False
        self._limit = limit
        self._offset = start.offset
        self._overlaps = self._partial
        self._back = 0
        self._end = 0
        self._unreadable: Sequence[Any] = ()
        self._stride = 0
        self._received = limit
        self._guess = False
        self._total: int | None = None
        self._idle = 0
        self._stale = 0
        self._top = 0
        self._probe: int | None = None

    @property
    def probing(self) -> bool:
        """True while `asks()` names an offset far beyond the end, to see whether the server looks at it."""
        return self._probe is not None

    def asks(self, count: int, until: int | None = None) -> list[int]:
        """The offsets to fetch, at most `count`: the one that is needed, then guesses in the order of their use.

        Guesses end at the server's total, at `until`, after a short page, and while a gap is being closed.
        """
        if self._probe is not None:
            return [self._probe]
        asks = [self._offset]
        while self._guess and len(asks) < count:
            last, total = asks[-1], self._total
            if total is None or last + self._stride < total - 1:
                guess = last + self._stride
            elif last < total:
                # The last row once more, then nothing: the two answers that end a walk.
                guess = max(total - 1, last + 1)
            else:
                break
            if until is not None and guess >= until:
                break
            asks.append(guess)
        return asks

    def take(self, offset: int, page: FetchedPage[T]) -> News[T] | None:
        """Judge the answer for `asks()[0]`: what is new in it, or None. Raises `PagingError`."""
        if self._probe is not None:
            self._probe = None
            if page.items or page.unreadable:
                raise PagingError(f"the server ignores the offset: it has rows even for offset {offset}")
            return None
        keys = list(map(self._key, page.items))
        self._total = page.total
        known = not self._seen.keys().isdisjoint(keys)
        if not known and not self._is_tied(offset, keys):
            self._count_idle()
            self._go_back(offset)
            return None
        if not keys and not page.unreadable:
            self._finish()
            return None
        count = len(self._seen)
        new = self._sift(keys)
        fresh = len(self._seen) > count
        unreadable = self._not_repeated(page.unreadable, overlap=self._end - offset - len(keys) + len(new))
        self._advance(offset, page)
        self._watch(offset, fresh=fresh)
        if self._again:
            return None
        self._remember(offset, keys, new, behind_all=offset > 0 and not known)
        if not new and not unreadable:
            return None
        first = keys.index(new[0]) if new else 0
        return News(_rows_of(new, first, keys, page.items), offset + first, page.total, unreadable, self.point)

    def _is_tied(self, offset: int, keys: list[Key]) -> bool:
        """Whether nothing can lie between the known rows and this page, though it holds none of them."""
        if self._partial:
            # The page before had the last row of all. What comes now may be new, or known once and forgotten.
            return not self._overlaps and not keys
        return offset == 0 or not self._overlaps

    def _go_back(self, offset: int) -> None:
        """Ask for an earlier page next; after resuming, when one page back is not enough, read again from the start."""
        self._guess = False
        self._overlaps = True
        if not self._partial:
            self._back = self._back * 2 or self._stride
            self._offset = max(0, offset - self._back)
        elif offset and not self._went_back:
            self._went_back = True
            self._offset = max(0, offset - (self._limit - 1))
        else:
            self._partial, self._again = False, True
            self._seen = {}
            self._offset = self._end = self._idle = self._top = 0

    def _sift(self, keys: list[Key]) -> list[Key]:
        """The rows to give out, each once; marks all of them as seen."""
        start = 0
        if self._partial:
            # Rows before one that was given out were given out as well, or came in between later.
            start = 1 + max((index for index, key in enumerate(keys) if key in self._seen), default=-1)
        elif self._again:
            tail = self.point.tail
            place = max((index for index, key in enumerate(keys) if key in tail), default=None)
            self._again = place is None
            start = len(keys) if place is None else place + 1
            self._seen.update(dict.fromkeys(keys[:start]))
            if place is not None:
                self._seen.update(dict.fromkeys(tail))
        # Whole pages at a time: row by row this took a third of the walk's time.
        new = dict.fromkeys(keys[start:])
        for key in self._seen.keys() & new.keys():
            del new[key]
        self._seen.update(new)
        return list(new)

    def _not_repeated(self, unreadable: Sequence[Any], *, overlap: int) -> list[Any]:
        """Leave out those rows without an id that came with the page before, in the part where both overlap."""
        before = self._unreadable
        for count in range(min(overlap, len(before), len(unreadable)), 0, -1):
            if list(before[-count:]) == list(unreadable[:count]):
                return list(unreadable[count:])
        return list(unreadable)

    def _advance(self, offset: int, page: FetchedPage[T]) -> None:
        """Go on behind the rows received, less an overlap in which at least one row has an id."""
        readable, received = len(page.items), len(page.items) + len(page.unreadable)
        self._back = 0
        self._end = offset + received
        self._unreadable = page.unreadable
        # A page with one row cannot overlap the next one: that would be the same page for ever.
        self._overlaps = readable > 1
        self._stride = readable - 1
        self._offset = offset + self._stride if self._overlaps else self._end
        full = received >= self._received if page.total is None else page.total >= self._end
        self._guess = self._overlaps and full
        self._received = received

    def _watch(self, offset: int, *, fresh: bool) -> None:
        """Notice walks that lead nowhere."""
        if fresh:
            self._idle = self._stale = 0
            self._top = self._offset
            self._went_back = False
            return
        self._count_idle()
        if offset < self._top:
            return
        # Known rows where unknown ones should be: rows were inserted before them, or the server ignores the offset.
        self._stale += 1
        if self._stale > 1 and self._stale.bit_count() == 1:
            self._probe = max(self._offset, self._total or 0) + _FAR

    def _count_idle(self) -> None:
        self._idle += 1
        if self._idle >= _MAX_IDLE:
            raise PagingError(f"the rows shift without end: {_MAX_IDLE} pages brought nothing new")

    def _finish(self) -> None:
        if self._again and self._seen:
            raise PagingError("the rows at which the listing had stopped are gone: list it again from the start")
        self.done = True

    def _remember(self, offset: int, keys: list[Key], new: list[Key], *, behind_all: bool) -> None:
        """Keep the last rows given out, in the server's order, as the place to resume at."""
        tail = self.point.tail
        if not tail or keys[:1] == [tail[-1]] or (new and behind_all):
            tail = (*tail, *new)
        elif new:
            tail = self._merged(tail, keys, set(new))
        if tail:
            self.point = ResumePoint(self._offset if self._overlaps else offset, tail[-TAIL_LENGTH:])

    @staticmethod
    def _merged(tail: tuple[Key, ...], keys: list[Key], new: set[Key]) -> tuple[Key, ...]:
        """The tail with each new row where it stands: behind a row of the tail that is on the page, or before it."""
        known = set(tail)
        first = next((key for key in keys if key in known), tail[0])
        before: list[Key] = []
        behind: dict[Key, list[Key]] = {}
        group = before
        for key in keys:
            if key in new:
                group.append(key)
            elif key in known:
                group = behind.setdefault(key, [])
        merged: list[Key] = []
        for key in tail:
            if key == first:
                merged += before
            merged.append(key)
            merged += behind.get(key, ())
        return tuple(merged)


def _rows_of(new: list[Key], first: int, keys: list[Key], items: Sequence[T]) -> list[T]:
    """The rows with these keys, of which the first stands at `first`."""
    if len(new) == len(keys) - first:
        return list(items[first:])
    # Of a row that is there twice, the first.
    rows = dict(zip(reversed(keys), reversed(items), strict=True))
    return [rows[key] for key in new]
