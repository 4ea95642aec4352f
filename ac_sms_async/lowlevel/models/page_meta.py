"""PageMeta: What the server says about a page."""

from __future__ import annotations

import datetime
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..reading import (
    read_int,
    read_object,
    unknown_fields,
)

_NAMES = (
    "total",
    "limit",
    "offset",
)
_KNOWN = frozenset(_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class PageMeta(Model):
    """What the server says about a page.

    Attributes:
        total: Rows in all pages together
        limit: The page size that was used
        offset: The rows that were skipped
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    total: int | None = None
    limit: int | None = None
    offset: int | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])
    unparsed: dict[str, Any] = field(factory=dict[str, Any])

    @classmethod
    def from_dict(cls, data: Any, zone: datetime.tzinfo) -> Self:
        """Reads an answer's JSON value; a date-time without an offset is in `zone`.

        Raises DecodeError where it is of no use, and only that.
        """
        unparsed: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        try:
            get = data.get
        except AttributeError:
            data = read_object(data)
            get = data.get
        total = get("total")
        limit = get("limit")
        offset = get("offset")
        if not _KNOWN.issuperset(data):
            extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(total) is not int and total is not None:
            total = read_int(total, "total", unparsed)
        self.total = total
        if type(limit) is not int and limit is not None:
            limit = read_int(limit, "limit", unparsed)
        self.limit = limit
        if type(offset) is not int and offset is not None:
            offset = read_int(offset, "offset", unparsed)
        self.offset = offset
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "total": self.total,
            "limit": self.limit,
            "offset": self.offset,
            **self.extra,
            **self.unparsed,
        }
