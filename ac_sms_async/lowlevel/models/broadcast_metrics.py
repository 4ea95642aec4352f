"""BroadcastMetrics: Counts of one broadcast."""

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
    unknown_fields,
)

_NAMES = (
    "id",
    "sends",
    "deliveries",
    "replies",
    "failures",
    "optOuts",
    "clicks",
)
_KNOWN = frozenset(_NAMES)
_values = itemgetter(*_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class BroadcastMetrics(Model):
    """Counts of one broadcast.

    Attributes:
        id: Broadcast ID
        sends: Messages sent
        deliveries: Messages delivered
        replies: Replies received
        failures: Messages that failed
        opt_outs: Recipients who opted out
        clicks: Clicks on links
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    id: int
    sends: int | None = None
    deliveries: int | None = None
    replies: int | None = None
    failures: int | None = None
    opt_outs: int | None = None
    clicks: int | None = None
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
            id, sends, deliveries, replies, failures, opt_outs, clicks = _values(data)
        except (KeyError, TypeError):
            raw = read_object(data)
            if "id" not in raw:
                raise DecodeError("$.id", "is missing") from None
            id, sends, deliveries, replies, failures, opt_outs, clicks = map(raw.get, _NAMES)
            if not _KNOWN.issuperset(raw):
                extra = unknown_fields(raw, _KNOWN)
        else:
            if len(data) > 7:
                extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(id) is not int or not 0 < id < ID_LIMIT:
            id = read_id(id, "id")
        self.id = id
        if type(sends) is not int and sends is not None:
            sends = read_int(sends, "sends", unparsed)
        self.sends = sends
        if type(deliveries) is not int and deliveries is not None:
            deliveries = read_int(deliveries, "deliveries", unparsed)
        self.deliveries = deliveries
        if type(replies) is not int and replies is not None:
            replies = read_int(replies, "replies", unparsed)
        self.replies = replies
        if type(failures) is not int and failures is not None:
            failures = read_int(failures, "failures", unparsed)
        self.failures = failures
        if type(opt_outs) is not int and opt_outs is not None:
            opt_outs = read_int(opt_outs, "optOuts", unparsed)
        self.opt_outs = opt_outs
        if type(clicks) is not int and clicks is not None:
            clicks = read_int(clicks, "clicks", unparsed)
        self.clicks = clicks
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "id": self.id,
            "sends": self.sends,
            "deliveries": self.deliveries,
            "replies": self.replies,
            "failures": self.failures,
            "optOuts": self.opt_outs,
            "clicks": self.clicks,
            **self.extra,
            **self.unparsed,
        }
