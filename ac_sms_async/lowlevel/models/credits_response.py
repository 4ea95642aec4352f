"""CreditsResponse: The envelope of the credits."""

from __future__ import annotations

import datetime
from operator import itemgetter
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..errors import DecodeError
from ..reading import (
    read_object,
    read_required_model,
    unknown_fields,
)
from .sms_credits import SmsCredits

_NAMES = ("smsCredits",)
_KNOWN = frozenset(_NAMES)
_values = itemgetter(*_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class CreditsResponse(Model):
    """The envelope of the credits.

    Attributes:
        sms_credits: Use and balance of the account's SMS credits
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    sms_credits: SmsCredits
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
            sms_credits = _values(data)
        except (KeyError, TypeError):
            read_object(data)
            raise DecodeError("$.smsCredits", "is missing") from None
        else:
            if len(data) > 1:
                extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        self.sms_credits = read_required_model(sms_credits, SmsCredits.from_dict, zone, "smsCredits")
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "smsCredits": self.sms_credits.to_dict(),
            **self.extra,
            **self.unparsed,
        }
