"""Faults of the JSON in a success: wrong types, wrong dates, unknown words, rows out of shape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from attrs import field, frozen, validators

from ac_sms_async.sandbox.clock import ACCOUNT_ZONE
from ac_sms_async.sandbox.faults.kind import Exchange, Kind

#: The keys of the document whose values are dates.
DATE_FIELDS = frozenset(
    {
        "sent_date",
        "scheduled_date",
        "created_at",
        "updated_at",
        "deleted_at",
        "sentDate",
        "date",
        "nextRefillDate",
    }
)
_ROWS = ("broadcasts", "lists", "recipients", "metrics", "failures")


def _walk(value: Any, change: Callable[[str, Any], Any], key: str = "") -> Any:
    """Every leaf of a JSON value through `change(key, leaf)`; empty lists and objects are leaves too."""
    if isinstance(value, dict) and value:
        return {name: _walk(item, change, name) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list) and value:
        return [_walk(item, change, key) for item in cast("list[object]", value)]
    return change(key, value)


def _chosen(fields: str) -> frozenset[str]:
    return frozenset(name.strip() for name in fields.split(",") if name.strip())


def _as_string(value: Any) -> Any:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, int) else value


def _as_number(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return float(value) if isinstance(value, int) else value


def _swap_containers(value: Any) -> Any:
    if value == {}:
        return []
    return {} if value == [] else value


_FORMS: dict[str, Callable[[Any], Any]] = {
    "strings": _as_string,
    "numbers": _as_number,
    "nulls": lambda value: None,
    "empty": lambda value: "",
    "containers": _swap_containers,
    "nonsense": lambda value: {"unexpected": [True]},
}


@frozen
class Types(Kind):
    """
    Values of another type than the document says, as PHP servers send them.

    `form`: "strings" (3 is "3", true is "1"), "numbers" (true is 1, 3 is 3.0), "nulls", "empty" (""), "containers"
    ({} is [] and the other way round), "nonsense" (an object). `fields` (names, by comma) limits it to some; without
    it every field but `id` is bent, and with "strings" `id` too.
    """

    name: ClassVar[str] = "types"
    form: str = field(default="strings", validator=validators.in_(_FORMS))
    fields: str = ""

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        chosen = _chosen(self.fields)
        spared = {"requestId"} if self.form == "strings" else {"id", "requestId", "total", "limit", "offset"}

        def change(key: str, item: Any) -> Any:
            bent = key in chosen if chosen else key not in spared
            return _FORMS[self.form](item) if bent else item

        return cast("dict[str, Any]", _walk(value, change))


def _moment(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=ACCOUNT_ZONE)


_DATE_FORMS: dict[str, Callable[[datetime], object]] = {
    "naive": lambda moment: moment.astimezone(ACCOUNT_ZONE).strftime("%Y-%m-%d %H:%M:%S"),
    "naive_t": lambda moment: moment.astimezone(ACCOUNT_ZONE).strftime("%Y-%m-%dT%H:%M:%S"),
    "offset": lambda moment: moment.astimezone(ACCOUNT_ZONE).isoformat(),
    "z": lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "minus_zero": lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00"),
    "fraction": lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.123456Z"),
    "day": lambda moment: moment.astimezone(ACCOUNT_ZONE).strftime("%Y-%m-%d"),
    "epoch": lambda moment: int(moment.timestamp()),
    "zero": lambda moment: "0000-00-00",
    "zero_time": lambda moment: "0000-00-00 00:00:00",
    "empty": lambda moment: "",
    "garbage": lambda moment: "next Tuesday",
}


@frozen
class Dates(Kind):
    """
    Dates written in another way, meaning the same where the form can: "naive", "naive_t", "offset", "z",
    "minus_zero", "fraction", "day", "epoch"; or meaning nothing: "zero", "zero_time", "empty", "garbage".
    """

    name: ClassVar[str] = "dates"
    form: str = field(default="naive", validator=validators.in_(_DATE_FORMS))

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        def change(key: str, item: Any) -> Any:
            if key in DATE_FIELDS and isinstance(item, str):
                return _DATE_FORMS[self.form](_moment(item))
            return item

        return cast("dict[str, Any]", _walk(value, change))


@frozen
class UnknownStatus(Kind):
    """Every `status` is a word that the document doesn't have."""

    name: ClassVar[str] = "unknown_status"
    value: str = "archived"

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        return cast("dict[str, Any]", _walk(value, lambda key, item: self.value if key == "status" else item))


@frozen
class Extra(Kind):
    """Every row, and the answer itself, has fields that the document doesn't know."""

    name: ClassVar[str] = "extra"

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        new: dict[str, Any] = {"quiet_hours": {"start": "22:00", "stop": "07:00"}, "links": []}
        bent: dict[str, Any] = {**value, **new}
        for rows in _ROWS:
            if rows in value:
                bent[rows] = [{**row, **new} for row in value[rows]]
        return bent


@frozen
class Drop(Kind):
    """Fields are left out: those named in `fields`, by comma."""

    name: ClassVar[str] = "drop"
    fields: str = "id"

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        return cast("dict[str, Any]", _without(value, _chosen(self.fields)))


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        return {name: _without(item, names) for name, item in held.items() if name not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in cast("list[object]", value)]
    return value


@frozen
class Rows(Kind):
    """The list of rows is not one: "null", "missing", "keyed" ({"0": ..., "1": ...}: PHP's array with a gap)."""

    name: ClassVar[str] = "rows"
    form: str = field(default="keyed", validator=validators.in_(("null", "missing", "keyed")))

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        bent = dict(value)
        for rows in _ROWS:
            if rows not in value:
                continue
            if self.form == "missing":
                del bent[rows]
            else:
                keyed = {str(place): row for place, row in enumerate(value[rows])}
                bent[rows] = None if self.form == "null" else keyed
        return bent


@frozen
class Wrap(Kind):
    """A single broadcast comes inside `{"broadcast": ...}`, as neighbouring routes do it."""

    name: ClassVar[str] = "wrap"

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        return {"broadcast": value} if "list_ids" in value else value


@frozen
class AI(Kind):
    """An AI request that never ends ("stuck"), ends in "error", or in success without a broadcast ("no_id")."""

    name: ClassVar[str] = "ai"
    form: str = field(default="stuck", validator=validators.in_(("stuck", "error", "no_id")))

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        if exchange.operation != "getAIBroadcastStatus":
            return value
        status = {"stuck": "in_progress", "error": "error", "no_id": "success"}[self.form]
        return {**value, "status": status, "broadcastId": None}


PAYLOADS: tuple[type[Kind], ...] = (Types, Dates, UnknownStatus, Extra, Drop, Rows, Wrap, AI)
