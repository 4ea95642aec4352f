"""BroadcastList: A list that broadcasts can be sent to."""

from __future__ import annotations

import datetime
from operator import itemgetter
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..errors import DecodeError
from ..reading import (
    ID_LIMIT,
    read_id,
    read_int,
    read_object,
    read_text,
    unknown_fields,
)

_NAMES = (
    "id",
    "name",
    "subscriber_count",
)
_KNOWN = frozenset(_NAMES)
_values = itemgetter(*_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class BroadcastList(Model):
    """A list that broadcasts can be sent to.

    Attributes:
        id: List ID
        name: Name of the list
        subscriber_count: Contacts on it
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    id: int
    name: str | None = None
    subscriber_count: int | None = None
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
            id, name, subscriber_count = _values(data)
        except (KeyError, TypeError):
            raw = read_object(data)
            if "id" not in raw:
                raise DecodeError("$.id", "is missing") from None
            id, name, subscriber_count = map(raw.get, _NAMES)
            if not _KNOWN.issuperset(raw):
                extra = unknown_fields(raw, _KNOWN)
        else:
            if len(data) > 3:
                extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(id) is not int or not 0 < id < ID_LIMIT:
            id = read_id(id, "id")
        self.id = id
        if type(name) is not str and name is not None:
            name = read_text(name, "name", unparsed)
        self.name = name
        if type(subscriber_count) is not int and subscriber_count is not None:
            subscriber_count = read_int(subscriber_count, "subscriber_count", unparsed)
        self.subscriber_count = subscriber_count
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "id": self.id,
            "name": self.name,
            "subscriber_count": self.subscriber_count,
            **self.extra,
            **self.unparsed,
        }
