"""Pagers: walk through an offset-paged listing, row by row or page by page, and lose nothing while it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, Self, TypeVar

from attrs import field, frozen

from ac_sms_async.background import Background
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.page_feed import Fetch, LiveFeed, PageFeed, WaveFeed
from ac_sms_async.page_walk import FetchedPage, PageWalk
from ac_sms_async.resume_token import Key, ResumePoint

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
    _listing: str = field(repr=False)

    @property
    def resume_token(self) -> str:
        """Hand it to `resume=` to go on behind this page."""
        return self._point.to_token(self._listing)


class Pager(Generic[T]):
    """A listing to iterate over: `async for row in pager`, again from the start each time.

    Each row that is there all along comes exactly once, whatever is inserted and deleted meanwhile, as long as the
    server's order is total and stable and its pages can hold two rows with an id. Errors of a request come out
    where its page would have come, with `.resume_token` set to go on there: what was given out before it isn't
    repeated, and nothing is skipped. Iterating on after an error asks for the same page again.

    Iterated plainly, requests run only while the next row or page is awaited, up to `prefetch` at once; leaving
    the loop leaves nothing open. Inside `async with pager:` up to `prefetch` requests run all the time, and as
    many pages wait to be taken; leaving the block ends them.

    Raises `PagingError` when the server ignores the offset or rows shift without end.
    """

    def __init__(
        self,
        fetch: Fetch[T],
        *,
        key: Callable[[T], Key],
        name: str,
        page_size: int = 100,
        prefetch: int = 2,
        resume: str | None = None,
    ) -> None:
        """`fetch(offset, limit)` gets one page, `key(row)` is a row's id, `name` says in tokens which listing it is.

        `page_size` rows are asked for at once (1 to 1000, one row is asked for as two); servers may send fewer.
        `prefetch` is how many requests may run at once, 1 to 32 (0 is taken as 1): 2 are enough to use 5 requests a
        second where an answer takes up to 0.4 s.
        """
        # One row is not enough: pages have to overlap.
        self._limit = max(2, _whole("page_size", page_size, least=1, most=_MAX_PAGE_SIZE))
        self._prefetch = max(1, _whole("prefetch", prefetch, least=0, most=_MAX_PREFETCH))
        self._start = ResumePoint() if resume is None else ResumePoint.from_token(resume, name)
        self._fetch = fetch
        self._key = key
        self._name = name
        self._background: Background | None = None

    def __aiter__(self) -> AsyncIterator[T]:
        return _Rows(self._feed())

    def pages(self) -> AsyncIterator[Page[T]]:
        """Page by page; pages without anything new are left out."""
        return _Pages(self._feed(), self._name)

    async def to_list(self, max_items: int | None = None) -> list[T]:
        """All rows, or the first `max_items` of them, for no more requests than these need."""
        if max_items is None:
            return [row async for row in self]
        rows: list[T] = []
        if _whole("max_items", max_items, least=0, most=None) == 0:
            return rows
        # In waves also inside `async with`: nobody wants the page behind these rows, so it isn't fetched ahead.
        feed = self._waves(until=self._start.offset + max_items)
        while len(rows) < max_items and (news := await feed.next()) is not None:
            rows += news.items
        return rows[:max_items]

    async def first(self) -> T | None:
        """The first row, or None where there is none."""
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
        limit, prefetch = self._limit, self._prefetch
        return LiveFeed(self._fetch, self._walk(), self._background, name=self._name, limit=limit, prefetch=prefetch)

    def _waves(self, *, until: int | None = None) -> PageFeed[T]:
        limit, prefetch = self._limit, self._prefetch
        return WaveFeed(self._fetch, self._walk(), name=self._name, limit=limit, prefetch=prefetch, until=until)

    def _walk(self) -> PageWalk[T]:
        return PageWalk(self._key, limit=self._limit, start=self._start)


class _Pages(Generic[T]):
    def __init__(self, feed: PageFeed[T], name: str) -> None:
        self._feed = feed
        self._name = name

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[T]:
        news = await self._feed.next()
        if news is None:
            raise StopAsyncIteration
        return Page(news.items, news.offset, news.total, news.unreadable, news.point, self._name)


class _Rows(Generic[T]):
    def __init__(self, feed: PageFeed[T]) -> None:
        self._feed = feed
        self._rows: list[T] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._rows:
            news = await self._feed.next()
            if news is None:
                raise StopAsyncIteration
            # Reversed, so that a row leaves in constant time and isn't held once it is given out.
            self._rows = news.items[::-1]
        return self._rows.pop()


def _whole(name: str, value: int, *, least: int, most: int | None) -> int:
    if type(value) is not int or value < least or (most is not None and value > most):
        bounds = f"{least} to {most}" if most is not None else f"{least} or more"
        raise ConfigurationError(f"{name} must be a whole number, {bounds}, not {value!r}")
    return value
