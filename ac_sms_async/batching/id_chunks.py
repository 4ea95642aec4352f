"""Ids from any iterable, checked, each once, in chunks: pulled only as they are needed."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import cast

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.options import plain_int, shown

__all__ = ["IdChunks", "SeenIds"]

_LARGEST = 2**63 - 1


class SeenIds:
    """Which ids came before. Those that come in rising order, as most do, are kept as runs: 16 bytes for each gap."""

    __slots__ = ("_firsts", "_lasts", "_others")

    def __init__(self) -> None:
        self._firsts = array("q")
        self._lasts = array("q")
        self._others = set[int]()

    def add(self, id: int) -> bool:
        """True when it didn't come before."""
        lasts = self._lasts
        if (not lasts or id > lasts[-1]) and id <= _LARGEST:
            if lasts and id == lasts[-1] + 1:
                lasts[-1] = id
            else:
                self._firsts.append(id)
                lasts.append(id)
            return True
        run = bisect_right(self._firsts, id) - 1
        if (run >= 0 and id <= lasts[run]) or id in self._others:
            return False
        self._others.add(id)
        return True


class IdChunks:
    """Cuts ids into chunks of up to `size`, leaving out those that came before.

    A list, tuple, set or dict is checked as a whole, at once; its number of different ids is `total`. Anything else is
    checked as it is pulled, and may be endless. `ConfigurationError` for what is no positive whole number.
    """

    def __init__(self, ids: Iterable[int] | AsyncIterable[int], size: int) -> None:
        self.total: int | None = None
        # No list holds more, and nothing counts further than that.
        self._size = min(size, sys.maxsize)
        self._seen = SeenIds()
        self._unique = False
        self._source: Iterator[int] | AsyncIterator[int]
        self._chunk: list[int] = []
        self._error: Exception | None = None
        if isinstance(ids, (list, tuple, set, frozenset, dict)):
            unique = tuple(id for id in map(_checked, cast("Iterable[int]", ids)) if self._seen.add(id))
            self.total = len(unique)
            self._unique = True
            self._source = iter(unique)
        elif isinstance(ids, AsyncIterable):
            self._source = aiter(ids)
        elif isinstance(ids, Iterable) and not isinstance(ids, (str, bytes, bytearray)):  # pyright: ignore[reportUnnecessaryIsInstance] - users hand in anything
            self._source = iter(ids)
        else:
            raise ConfigurationError(f"ids must be an iterable of positive whole numbers, not {type(ids).__name__}")

    async def next(self) -> list[int]:
        """The next chunk, empty at the end. Raises what the iterable raised, once the ids before it are handed out.

        When it is cancelled, the ids pulled so far stay for the next call. Only one call at a time.
        """
        if self._error is None:
            try:
                if isinstance(self._source, AsyncIterator):
                    await self._pull_async(self._source)
                else:
                    self._pull(self._source)
            except Exception as error:  # noqa: BLE001 - raised below, behind the ids that came before it
                self._error = error
        chunk, self._chunk = self._chunk, []
        if not chunk and self._error is not None:
            raise self._error
        return chunk

    def _pull(self, source: Iterator[int]) -> None:
        if self._unique:
            self._chunk.extend(islice(source, self._size))
            return
        for value in source:
            self._add(value)
            if len(self._chunk) >= self._size:
                return

    async def _pull_async(self, source: AsyncIterator[int]) -> None:
        async for value in source:
            self._add(value)
            if len(self._chunk) >= self._size:
                return

    def _add(self, value: int) -> None:
        checked = _checked(value)
        if self._seen.add(checked):
            self._chunk.append(checked)


def _checked(value: int) -> int:
    if type(value) is int and value > 0:
        return value
    try:
        number = plain_int(value)
    except TypeError:
        number = 0
    if number <= 0:
        raise ConfigurationError(f"an id must be a positive whole number, not {shown(value)}")
    return number
