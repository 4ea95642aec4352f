"""JSON bodies, read strictly: wrong types, formats, values and unknown fields are refused, all at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from attrs import define

from ac_sms_async.sandbox.problem import Problem, bad_body
from ac_sms_async.sandbox.query import parse_date

#: Gives what is wrong with a value, or None.
Check = Callable[[Any], str | None]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.ASCII | re.IGNORECASE)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[!#-;=?-\[\]_a-z~%]*\Z", re.ASCII | re.IGNORECASE)


def string(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a string"


def boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be a boolean"


def integer(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) else "must be an integer"


def whole_number(value: Any) -> str | None:
    return integer(value) or ("must not be negative" if value < 0 else None)


def json_object(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def moment(value: Any) -> str | None:
    return string(value) or (None if parse_moment(value) is not None else "must be a date and time with an offset")


def day(value: Any) -> str | None:
    return string(value) or (None if parse_date(value) is not None else "must be a date as YYYY-MM-DD")


def uuid(value: Any) -> str | None:
    return string(value) or (None if _UUID.match(value) else "must be a UUID")


def uri(value: Any) -> str | None:
    return string(value) or (None if _URI.match(value) else "must be a URI")


def one_of(*choices: str) -> Check:
    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and value in choices else "must be one of " + ", ".join(choices)

    return check


def many(check: Check) -> Check:
    def check_all(value: Any) -> str | None:
        if not isinstance(value, list):
            return "must be a list"
        for item in cast("list[object]", value):
            complaint = check(item)
            if complaint:
                return f"holds an item that {complaint}"
        return None

    return check_all


def parse_moment(text: str) -> int | None:
    """Epoch seconds of an RFC 3339 date and time, or None."""
    if not _MOMENT.match(text):
        return None
    try:
        return int(datetime.fromisoformat(text.upper()).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        return None


@define(frozen=True)
class Shape:
    """The fields of a body: which there are, which must be there, which may be null."""

    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()
    nullable: frozenset[str] = frozenset()

    def read(self, content_type: str, raw: bytes) -> dict[str, Any]:
        """The body as a dict, or a Problem that names everything wrong with it."""
        value = _parse(content_type, raw)
        errors = self.complaints(value)
        if errors:
            raise bad_body(errors)
        return value

    def complaints(self, value: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """Everything wrong with an object: pointer, code, and a sentence."""
        errors = [
            (f"/{name}", "field_missing", f"The field {name} is required.")
            for name in self.required
            if name not in value
        ]
        for name, item in value.items():
            if name not in self.fields:
                errors.append((f"/{name}", "field_unknown", f"There is no field {name}."))
            elif item is not None or name not in self.nullable:
                complaint = self.fields[name](item)
                if complaint:
                    errors.append((f"/{name}", "field_invalid", f"The field {name} {complaint}."))
        return errors


def _parse(content_type: str, raw: bytes) -> dict[str, Any]:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(400, {"message": "Expected a body of type application/json."})
    try:
        value = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem(400, {"message": "The body is not valid JSON."}) from None
    if not isinstance(value, dict):
        raise Problem(400, {"message": "The body must be a JSON object."})
    return cast("dict[str, Any]", value)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_IDS = many(integer)
_SOURCE = one_of("ai_index", "sms_index", "ai_builder")
_COMMON: dict[str, Check] = {
    "name": string,
    "address_id": integer,
    "body": string,
    "media_urls": many(uri),
    "preview_url": uri,
    "shorten_track_links_enabled": boolean,
    "scheduled_date": moment,
    "sent_to_count": whole_number,
    "list_ids": _IDS,
    "segment_id": string,
    "custom_segment_id": uuid,
    "label_ids": _IDS,
}
CREATE = Shape(
    {**_COMMON, "status": one_of("draft")},
    required=("name", "body"),
    nullable=frozenset({"address_id", "custom_segment_id"}),
)
# Null clears a field, as everywhere on the platform; a name and a body can't be without a value.
UPDATE = Shape(
    {**_COMMON, "status": one_of("draft", "pending_review"), "custom_run_id": uuid},
    nullable=frozenset(_COMMON) - {"name", "body"} | {"custom_run_id"},
)
AI_CREATE = Shape({"source": _SOURCE, "prompt": string, "tone": string}, required=("source", "prompt", "tone"))
AI_UPDATE = Shape(
    {"source": _SOURCE, "prompt": string, "tone": string, "broadcastId": integer},
    required=("source", "prompt", "tone", "broadcastId"),
)
IDS = Shape({"ids": _IDS})
RECIPIENT_EXPORT = Shape(
    {
        "start_date": day,
        "end_date": day,
        "engagement": many(one_of("clicks", "replies", "optOuts")),
        "deliverability": many(one_of("deliveries", "failures")),
        "search": string,
        "order": json_object,
    }
)
