"""RecipientReply: A message that a recipient sent back."""

from __future__ import annotations

import datetime
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..reading import (
    read_datetime,
    read_object,
    read_text,
    unknown_fields,
)

_NAMES = (
    "message",
    "date",
)
_KNOWN = frozenset(_NAMES)
_new = object.__new__
_parse_datetime = datetime.datetime.fromisoformat
_combine = datetime.datetime.combine  # six times as fast as replace(tzinfo=...)


@define(kw_only=True, eq=False, repr=False)
class RecipientReply(Model):
    """A message that a recipient sent back.

    Attributes:
        message: Its text
        date: When it came, without an offset: read in the client's `timezone`
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    message: str | None = None
    date: datetime.datetime | None = None
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
        message = get("message")
        date = get("date")
        if not _KNOWN.issuperset(data):
            extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(message) is not str and message is not None:
            message = read_text(message, "message", unparsed)
        self.message = message
        if date is not None:
            try:
                date = _parse_datetime(date)
                if date.tzinfo is None:
                    date = _combine(date, date.time(), zone)
            except (TypeError, ValueError):
                date = read_datetime(date, zone, "date", unparsed)
        self.date = date
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "message": self.message,
            "date": None if self.date is None else self.date.isoformat(),
            **self.extra,
            **self.unparsed,
        }
