"""AIBroadcastStatus: Where an AI request stands."""

from __future__ import annotations

import datetime
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..reading import (
    read_int,
    read_object,
    read_text,
    unknown_fields,
)
from .ai_source import AISource
from .ai_status import AIStatus

_NAMES = (
    "source",
    "status",
    "broadcastId",
)
_KNOWN = frozenset(_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class AIBroadcastStatus(Model):
    """Where an AI request stands.

    Attributes:
        source: The place in the product that an AI request comes from
        status: Where an AI request stands
        broadcast_id: The broadcast that was made, once there is one
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    source: AISource | None = None
    status: AIStatus | None = None
    broadcast_id: int | None = None
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
        source = get("source")
        status = get("status")
        broadcast_id = get("broadcastId")
        if not _KNOWN.issuperset(data):
            extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(source) is not str and source is not None:
            source = read_text(source, "source", unparsed)
        self.source = source
        if type(status) is not str and status is not None:
            status = read_text(status, "status", unparsed)
        self.status = status
        if type(broadcast_id) is not int and broadcast_id is not None:
            broadcast_id = read_int(broadcast_id, "broadcastId", unparsed)
        self.broadcast_id = broadcast_id
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "source": self.source,
            "status": self.status,
            "broadcastId": self.broadcast_id,
            **self.extra,
            **self.unparsed,
        }
