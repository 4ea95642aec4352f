"""SmsCredits: Use and balance of the account's SMS credits."""

from __future__ import annotations

import datetime
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..reading import (
    read_datetime,
    read_int,
    read_object,
    read_text,
    unknown_fields,
)

_NAMES = (
    "period",
    "nextRefillDate",
    "includedThisPeriod",
    "usedThisPeriod",
    "extra",
    "available",
)
_KNOWN = frozenset(_NAMES)
_new = object.__new__
_parse_datetime = datetime.datetime.fromisoformat
_combine = datetime.datetime.combine  # six times as fast as replace(tzinfo=...)


@define(kw_only=True, eq=False, repr=False)
class SmsCredits(Model):
    """Use and balance of the account's SMS credits.

    Attributes:
        period: The length of a period, such as month
        next_refill_date: When the next period starts
        included_this_period: Credits that came with this period
        used_this_period: Credits used in this period
        extra_credits: Credits bought on top
        available: Credits left
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    period: str | None = None
    next_refill_date: datetime.datetime | None = None
    included_this_period: int | None = None
    used_this_period: int | None = None
    extra_credits: int | None = None
    available: int | None = None
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
        period = get("period")
        next_refill_date = get("nextRefillDate")
        included_this_period = get("includedThisPeriod")
        used_this_period = get("usedThisPeriod")
        extra_credits = get("extra")
        available = get("available")
        if not _KNOWN.issuperset(data):
            extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(period) is not str and period is not None:
            period = read_text(period, "period", unparsed)
        self.period = period
        if next_refill_date is not None:
            try:
                next_refill_date = _parse_datetime(next_refill_date)
                if next_refill_date.tzinfo is None:
                    next_refill_date = _combine(next_refill_date, next_refill_date.time(), zone)
            except (TypeError, ValueError):
                next_refill_date = read_datetime(next_refill_date, zone, "nextRefillDate", unparsed)
        self.next_refill_date = next_refill_date
        if type(included_this_period) is not int and included_this_period is not None:
            included_this_period = read_int(included_this_period, "includedThisPeriod", unparsed)
        self.included_this_period = included_this_period
        if type(used_this_period) is not int and used_this_period is not None:
            used_this_period = read_int(used_this_period, "usedThisPeriod", unparsed)
        self.used_this_period = used_this_period
        if type(extra_credits) is not int and extra_credits is not None:
            extra_credits = read_int(extra_credits, "extra", unparsed)
        self.extra_credits = extra_credits
        if type(available) is not int and available is not None:
            available = read_int(available, "available", unparsed)
        self.available = available
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "period": self.period,
            "nextRefillDate": None if self.next_refill_date is None else self.next_refill_date.isoformat(),
            "includedThisPeriod": self.included_this_period,
            "usedThisPeriod": self.used_this_period,
            "extra": self.extra_credits,
            "available": self.available,
            **self.extra,
            **self.unparsed,
        }
