"""Which page to ask for next, and what of an answer is new: offset paging that survives rows coming and going.

No I/O happens here: `PageWalk.asks()` names the offsets to fetch, `PageWalk.take()` judges what came.

Why it loses nothing: rows stand in some total order that doesn't change, while rows may be inserted and deleted at
any time. Every page is contiguous, so as long as a page shares a row with what is known, nothing lies between them.
Neighbouring pages therefore overlap by a row. A page that shares none may lie beyond a gap (rows before it were
deleted, and the rest moved up): nothing of it is given out, and the walk goes back in doubling steps until a page
is tied to the known rows again. When a page was read doesn't matter, so pages can be fetched ahead and at once.

Servers that are dumber than that are found out by what can't be: where neighbouring answers name the same total, the
row they share must be there. One that begins its pages at multiples of the limit is read without an overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from ac_sms_async.errors import PagingError
from ac_sms_async.paging.page import FetchedPage, NewRows, TiedPage, rows_of
from ac_sms_async.paging.place import Place
from ac_sms_async.paging.resume_token import Key, ResumePoint

__all__ = ["PageWalk"]

T = TypeVar("T")

_MAX_IDLE = 500
"""Answers in a row without one unknown row before the walk gives up: far more than any real drift causes."""
_FAR = 1_000_000
"""How far beyond everything to ask, to find out whether the server looks at `offset` at all."""
_MAX_CONTRADICTIONS = 3
"""How often a listing may contradict itself before the walk gives up."""
_MARGIN = 1000
"""How many rows more than twice the total a listing may have: totals are guesses at times, but not that bad ones."""
_CAP_STEP = 5
"""Servers cap pages at multiples of this: as many rows may be a page of more, even where the total says otherwise."""


class PageWalk(Generic[T]):
    """The walk through one listing, from its start or from a `ResumePoint`.

    `limit` rows are asked for, or with `single` one row first, which the next page shares with it.
    """

    def __init__(self, key: Callable[[T], Key], *, limit: int, start: ResumePoint, single: bool = False) -> None:
        self.done: bool = False
        self.point: ResumePoint = start
        """Where to resume so that nothing taken so far is lost or repeated."""
        self._key = key
        # A dict, not a set: its table grows in smaller steps, so that an id never costs more than 100 bytes.
        self._seen: dict[Key, None] = dict.fromkeys(start.tail)
        self._place = Place(start.tail)
        self._limit = limit
        # A row that was given out stands before the place to resume at, so there one row more is needed.
        self._single = single and not start.tail
        self._offset = start.offset
        self._overlaps = self._place.is_near
        self._back = 0
        self._end = 0
        self._stride = 0
        self._received = limit
        self._guess = False
        # Offsets that were asked for ahead: what comes for them may be older than what is known by then.
        self._guessed: set[int] = set()
        self._total: int | None = None
        self._idle = 0
        self._stale = 0
        self._top = 0
        self._probe: int | None = None
        self._before: TiedPage | None = None
        # Where the last row of the page before is expected to come first, once more.
        self._expected: int | None = None
        self._longest = 0
        self._untied: int | None = None
        self._contradictions = 0
        self._repeated: list[int] = []
        self._aligned = False
        self._heeds_offset = False
        self._doubted: int | None = None
        # A page that can't be where it was asked for: its offset, its rows, and the total that came with it.
        self._suspect: tuple[int, list[Key], int | None] | None = None
        self._nearly_whole = False
        self._says_zero = False

    @property
    def limit(self) -> int:
        """How many rows to ask for."""
        return 1 if self._single else self._limit

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
                guess = last + self._stride if self._aligned else max(total - 1, last + 1)
            else:
                break
            if until is not None and guess >= until:
                break
            asks.append(guess)
        self._guessed = self._guessed.intersection(asks).union(asks[1:])
        return asks

    def take(self, offset: int, page: FetchedPage[T]) -> NewRows[T] | None:
        """Judge the answer for `asks()[0]`: what is new in it, or None. Raises `PagingError`."""
        if self._probe is not None:
            self._probe, self._heeds_offset = None, True
            if page.items or page.unreadable:
                raise PagingError(
                    f"the server ignores the offset: it has rows even for offset {offset} (a mock has to answer with "
                    "no rows behind its last one)"
                )
            return None
        limit, self._single = self.limit, False
        keys = list(map(self._key, page.items))
        self._total = page.total
        if self._suspect is not None:
            self._confirm(self._suspect, offset, keys)
            return None
        known = not self._seen.keys().isdisjoint(keys)
        before = self._before
        if before is not None and self._is_outdated(before, offset, keys):
            return None
        if before is not None and known and self._repeats(before, offset, keys, page.unreadable):
            return None
        empty = not keys and not page.unreadable
        self._says_zero = self._says_zero or (page.total == 0 and not empty)
        if empty and self._nearly_whole and before is not None and before.total == page.total:
            self._finish()
            return None
        if not known and not self._is_tied(offset, keys, empty=empty):
            self._miss(offset, keys)
            return None
        if empty:
            if self._aligned and page.total is None and self._doubted != offset:
                # Neither a row that both pages have nor a total says that this is the end: it is asked for once more.
                self._doubted, self._guess = offset, False
                self._count_idle()
                return None
            self._finish()
            return None
        count = len(self._seen)
        new = self._sift(keys)
        fresh = len(self._seen) > count
        unreadable, early = list(page.unreadable), 0
        if before is not None:
            unreadable = before.not_repeated(unreadable, overlap=self._end - offset - len(keys) + len(new))
            early = before.rows_again(keys, page.total) if offset == self._expected else 0
        whole = self._is_whole(offset, len(keys) + len(page.unreadable), limit, fresh=fresh, early=early)
        self._advance(offset, TiedPage(offset, keys, page.total, page.unreadable), limit, early)
        self._watch(offset, fresh=fresh)
        if whole:
            self._finish()
        if self._place.is_sought:
            return None
        place = self._offset if self._overlaps else offset
        self.point = self.point.moved(place, keys, new, behind_all=offset > 0 and not known)
        if not new and not unreadable:
            return None
        first = keys.index(new[0]) if new else 0
        return NewRows(rows_of(new, first, keys, page.items), offset + first, page.total, unreadable, self.point)

    def _is_outdated(self, before: TiedPage, offset: int, keys: list[Key]) -> bool:
        """Whether the page was asked for ahead and doesn't fit the one before it; then it is asked for once more.

        Rows moved between both. A row that moved to the front would tie pages that were never neighbours, if one was
        read before and one after it.
        """
        guessed = offset in self._guessed
        self._guessed.discard(offset)
        if not guessed or offset != self._expected or (before.keys[-1] in keys and self._total == before.total):
            return False
        self._count_idle()
        return True

    def _is_tied(self, offset: int, keys: list[Key], *, empty: bool) -> bool:
        """Whether nothing can lie between the known rows and this page, though it holds none of them."""
        before = self._before
        if offset == 0 and empty and before is not None and (self._total != 0 or before.total == 0):
            # There were rows, and nobody says that all of them are gone.
            return False
        if self._aligned and before is not None and offset > before.offset and self._total == before.total:
            # Without a row that both pages have, it is the total that tells whether rows moved; where there is none,
            # nothing does.
            return self._total is not None or not self._place.is_near
        if self._place.is_near:
            # The page before had the last row of all. What comes now may be new, or known once and forgotten.
            return not (self._overlaps or self._aligned or keys)
        return offset == 0 or not (self._overlaps or self._aligned)

    def _is_whole(self, offset: int, received: int, limit: int, *, fresh: bool, early: int) -> bool:
        """Whether the first page is the last one as well: shorter than asked for, and the total says so, too."""
        nearly, self._nearly_whole = self._nearly_whole, False
        if offset - early + received != self._total or received >= limit:
            return False
        if offset == 0:
            self._nearly_whole = received % _CAP_STEP == 0
            return not self._nearly_whole
        # Asked once more, or asked in a way that it can't answer, the server had nothing but what is known.
        return (nearly or early > 0) and not fresh

    def _miss(self, offset: int, keys: list[Key]) -> None:
        """A page that isn't tied to the known rows: go back, unless the server has contradicted itself too often."""
        self._count_idle()
        before = self._before
        if before is not None and offset in (self._expected, 0):
            # The row that stood at this offset is gone from there. Where the total says that nothing has changed, or
            # where that was so before and nothing came of going back, both can't be.
            if (self._total is not None and self._total == before.total) or offset == self._untied:
                if keys and self._longest and not self._aligned and offset % self._longest:
                    # It may begin its pages at multiples, which didn't show where rows moved: what is there?
                    self._suspect = (offset, keys, self._total)
                    self._guess = False
                    self._offset = offset - offset % self._longest
                    return
                self._contradict(offset)
            self._untied = offset
        self._go_back(offset)

    def _confirm(self, suspect: tuple[int, list[Key], int | None], offset: int, keys: list[Key]) -> None:
        """Whether the same page comes for its offset, for the multiple before it, and for its offset once more."""
        self._count_idle()
        asked, expected, total = suspect
        same = keys == expected and self._total == total
        if same and offset != asked:
            self._offset = asked
            return
        self._suspect = None
        if same:
            self._aligned, self._stride = True, self._longest
            asked -= asked % self._longest
        elif self._total == total:
            self._contradict(asked)
            self._untied = asked
        self._go_back(asked)

    def _contradict(self, offset: int) -> None:
        self._contradictions += 1
        if self._contradictions >= _MAX_CONTRADICTIONS:
            raise PagingError(
                f"the server contradicts itself: {_MAX_CONTRADICTIONS} times a row was not where it had just been, "
                f"the last time at offset {offset}, and the total ({self._total}) was the same"
            )

    def _repeats(self, before: TiedPage, offset: int, keys: list[Key], unreadable: Sequence[Any]) -> bool:
        """Whether the server sent the page before once more, though another offset was asked for; what to ask then.

        It begins its pages at multiples of the limit, or ignores the offset. Rows that moved can look like that
        once, but hardly at two offsets in a row.
        """
        if not before.is_again(offset, keys, unreadable, self._total) and not (
            self._repeated and offset == before.offset and keys == before.keys
        ):
            self._repeated = []
            return False
        if self._heeds_offset and offset >= before.offset + self._limit:
            # It looks at the offset, and this one is beyond: the rows have moved there.
            self._repeated = []
            return False
        self._count_idle()
        self._guess = False
        self._repeated.append(offset)
        if len(self._repeated) == 1:
            self._offset = offset - 1
            return True
        self._aligned, self._overlaps, self._stride = True, False, self._longest
        self._expected = None
        asked, behind, next_multiple = max(self._repeated), before.offset + self._longest, before.offset + self._limit
        self._offset = behind if asked < behind and not self._nearly_whole else next_multiple
        if asked >= next_multiple:
            self._probe = max(self._offset, self._total or 0) + _FAR
        return True

    def _go_back(self, offset: int) -> None:
        """Ask for an earlier page next; after resuming, when one page back is not enough, read again from the start."""
        self._guess = False
        self._repeated = []
        self._expected = None
        self._overlaps = not self._aligned
        if not self._place.is_near:
            self._back = self._back * 2 or self._stride
            self._offset = max(0, offset - self._back)
        elif offset and self._place.may_go_back():
            self._offset = max(0, offset - (self._stride if self._aligned else self._limit - 1))
        else:
            self._place.seek()
            self._seen, self._before = {}, None
            self._offset = self._end = self._idle = self._top = 0

    def _sift(self, keys: list[Key]) -> list[Key]:
        """The rows to give out, each once; marks all of them as seen."""
        start = self._place.skip(keys, self._seen, self.point.tail)
        # Whole pages at a time: row by row this took a third of the walk's time.
        new = dict.fromkeys(keys[start:])
        for key in self._seen.keys() & new.keys():
            del new[key]
        self._seen.update(new)
        return list(new)

    def _advance(self, offset: int, page: TiedPage, limit: int, early: int) -> None:
        """Go on behind the rows received, less an overlap in which at least one row has an id."""
        readable, received, total = len(page.keys), len(page.keys) + len(page.unreadable), page.total
        self._back = 0
        self._end = offset + received
        self._before = page
        self._longest = max(self._longest, received)
        if limit == received == 1:
            # It was the only row asked for: two from there on share it.
            self._overlaps, self._stride, self._offset = True, 1, offset
        elif self._aligned:
            self._overlaps, self._stride = False, self._longest
            self._offset = offset + self._stride
        else:
            # A page with one row cannot overlap the next one: that would be the same page for ever.
            self._overlaps = readable > 1
            self._stride = readable - 1 - early or readable - 1
            self._offset = offset + self._stride if self._overlaps else self._end
        self._expected = self._offset if self._overlaps and readable else None
        full = received >= self._received if total is None else total >= self._end
        self._guess = (self._overlaps or self._aligned) and full
        self._received = received
        if total is not None and self._end > 2 * total + _MARGIN:
            raise PagingError(f"the listing does not end: row {self._end}, where the server says there are {total}")

    def _watch(self, offset: int, *, fresh: bool) -> None:
        """Notice walks that lead nowhere."""
        if fresh:
            self._idle = self._stale = 0
            self._untied = None
            self._top = self._offset
            self._place.came_forward()
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
        if self._place.is_sought and (self._seen or self._says_zero or self._total != 0):
            raise PagingError("the rows at which the listing had stopped are gone: list it again from the start")
        self.done = True
