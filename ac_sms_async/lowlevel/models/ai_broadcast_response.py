"""AIBroadcastResponse: An AI request that was taken in."""

from __future__ import annotations

import datetime
from operator import itemgetter
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..errors import DecodeError
from ..reading import (
    read_name,
    read_object,
    unknown_fields,
)

_NAMES = ("requestId",)
_KNOWN = frozenset(_NAMES)
_values = itemgetter(*_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class AIBroadcastResponse(Model):
    """An AI request that was taken in.

    Attributes:
        request_id: External identifier to track the request
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    request_id: str
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
            request_id = _values(data)
        except (KeyError, TypeError):
            read_object(data)
            raise DecodeError("$.requestId", "is missing") from None
        else:
            if len(data) > 1:
                extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(request_id) is not str or not request_id:
            request_id = read_name(request_id, "requestId")
        self.request_id = request_id
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "requestId": self.request_id,
            **self.extra,
            **self.unparsed,
        }
