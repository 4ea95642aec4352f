"""The place at which a listing had stopped, found again where rows have moved since."""

from __future__ import annotations

from collections.abc import Sequence

from ac_sms_async.errors import PagingError
from ac_sms_async.paging.resume_token import Key

__all__ = ["Place"]


class Place:
    """After resuming only the tail of what was given out is known: a page that holds a row of it tells where to go on.

    Where that isn't enough, the listing is read again from its start, silently, up to the place; then all is known.
    """

    def __init__(self, tail: Sequence[Key]) -> None:
        self.is_near: bool = bool(tail)
        """True as long as only the tail is known, and the place is looked for where it was."""
        self.is_sought: bool = False
        """True while the listing is read again from its start."""
        self._went_back = False
        self._passed: set[Key] = set()
        self._behind: set[Key] = set()

    def may_go_back(self) -> bool:
        """Whether the page before can be tried: once, until there was something new."""
        went_back, self._went_back = self._went_back, True
        return not went_back

    def came_forward(self) -> None:
        """There was something new: the page before may be tried again."""
        self._went_back = False

    def seek(self) -> None:
        """Begin to read again from the start."""
        self.is_near, self.is_sought = False, True

    def skip(self, keys: list[Key], seen: dict[Key, None], tail: Sequence[Key]) -> int:
        """How many rows of a page were given out before it was left, for all that can be told; `seen` learns of them.

        Rows before one that was given out were given out as well, or came in between later. Raises `PagingError`
        where the rows of the place turn out to have moved.
        """
        skipped = 0
        if self.is_near:
            skipped = 1 + max((index for index, key in enumerate(keys) if key in seen), default=-1)
        elif self.is_sought:
            places = [index for index, key in enumerate(keys) if key in tail]
            self.is_sought = not places
            skipped = places[-1] + 1 if places else len(keys)
            if places:
                self._passed = {*seen, *keys[: places[0]]}
                self._behind = set(tail)
                seen.update(dict.fromkeys(tail))
            seen.update(dict.fromkeys(keys[:skipped]))
        if self._passed:
            self._see_order(keys)
        return skipped

    def _see_order(self, keys: list[Key]) -> None:
        """What came before the place when everything was read again can't stand behind it now."""
        first = next((index for index, key in enumerate(keys) if key in self._behind), len(keys))
        if not self._passed.isdisjoint(keys[first:]):
            raise PagingError("the rows at which the listing had stopped have moved: list it again from the start")
        self._behind.update(keys[first:])
