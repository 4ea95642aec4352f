"""Faults of lists: rows that move while they are paged through, and servers that don't page as asked."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from attrs import field, frozen, validators

from ac_sms_async.sandbox import drift
from ac_sms_async.sandbox.broadcast import STATUSES
from ac_sms_async.sandbox.faults.kind import Exchange, Kind
from ac_sms_async.sandbox.problem import Problem


@frozen
class Insert(Kind):
    """Before the answer, `rows` new ones appear at the front of the list (broadcasts get this `status`)."""

    name: ClassVar[str] = "insert"
    rows: int = field(default=1, validator=validators.ge(1))
    status: str = field(default="draft", validator=validators.in_(STATUSES))

    async def before(self, exchange: Exchange) -> None:
        for _ in range(self.rows):
            if exchange.operation == "listBroadcasts":
                drift.insert_broadcast(exchange.account, self.status)
            elif exchange.operation == "listBroadcastLists":
                drift.insert_list(exchange.account)
            elif exchange.operation == "getBroadcastRecipients" and exchange.call is not None:
                drift.insert_recipient(exchange.account, int(exchange.call.path_id))


@frozen
class Delete(Kind):
    """Before the answer, `rows` rows disappear from place `at` of the list (in its own order) on."""

    name: ClassVar[str] = "delete"
    rows: int = field(default=1, validator=validators.ge(1))
    at: int = field(default=0, validator=validators.ge(0))

    async def before(self, exchange: Exchange) -> None:
        for _ in range(self.rows):
            if exchange.operation == "listBroadcasts":
                drift.delete_broadcast(exchange.account, self.at)
            elif exchange.operation == "listBroadcastLists":
                drift.delete_list(exchange.account, self.at)
            elif exchange.operation == "getBroadcastRecipients" and exchange.call is not None:
                drift.delete_recipient(exchange.account, int(exchange.call.path_id), self.at)


@frozen
class Cap(Kind):
    """No page has more than `limit` rows, whatever was asked for."""

    name: ClassVar[str] = "cap"
    limit: int = field(default=10, validator=validators.ge(1))

    async def before(self, exchange: Exchange) -> None:
        if exchange.call is not None:
            asked = dict(parse_qsl(exchange.call.query)).get("limit", "")
            wanted = int(asked) if asked.isdigit() else self.limit
            _set(exchange, "limit", min(wanted, self.limit))


@frozen
class IgnoreOffset(Kind):
    """Every page is the first one."""

    name: ClassVar[str] = "ignore_offset"

    async def before(self, exchange: Exchange) -> None:
        _set(exchange, "offset", 0)


def _set(exchange: Exchange, name: str, value: int) -> None:
    if exchange.call is not None and exchange.operation in _LISTS:
        pairs = parse_qsl(exchange.call.query, keep_blank_values=True)
        exchange.call.query = urlencode([*(pair for pair in pairs if pair[0] != name), (name, str(value))])


_LISTS = ("listBroadcasts", "listBroadcastLists", "getBroadcastRecipients")


@frozen
class Total(Kind):
    """`meta.total` is off: "high", "low", "zero", "string", "float", "null", "missing", "no_meta" (all of it gone)."""

    name: ClassVar[str] = "total"
    form: str = field(
        default="high",
        validator=validators.in_(("high", "low", "zero", "string", "float", "null", "missing", "no_meta")),
    )

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        if "meta" not in value:
            return value
        if self.form == "no_meta":
            return {name: item for name, item in value.items() if name != "meta"}
        total: int = value["meta"]["total"]
        if self.form == "missing":
            return {**value, "meta": {name: item for name, item in value["meta"].items() if name != "total"}}
        bent: dict[str, object] = {
            "high": total + 250,
            "low": total // 2,
            "zero": 0,
            "string": str(total),
            "float": float(total),
            "null": None,
        }
        return {**value, "meta": {**value["meta"], "total": bent[self.form]}}


@frozen
class RefuseIds(Kind):
    """A body whose ids hold `id`, or (`most`) too many of them, is refused with `status` and applied to nothing."""

    name: ClassVar[str] = "refuse_ids"
    id: int = 0
    most: int = 0
    status: int = field(default=400, validator=validators.in_((400, 404, 422)))

    async def before(self, exchange: Exchange) -> None:
        if exchange.call is None:
            return
        ids = exchange.call.ids()
        if self.id in ids or 0 < self.most < len(ids):
            raise Problem(self.status, {"message": "Invalid ids."})


PAGING: tuple[type[Kind], ...] = (Insert, Delete, Cap, IgnoreOffset, Total, RefuseIds)
