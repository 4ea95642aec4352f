"""Recipient: A contact that a broadcast was sent to."""

from __future__ import annotations

import datetime
from operator import itemgetter
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..errors import DecodeError
from ..reading import (
    ID_LIMIT,
    read_datetime,
    read_id,
    read_int,
    read_model,
    read_models,
    read_object,
    read_text,
    unknown_fields,
)
from .deliverability import Deliverability
from .recipient_details import RecipientDetails
from .recipient_reply import RecipientReply
from .yes_no import YesNo

_NAMES = (
    "id",
    "name",
    "phoneNumber",
    "sentDate",
    "clicks",
    "deliverability",
    "replies",
    "optOut",
    "details",
)
_KNOWN = frozenset(_NAMES)
_values = itemgetter(*_NAMES)
_new = object.__new__
_list: Any = list  # by a name that a type checker does not narrow by: items would become unknown
_parse_datetime = datetime.datetime.fromisoformat
_combine = datetime.datetime.combine  # six times as fast as replace(tzinfo=...)


@define(kw_only=True, eq=False, repr=False)
class Recipient(Model):
    """A contact that a broadcast was sent to.

    Attributes:
        id: Contact ID
        name: Name of the contact
        phone_number: Phone number, as it was typed
        sent_date: When the message was sent; comes without an offset, and is read in the client's `timezone`
        clicks: Clicks on links
        deliverability: Whether a message reached its recipient
        replies: What they sent back
        opt_out: A flag in words
        details: Why a message failed
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    id: int
    name: str | None = None
    phone_number: str | None = None
    sent_date: datetime.datetime | None = None
    clicks: int | None = None
    deliverability: Deliverability | None = None
    replies: list[RecipientReply] | None = None
    opt_out: YesNo | None = None
    details: RecipientDetails | None = None
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
            id, name, phone_number, sent_date, clicks, deliverability, replies, opt_out, details = _values(data)
        except (KeyError, TypeError):
            raw = read_object(data)
            if "id" not in raw:
                raise DecodeError("$.id", "is missing") from None
            id, name, phone_number, sent_date, clicks, deliverability, replies, opt_out, details = map(raw.get, _NAMES)
            if not _KNOWN.issuperset(raw):
                extra = unknown_fields(raw, _KNOWN)
        else:
            if len(data) > 9:
                extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(id) is not int or not 0 < id < ID_LIMIT:
            id = read_id(id, "id")
        self.id = id
        if type(name) is not str and name is not None:
            name = read_text(name, "name", unparsed)
        self.name = name
        if type(phone_number) is not str and phone_number is not None:
            phone_number = read_text(phone_number, "phoneNumber", unparsed)
        self.phone_number = phone_number
        if sent_date is not None:
            try:
                sent_date = _parse_datetime(sent_date)
                if sent_date.tzinfo is None:
                    sent_date = _combine(sent_date, sent_date.time(), zone)
            except (TypeError, ValueError):
                sent_date = read_datetime(sent_date, zone, "sentDate", unparsed)
        self.sent_date = sent_date
        if type(clicks) is not int and clicks is not None:
            clicks = read_int(clicks, "clicks", unparsed)
        self.clicks = clicks
        if type(deliverability) is not str and deliverability is not None:
            deliverability = read_text(deliverability, "deliverability", unparsed)
        self.deliverability = deliverability
        if type(replies) is not _list:
            if replies is not None:
                replies = read_models(replies, RecipientReply.from_dict, zone, "replies", unparsed)
        elif replies:
            try:
                replies = [RecipientReply.from_dict(item, zone) for item in replies]
            except DecodeError:
                replies = read_models(replies, RecipientReply.from_dict, zone, "replies", unparsed)
        self.replies = replies
        if type(opt_out) is not str and opt_out is not None:
            opt_out = read_text(opt_out, "optOut", unparsed)
        self.opt_out = opt_out
        if type(details) is dict:
            details = RecipientDetails.from_dict(details, zone)
        elif details is not None:
            details = read_model(details, RecipientDetails.from_dict, zone, "details", unparsed)
        self.details = details
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "id": self.id,
            "name": self.name,
            "phoneNumber": self.phone_number,
            "sentDate": None if self.sent_date is None else self.sent_date.isoformat(),
            "clicks": self.clicks,
            "deliverability": self.deliverability,
            "replies": None if self.replies is None else [item.to_dict() for item in self.replies],
            "optOut": self.opt_out,
            "details": None if self.details is None else self.details.to_dict(),
            **self.extra,
            **self.unparsed,
        }
