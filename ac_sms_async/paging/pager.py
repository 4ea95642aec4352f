"""Pagers: walk through an offset-paged listing, row by row or page by page, and lose nothing while it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Generic, Self, TypeVar

from attrs import field, frozen

from ac_sms_async.async_only import AsyncOnly
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.options import whole_number
from ac_sms_async.paging.feed import Fetch, LiveFeed, PageFeed, WaveFeed
from ac_sms_async.paging.page import FetchedPage
from ac_sms_async.paging.resume_token import Key, Question, ResumePoint
from ac_sms_async.paging.walk import PageWalk
from ac_sms_async.tasks import Background

__all__ = ["FetchedPage", "Page", "Pager"]

T = TypeVar("T")

_MAX_PAGE_SIZE = 1000
_MAX_PREFETCH = 32


@frozen
class Page(Generic[T]):
    """The new rows of one answer. `total` is what the server said, which may be wrong or None."""

    items: list[T]
    offset: int
    """Where the first of `items` stood in the server's list when it was read."""
    total: int | None
    unreadable: list[Any]
    """Rows without a usable id, raw. When rows shift meanwhile, one may come twice."""
    _point: ResumePoint = field(repr=False)
    _question: Question = field(repr=False)

    @property
    def resume_token(self) -> str:
        """Hand it to `resume=` of the same listing, with the same arguments, to go on behind this page."""
        return self._point.to_token(self._question)


class Pager(AsyncOnly, Generic[T]):
    """A listing to iterate over: `async for row in pager`, again from the start each time.

    One that fits into a page costs one request; where it has 5, 10, 15, ... rows, two: that many may be a server's cap.

    Each row that is there all along comes exactly once, whatever is inserted and deleted meanwhile, as long as the
    server's order is total and stable and its pages can hold two rows with an id. Errors of a request come out
    where its page would have come, with `.resume_token` set to go on there: what was given out before it isn't
    repeated, and nothing is skipped. Iterating on after an error asks for the same page again.

    Iterated plainly, requests run only while the next row or page is awaited, up to `prefetch` at once; leaving
    the loop leaves nothing open. Inside `async with pager:` up to `prefetch` requests run all the time, and as
    many pages wait to be taken; leaving the block ends them.

    Raises `PagingError` when the server's pages make no sense: it ignores the offset, contradicts itself, goes on far
    beyond its own total, or rows shift without end. That is final: iterating on raises it again.
    """

    _instead_of_await = "use `async for row in pager`, or `await pager.to_list()` for all rows"
    _instead_of_for = "use `async for row in pager`, or `for row in await pager.to_list()`"

    def __init__(
        self,
        fetch: Fetch[T],
        *,
        key: Callable[[T], Key],
        name: str,
        page_size: int = 100,
        prefetch: int = 2,
        resume: str | None = None,
        question: Mapping[str, object] | None = None,
    ) -> None:
        """`fetch(offset, limit)` gets one page, `key(row)` is a row's id, `name` says in tokens which listing it is.

        `question` holds the filters and the order, to which tokens are bound, too: `resume=` takes no other's.
        `page_size` rows are asked for at once, 1 to 1000; servers may send fewer. To give out one row a page, pages of
        two are asked for, which share one.
        `prefetch` is how many requests may run at once, 1 to 32 (0 is taken as 1): 2 are enough to use 5 requests a
        second where an answer takes up to 0.4 s.
        """
        self._page_size = whole_number("page_size", page_size, least=1, most=_MAX_PAGE_SIZE)
        self._prefetch = max(1, whole_number("prefetch", prefetch, least=0, most=_MAX_PREFETCH))
        self._question = Question.of(name, question or {})
        self._start = ResumePoint() if resume is None else ResumePoint.from_token(resume, self._question)
        self._fetch = fetch
        self._key = key
        self._background: Background | None = None

    def __repr__(self) -> str:
        # Not what the filters are: a search names people.
        filters = f" by {', '.join(sorted(self._question.asked))}" if self._question.asked else ""
        place = f", from offset {self._start.offset} on" if self._start.offset else ""
        return f"<{type(self).__name__} of {self._question.listing}{filters}{place}>"

    def __aiter__(self) -> AsyncIterator[T]:
        return _Rows(self._feed())

    def pages(self) -> AsyncIterator[Page[T]]:
        """Page by page; pages without anything new are left out."""
        return _Pages(self._feed(), self._question)

    async def to_list(self, max_items: int | None = None) -> list[T]:
        """All rows, or the first `max_items` of them, for no more requests than these need."""
        if max_items is None:
            return [row async for row in self]
        rows: list[T] = []
        max_items = whole_number("max_items", max_items, least=0, most=None)
        if max_items == 0:
            return rows
        # In waves also inside `async with`: nobody wants the page behind these rows, so it isn't fetched ahead.
        feed = self._waves(until=self._start.offset + max_items, single=max_items == 1)
        while len(rows) < max_items and (new := await feed.next()) is not None:
            rows += new.items
        return rows[:max_items]

    async def first(self) -> T | None:
        """The first row, or None where there is none. It is the only one asked for."""
        return next(iter(await self.to_list(max_items=1)), None)

    async def count(self) -> int | None:
        """The server's own total, for one request; None where it names none."""
        return (await self._fetch(0, 1)).total

    async def __aenter__(self) -> Self:
        if self._background is not None:
            raise ConfigurationError("this pager is already in an `async with` block")
        background = Background()
        await background.__aenter__()
        self._background = background
        return self

    async def __aexit__(self, *error: object) -> None:
        background, self._background = self._background, None
        if background is not None:
            await background.__aexit__(*error)

    def _feed(self) -> PageFeed[T]:
        if self._background is None:
            return self._waves()
        return LiveFeed(self._fetch, self._walk(), self._background, question=self._question, prefetch=self._prefetch)

    def _waves(self, *, until: int | None = None, single: bool = False) -> PageFeed[T]:
        return WaveFeed(
            self._fetch, self._walk(single=single), question=self._question, prefetch=self._prefetch, until=until
        )

    def _walk(self, *, single: bool = False) -> PageWalk[T]:
        # From the second page on one row is not enough: pages have to overlap.
        limit, single = max(2, self._page_size), single or self._page_size == 1
        return PageWalk(self._key, limit=limit, start=self._start, single=single)


class _Pages(Generic[T]):
    def __init__(self, feed: PageFeed[T], question: Question) -> None:
        self._feed = feed
        self._question = question

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[T]:
        async with self._feed.turn:
            new = await self._feed.next()
        if new is None:
            raise StopAsyncIteration
        return Page(new.items, new.offset, new.total, new.unreadable, new.point, self._question)


class _Rows(Generic[T]):
    def __init__(self, feed: PageFeed[T]) -> None:
        self._feed = feed
        self._rows: list[T] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._rows:
            # Tasks that share the rows take turns: else one page would take the place of another.
            async with self._feed.turn:
                if self._rows:
                    break
                new = await self._feed.next()
                if new is None:
                    raise StopAsyncIteration
                # Reversed, so that a row leaves in constant time and isn't held once it is given out.
                self._rows = new.items[::-1]
        return self._rows.pop()
