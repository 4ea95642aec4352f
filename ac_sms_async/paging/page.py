"""One page of a listing: as the server sent it, as it stands tied to those before it, and what it added to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from attrs import define, frozen

from ac_sms_async.paging.resume_token import Key, ResumePoint

__all__ = ["FetchedPage", "NewRows", "TiedPage", "rows_of"]

T = TypeVar("T")


@frozen
class FetchedPage(Generic[T]):
    """What the server sent for one offset: its rows in order, its total if it named one, the rows without an id."""

    items: Sequence[T]
    total: int | None = None
    unreadable: Sequence[Any] = ()


@frozen
class NewRows(Generic[T]):
    """What one answer added: rows not given out before, where the first of them stood, and where to go on after."""

    items: list[T]
    offset: int
    total: int | None
    unreadable: list[Any]
    point: ResumePoint


@define
class TiedPage:
    """A page that is known to stand where it was asked for, next to the rows before it; those that follow must fit."""

    offset: int
    keys: list[Key]
    total: int | None
    unreadable: Sequence[Any]

    def is_again(self, offset: int, keys: list[Key], unreadable: Sequence[Any], total: int | None) -> bool:
        """Whether an answer for a later offset is this page once more, and not for rows inserted before it."""
        if offset <= self.offset or keys != self.keys or list(unreadable) != list(self.unreadable):
            return False
        if total is None or self.total is None:
            return total == self.total
        return total - self.total != offset - self.offset

    def rows_again(self, keys: list[Key], total: int | None) -> int:
        """How many rows the page behind this one begins before it should, as where a server rounds the offset down."""
        last = self.keys[-1]
        if keys[:1] == [last] or last not in keys:
            return 0
        if total is not None and self.total is not None and total > self.total:
            # Rows were inserted before: it begins where it was asked for.
            return 0
        # Where rows have no id, the last one with an id stood that much further on, perhaps.
        return max(0, keys.index(last) - len(self.unreadable))

    def not_repeated(self, unreadable: list[Any], *, overlap: int) -> list[Any]:
        """Leave out those rows without an id that came with this page, in the part where both overlap."""
        before = self.unreadable
        for count in range(min(overlap, len(before), len(unreadable)), 0, -1):
            if list(before[-count:]) == unreadable[:count]:
                return unreadable[count:]
        return unreadable


def rows_of(new: list[Key], first: int, keys: list[Key], items: Sequence[T]) -> list[T]:
    """The rows with these keys, of which the first stands at `first`."""
    if len(new) == len(keys) - first:
        return list(items[first:])
    # Of a row that is there twice, the first.
    rows = dict(zip(reversed(keys), reversed(items), strict=True))
    return [rows[key] for key in new]
