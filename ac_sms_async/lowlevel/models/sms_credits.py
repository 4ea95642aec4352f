"""SmsCredits: Use and balance of the account's SMS credits."""

from __future__ import annotations

import datetime
from operator import itemgetter
from typing import Any, Self

from attrs import define, field

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
_values = itemgetter(*_NAMES)
_new = object.__new__
_parse_datetime = datetime.datetime.fromisoformat
_UTC = datetime.timezone.utc


@define(kw_only=True)
class SmsCredits:
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
    extra: dict[str, Any] = field(factory=dict)
    unparsed: dict[str, Any] = field(factory=dict)

    @classmethod
    def from_dict(cls, data: Any, zone: datetime.tzinfo) -> Self:
        """Reads an answer's JSON value; a date-time without an offset is in `zone`.

        Raises DecodeError where it is of no use, and only that.
        """
        if type(data) is not dict:
            data = read_object(data)
        unparsed: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        try:
            period, next_refill_date, included_this_period, used_this_period, extra_credits, available = _values(data)
        except KeyError:
            period, next_refill_date, included_this_period, used_this_period, extra_credits, available = map(
                data.get, _NAMES
            )
            extra = unknown_fields(data, _KNOWN)
        else:
            if len(data) != 6:
                extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(period) is not str and period is not None:
            period = read_text(period, "period", unparsed)
        self.period = period
        if next_refill_date is not None:
            try:
                moment = _parse_datetime(next_refill_date)
                next_refill_date = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
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
