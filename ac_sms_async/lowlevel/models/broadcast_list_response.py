"""BroadcastListResponse: A page of broadcasts."""

from __future__ import annotations

import datetime
from operator import itemgetter
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..errors import DecodeError
from ..reading import (
    read_model,
    read_object,
    read_rows,
    unknown_fields,
)
from .broadcast_message import BroadcastMessage
from .page_meta import PageMeta

_NAMES = (
    "broadcasts",
    "meta",
)
_KNOWN = frozenset(_NAMES)
_values = itemgetter(*_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class BroadcastListResponse(Model):
    """A page of broadcasts.

    Attributes:
        broadcasts: The page's broadcasts
        meta: What the server says about a page
        unreadable: Rows without a usable id, raw
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    broadcasts: list[BroadcastMessage]
    meta: PageMeta | None = None
    unreadable: list[Any] = field(factory=list[Any])
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
            broadcasts, meta = _values(data)
        except (KeyError, TypeError):
            raw = read_object(data)
            if "broadcasts" not in raw:
                raise DecodeError("$.broadcasts", "is missing") from None
            broadcasts, meta = map(raw.get, _NAMES)
            if not _KNOWN.issuperset(raw):
                extra = unknown_fields(raw, _KNOWN)
        else:
            if len(data) > 2:
                extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        rows: list[BroadcastMessage] = []
        unreadable: list[Any] = []
        read_row = BroadcastMessage.from_dict
        for row in read_rows(broadcasts, "broadcasts"):
            try:
                rows.append(read_row(row, zone))
            except DecodeError:
                unreadable.append(row)
        self.broadcasts = rows
        self.unreadable = unreadable
        if type(meta) is dict:
            meta = PageMeta.from_dict(meta, zone)
        elif meta is not None:
            meta = read_model(meta, PageMeta.from_dict, zone, "meta", unparsed)
        self.meta = meta
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "broadcasts": [*(row.to_dict() for row in self.broadcasts), *self.unreadable],
            "meta": None if self.meta is None else self.meta.to_dict(),
            **self.extra,
            **self.unparsed,
        }
