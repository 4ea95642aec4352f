"""Snapshot: Counts over several broadcasts."""

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
    "campaigns",
    "sends",
    "deliveries",
    "clicks",
    "replies",
    "failures",
    "optOuts",
)
_KNOWN = frozenset(_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class Snapshot(Model):
    """Counts over several broadcasts.

    Attributes:
        campaigns: Broadcasts counted
        sends: Messages sent
        deliveries: Messages delivered
        clicks: Clicks on links
        replies: Replies received
        failures: Messages that failed
        opt_outs: Recipients who opted out
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    campaigns: int | None = None
    sends: int | None = None
    deliveries: int | None = None
    clicks: int | None = None
    replies: int | None = None
    failures: int | None = None
    opt_outs: int | None = None
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
        campaigns = get("campaigns")
        sends = get("sends")
        deliveries = get("deliveries")
        clicks = get("clicks")
        replies = get("replies")
        failures = get("failures")
        opt_outs = get("optOuts")
        if not _KNOWN.issuperset(data):
            extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(campaigns) is not int and campaigns is not None:
            campaigns = read_int(campaigns, "campaigns", unparsed)
        self.campaigns = campaigns
        if type(sends) is not int and sends is not None:
            sends = read_int(sends, "sends", unparsed)
        self.sends = sends
        if type(deliveries) is not int and deliveries is not None:
            deliveries = read_int(deliveries, "deliveries", unparsed)
        self.deliveries = deliveries
        if type(clicks) is not int and clicks is not None:
            clicks = read_int(clicks, "clicks", unparsed)
        self.clicks = clicks
        if type(replies) is not int and replies is not None:
            replies = read_int(replies, "replies", unparsed)
        self.replies = replies
        if type(failures) is not int and failures is not None:
            failures = read_int(failures, "failures", unparsed)
        self.failures = failures
        if type(opt_outs) is not int and opt_outs is not None:
            opt_outs = read_int(opt_outs, "optOuts", unparsed)
        self.opt_outs = opt_outs
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "campaigns": self.campaigns,
            "sends": self.sends,
            "deliveries": self.deliveries,
            "clicks": self.clicks,
            "replies": self.replies,
            "failures": self.failures,
            "optOuts": self.opt_outs,
            **self.extra,
            **self.unparsed,
        }
