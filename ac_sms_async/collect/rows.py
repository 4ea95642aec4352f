"""From what the API gives to what the store keeps: one row, by column name, for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import field, frozen

from ac_sms_async.collect.store.protocol import Value
from ac_sms_async.collect.store.schema import table
from ac_sms_async.collect.store.storable import as_json, moment, short
from ac_sms_async.collect.store.storable import storable as value
from ac_sms_async.models import BroadcastList, BroadcastMessage, BroadcastMetrics, FailureDetail, Recipient

__all__ = [
    "COUNTS",
    "Fields",
    "RecipientFields",
    "broadcast_fields",
    "credits_fields",
    "failure_fields",
    "list_fields",
    "metrics_fields",
    "moment",
    "recipient_fields",
    "snapshot_fields",
    "value",
]

Fields = dict[str, Value]

_LARGEST = 2**63 - 1

COUNTS = ("sends", "deliveries", "failures", "clicks", "replies", "opt_outs")

# These columns are called as the models' attributes are.
_OURS = ("account", "run_id", "sitting", "collected_at", "broadcast_id", "extra", "first_collected_at")
_DETAILS = ("s_collected_at", "s_counts")
_BROADCAST = [name for name in table("broadcasts").names if name not in _OURS and not name.endswith(_DETAILS)]
_RECIPIENT = ("name", "phone_number", "sent_date", "deliverability", "clicks", "opt_out")
_CREDITS = [name for name in table("credits").names if name not in ("account", "run_id", "collected_at")]


@frozen
class RecipientFields:
    """A recipient and its replies."""

    fields: Fields
    replies: list[Fields] = field(factory=list[Fields])

    @property
    def contact_id(self) -> Value:
        """Which contact it is."""
        return self.fields["contact_id"]


def broadcast_fields(item: BroadcastMessage) -> Fields:
    """The columns of `broadcasts` that the API fills."""
    return {"broadcast_id": item.id, **_named(item, _BROADCAST), "extra": _extra(item, _BROADCAST)}


def metrics_fields(item: BroadcastMetrics) -> Fields:
    """The columns of `metrics` that the API fills."""
    return {"broadcast_id": item.id, **_named(item, COUNTS)}


def failure_fields(items: Sequence[FailureDetail]) -> list[Fields]:
    """The columns of `failure_groups` that the API fills; groups of one code and source are added up."""
    groups: dict[tuple[str, str], int] = {}
    for item in items:
        key = (short(item.error_code or ""), short(item.error_source or ""))
        groups[key] = groups.get(key, 0) + (item.count or 0)
    return [
        {"error_code": code, "error_source": source, "count": min(count, _LARGEST)}
        for (code, source), count in groups.items()
    ]


def recipient_fields(item: Recipient) -> RecipientFields:
    """The columns of `recipients` and `replies` that the API fills."""
    replies = item.replies or []
    details = item.details
    fields: Fields = {
        "contact_id": item.id,
        **_named(item, _RECIPIENT),
        "reply_count": len(replies),
        "error_code": value(details.error_code) if details else None,
        "error_source": value(details.error_source) if details else None,
        "extra": _extra(item, _RECIPIENT),
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


def list_fields(item: BroadcastList) -> Fields:
    """The columns of `lists` that the API fills."""
    return {"list_id": item.id, **_named(item, ("name", "subscriber_count"))}


def snapshot_fields(item: object) -> Fields:
    """The columns of `snapshots` that the API fills."""
    return _named(item, ("campaigns", *COUNTS))


def _named(item: object, names: Sequence[str]) -> Fields:
    return {name: value(getattr(item, name)) for name in names}


def _extra(item: BroadcastMessage | Recipient, named: Sequence[str]) -> str | None:
    """What has no column, and what its column has no room for."""
    kept: dict[str, Any] = {name: getattr(item, name) for name in named}
    lost = {name: _in_words(given) for name, given in kept.items() if given is not None and value(given) is None}
    beyond: Mapping[str, Any] = {**lost, **item.extra, **item.unparsed}
    return as_json(beyond) if beyond else None


def _in_words(given: Any) -> Any:
    return given.isoformat() if isinstance(given, datetime) else given
