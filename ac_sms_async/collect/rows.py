"""From what the API gives to what the store keeps: one row, by column name, for each model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any, cast

from attrs import field, frozen

from ac_sms_async.collect.schema import table
from ac_sms_async.collect.store import Value
from ac_sms_async.models import BroadcastMessage, BroadcastMetrics, FailureDetail, Recipient

__all__ = [
    "COUNTS",
    "Fields",
    "RecipientFields",
    "broadcast_fields",
    "credits_fields",
    "failure_fields",
    "metrics_fields",
    "moment",
    "recipient_fields",
    "snapshot_fields",
    "value",
]

Fields = dict[str, Value]

COUNTS = ("sends", "deliveries", "failures", "clicks", "replies", "opt_outs")

# These columns are called as the models' attributes are.
_OURS = ("account", "run_id", "collected_at", "broadcast_id", "extra", "first_collected_at")
_BROADCAST = [name for name in table("broadcasts").names if name not in _OURS and not name.endswith("s_collected_at")]
_CREDITS = [name for name in table("credits").names if name not in ("account", "run_id", "collected_at")]
_LARGEST = 2**63


@frozen
class RecipientFields:
    """A recipient and its replies."""

    fields: Fields
    replies: list[Fields] = field(factory=list[Fields])

    @property
    def contact_id(self) -> Value:
        """Which contact it is."""
        return self.fields["contact_id"]


def moment(when: datetime) -> str:
    """A time as the store keeps it: ISO text in UTC, to the second."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def value(given: Any) -> Value:
    """Anything as a value that both databases take. What neither can hold becomes NULL."""
    match given:
        case None | bool() | float():
            return given
        case int():
            return given if -_LARGEST <= given < _LARGEST else None
        case str():
            return _text(given)
        case datetime():
            try:
                return moment(given)
            except OverflowError:
                # The first or last day of all time, moved over the edge by its zone.
                return None
        case date():
            return given.isoformat()
        case _:
            return _text(_json(given))


def broadcast_fields(item: BroadcastMessage) -> Fields:
    """The columns of `broadcasts` that the API fills."""
    return {"broadcast_id": item.id, **_named(item, _BROADCAST), "extra": _extra(item)}


def metrics_fields(item: BroadcastMetrics) -> Fields:
    """The columns of `metrics` that the API fills."""
    return {"broadcast_id": item.id, **_named(item, COUNTS)}


def failure_fields(items: Sequence[FailureDetail]) -> list[Fields]:
    """The columns of `failure_groups` that the API fills; groups of one code and source are added up."""
    groups: dict[tuple[str, str], int] = {}
    for item in items:
        key = (_text(item.error_code or ""), _text(item.error_source or ""))
        groups[key] = groups.get(key, 0) + (item.count or 0)
    return [{"error_code": code, "error_source": source, "count": count} for (code, source), count in groups.items()]


def recipient_fields(item: Recipient) -> RecipientFields:
    """The columns of `recipients` and `replies` that the API fills."""
    replies = item.replies or []
    details = item.details
    fields: Fields = {
        "contact_id": item.id,
        **_named(item, ("name", "phone_number", "sent_date", "deliverability", "clicks", "opt_out")),
        "reply_count": len(replies),
        "error_code": value(details.error_code) if details else None,
        "error_source": value(details.error_source) if details else None,
        "extra": _extra(item),
    }
    return RecipientFields(
        fields,
        [
            {"contact_id": item.id, "position": position, "message": value(reply.message), "date": value(reply.date)}
            for position, reply in enumerate(replies)
        ],
    )


def credits_fields(item: object) -> Fields:
    """The columns of `credits` that the API fills."""
    return _named(item, _CREDITS)


def snapshot_fields(item: object) -> Fields:
    """The columns of `snapshots` that the API fills."""
    return _named(item, ("campaigns", *COUNTS))


def _named(item: object, names: Sequence[str]) -> Fields:
    return {name: value(getattr(item, name)) for name in names}


def _extra(item: BroadcastMessage | Recipient) -> str | None:
    beyond: Mapping[str, Any] = {**item.extra, **item.unparsed}
    return _text(_json(beyond)) if beyond else None


def _json(given: Any) -> str:
    return json.dumps(_clean(given), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _clean(given: Any) -> Any:
    """A JSON value without what PostgreSQL's JSON can't hold."""
    match given:
        case None | bool() | int():
            return given
        case float():
            return given if isfinite(given) else None
        case dict():
            return {_text(str(key)): _clean(item) for key, item in cast("dict[object, object]", given).items()}
        case list() | tuple():
            return [_clean(item) for item in cast("Sequence[object]", given)]
        case _:
            return _text(str(given))


def _text(given: str) -> str:
    # PostgreSQL has no place for NUL, neither database for half of a surrogate pair.
    return given.encode("utf-8", "replace").decode().replace("\x00", "�")
