"""Carries a `PageWalk` out: fetches the offsets it asks for, several at once, and hands over what is new, in order."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from ac_sms_async.errors import (
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    PagingError,
    SMSError,
    UnprocessableError,
)
from ac_sms_async.paging.page import FetchedPage, NewRows
from ac_sms_async.paging.resume_token import Question
from ac_sms_async.paging.walk import PageWalk
from ac_sms_async.tasks import Background, Condition

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

__all__ = ["Fetch", "LiveFeed", "PageFeed", "WaveFeed"]

T = TypeVar("T")
E = TypeVar("E", bound=SMSError)

_log = logging.getLogger("ac_sms_async")

Fetch = Callable[[int, int], Awaitable[FetchedPage[T]]]
"""Fetches one page: `fetch(offset, limit)`."""


class PageFeed(ABC, Generic[T]):
    """What both ways of fetching share: the answers that wait for their turn, and taking them in order."""

    def __init__(
        self,
        fetch: Fetch[T],
        walk: PageWalk[T],
        *,
        question: Question,
        prefetch: int,
        until: int | None = None,
    ) -> None:
        self._fetch = fetch
        self._walk = walk
        self._question = question
        self._prefetch = prefetch
        self._until = until
        self._arrived: dict[int, FetchedPage[T] | Exception] = {}
        self._given_up: str | None = None
        self.turn: anyio.Lock = anyio.Lock(fast_acquire=True)
        """Held around `next`, by tasks that share the feed."""

    @abstractmethod
    async def next(self) -> NewRows[T] | None:
        """What is new in the next page that has something new; None at the end. Raises what a fetch raised."""

    def _asks(self) -> list[int]:
        return self._walk.asks(self._prefetch, self._until)

    async def _load(self, offset: int) -> None:
        try:
            answer: FetchedPage[T] | Exception = await self._fetch(offset, self._walk.limit)
        except Exception as error:  # noqa: BLE001 - kept for its turn: the pages before it come first
            answer = error
        self._arrived[offset] = answer

    def _take_arrived(self) -> NewRows[T] | None:
        """Take answers in order up to one with something new; None when the next one isn't there, or at the end."""
        if self._given_up is not None:
            # The pages make no sense, and won't if they are asked for again.
            raise self._placed(PagingError(self._given_up))
        while not self._walk.done:
            asks = self._asks()
            # Guesses that turned out wrong are thrown away.
            self._arrived = {offset: self._arrived[offset] for offset in asks if offset in self._arrived}
            answer = self._arrived.pop(asks[0], None)
            if answer is None:
                return None
            new = self._judge(asks[0], answer)
            if new is not None:
                return new
        return None

    def _judge(self, offset: int, answer: FetchedPage[T] | Exception) -> NewRows[T] | None:
        if self._walk.probing and isinstance(answer, (BadRequestError, NotFoundError, UnprocessableError)):
            # A server that refuses an offset does look at it.
            answer = FetchedPage(())
        try:
            if isinstance(answer, Exception):
                raise answer
            new = self._walk.take(offset, answer)
        except PagingError as error:
            self._given_up = error.message
            self._placed(error)
            raise
        except SMSError as error:
            self._placed(error)
            raise
        if new is not None and new.unreadable:
            name = self._question.listing
            _log.warning("%s: %d rows without a usable id at offset %d", name, len(new.unreadable), offset)
        return new

    def _placed(self, error: E) -> E:
        """The error, with the token that goes on where it came."""
        error.resume_token = self._walk.point.to_token(self._question)
        return error


class WaveFeed(PageFeed[T]):
    """Fetches only while `next()` is awaited, up to `prefetch` pages at once: whoever stops leaves nothing open."""

    async def next(self) -> NewRows[T] | None:
        while (new := self._take_arrived()) is None and not self._walk.done:
            wave = [offset for offset in self._asks() if offset not in self._arrived]
            if len(wave) == 1:
                await self._load(wave[0])
                continue
            async with anyio.create_task_group() as group:
                for offset in wave:
                    group.start_soon(self._load, offset)
        return new


class LiveFeed(PageFeed[T]):
    """Fetches in the background, up to `prefetch` pages at once, with as many more waiting to be taken."""

    def __init__(
        self,
        fetch: Fetch[T],
        walk: PageWalk[T],
        background: Background,
        *,
        question: Question,
        prefetch: int,
    ) -> None:
        super().__init__(fetch, walk, question=question, prefetch=prefetch)
        self._background = background
        self._driven = False
        self._ended = False
        self._cancelled = False
        self._loading: dict[int, anyio.CancelScope] = {}
        self._ready: deque[NewRows[T]] = deque()
        self._failure: Exception | None = None
        self._changed = Condition()
        self._room = Condition()

    async def next(self) -> NewRows[T] | None:
        while not self._ready:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self._walk.done:
                return None
            if self._cancelled:
                raise ConfigurationError(
                    "this iterator belongs to an `async with` block that was cancelled or has ended"
                )
            if not self._driven:
                self._ended = False
                self._background.start(self._drive, self._end_drive)
                self._driven = True
            await self._changed.wait()
        if len(self._ready) == self._prefetch:
            self._room.notify_all()
        return self._ready.popleft()

    async def _drive(self) -> None:
        """Fetch until the list ends or a page fails; `next()` starts it again after that."""
        async with anyio.create_task_group() as group:
            while True:
                for load in self._go_on():
                    group.start_soon(self._load_beside, group, *load)
                if self._ended:
                    break
                await self._room.wait()
            group.cancel_scope.cancel()

    def _end_drive(self) -> None:
        self._driven = False
        # Else whoever waits would start it again, and again in vain, for as long as the block takes to end.
        self._cancelled = not self._ended
        self._loading.clear()
        self._changed.notify_all()

    def _go_on(self) -> list[tuple[int, anyio.CancelScope]]:
        """Take what has arrived, as far as there is room for it; what to load now, and the scope to load it in."""
        if self._ended:
            return []
        try:
            while len(self._ready) < self._prefetch and (new := self._take_arrived()) is not None:
                self._ready.append(new)
                self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 - raised by next(), where somebody listens
            self._failure = error
        if self._failure is not None or self._walk.done:
            self._ended = True
            self._room.notify_all()
            return []
        asks = self._asks()
        for offset in self._loading.keys() - asks:
            self._loading.pop(offset).cancel()
        missing = [offset for offset in asks if offset not in self._arrived and offset not in self._loading]
        loads = [(offset, anyio.CancelScope()) for offset in missing]
        self._loading.update(loads)
        return loads

    async def _load_beside(self, group: TaskGroup, offset: int, scope: anyio.CancelScope) -> None:
        while True:
            with scope:
                await self._load(offset)
            if self._loading.get(offset) is scope:
                del self._loading[offset]
            loads = self._go_on()
            if not loads:
                return
            # The next request leaves before other answers that came at the same time are decoded: else the answers to
            # all of them would come at the same time again, and each round would take as long as decoding all.
            (offset, scope), *others = loads
            for load in others:
                group.start_soon(self._load_beside, group, *load)
