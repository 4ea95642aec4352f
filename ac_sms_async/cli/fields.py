"""What the API gives, as the store calls it and keeps it: what is printed as JSON is what would be exported."""

from __future__ import annotations

import json
from typing import Any

from ac_sms_async.collect.rows import (
    Fields,
    broadcast_fields,
    credits_fields,
    list_fields,
    metrics_fields,
    recipient_fields,
)
from ac_sms_async.collect.store.schema import table
from ac_sms_async.models import BroadcastList, BroadcastMessage, BroadcastMetrics, Recipient, SmsCredits

__all__ = ["broadcast", "credits_left", "list_of_account", "metrics_of", "recipient"]


def broadcast(item: BroadcastMessage) -> dict[str, Any]:
    """A broadcast, as `broadcasts` has it."""
    return _as_json("broadcasts", broadcast_fields(item))


def metrics_of(item: BroadcastMetrics) -> dict[str, Any]:
    """The counts of a broadcast, as `metrics` has them."""
    return _as_json("metrics", metrics_fields(item))


def list_of_account(item: BroadcastList) -> dict[str, Any]:
    """A list, as `lists` has it."""
    return _as_json("lists", list_fields(item))


def recipient(item: Recipient) -> dict[str, Any]:
    """A recipient, as `recipients` has it, and its replies, as `replies` has them."""
    found = recipient_fields(item)
    replies = [{name: reply[name] for name in ("message", "date")} for reply in found.replies]
    return {**_as_json("recipients", found.fields), "replies": replies}


def credits_left(item: SmsCredits) -> dict[str, Any]:
    """The credits, as `credits` has them."""
    return _as_json("credits", credits_fields(item))


def _as_json(name: str, fields: Fields) -> dict[str, Any]:
    kinds = {column.name: column.type for column in table(name).columns}
    return {
        name: json.loads(value) if kinds[name] == "JSONB" and isinstance(value, str) else value
        for name, value in fields.items()
    }
