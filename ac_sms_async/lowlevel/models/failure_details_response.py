"""FailureDetailsResponse: The failures of a broadcast by cause."""

from __future__ import annotations

import datetime
from operator import itemgetter
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..errors import DecodeError
from ..reading import (
    read_object,
    read_rows,
    unknown_fields,
)
from .failure_detail import FailureDetail

_NAMES = ("failures",)
_KNOWN = frozenset(_NAMES)
_values = itemgetter(*_NAMES)
_new = object.__new__


@define(kw_only=True, eq=False, repr=False)
class FailureDetailsResponse(Model):
    """The failures of a broadcast by cause.

    Attributes:
        failures: Failures, one object a cause
        unreadable: Rows without a usable id, raw
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    failures: list[FailureDetail]
    unreadable: list[Any] = field(factory=list[Any])
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
            failures = _values(data)
        except (KeyError, TypeError):
            read_object(data)
            raise DecodeError("$.failures", "is missing") from None
        else:
            if len(data) > 1:
                extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        rows: list[FailureDetail] = []
        unreadable: list[Any] = []
        read_row = FailureDetail.from_dict
        for row in read_rows(failures, "failures"):
            try:
                rows.append(read_row(row, zone))
            except DecodeError:
                unreadable.append(row)
        self.failures = rows
        self.unreadable = unreadable
        self.extra = extra
        self.unparsed = unparsed
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "failures": [*(row.to_dict() for row in self.failures), *self.unreadable],
            **self.extra,
            **self.unparsed,
        }
