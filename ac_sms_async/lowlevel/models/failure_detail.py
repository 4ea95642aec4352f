"""FailureDetail: Failures of one broadcast that have one cause."""

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
from .error_source import ErrorSource

_NAMES = (
    "errorCode",
    "errorSource",
    "count",
)
_KNOWN = frozenset(_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class FailureDetail(Model):
    """Failures of one broadcast that have one cause.

    Attributes:
        error_code: The carrier's or the product's error code
        error_source: Who reported a failure, ActiveCampaign or the carrier
        count: Messages that failed of it
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    error_code: str | None = None
    error_source: ErrorSource | None = None
    count: int | None = None
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
        error_code = get("errorCode")
        error_source = get("errorSource")
        count = get("count")
        if not _KNOWN.issuperset(data):
            extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(error_code) is not str and error_code is not None:
            error_code = read_text(error_code, "errorCode", unparsed)
        self.error_code = error_code
        if type(error_source) is not str and error_source is not None:
            error_source = read_text(error_source, "errorSource", unparsed)
        self.error_source = error_source
        if type(count) is not int and count is not None:
            count = read_int(count, "count", unparsed)
        self.count = count
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "errorCode": self.error_code,
            "errorSource": self.error_source,
            "count": self.count,
            **self.extra,
            **self.unparsed,
        }
