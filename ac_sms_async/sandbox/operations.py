"""The 17 operations of the document: what each takes, does and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import define

from ac_sms_async.sandbox import body as bodies
from ac_sms_async.sandbox import recipients
from ac_sms_async.sandbox.account import Account
from ac_sms_async.sandbox.broadcast import STATUSES, Broadcast
from ac_sms_async.sandbox.fates import Counts
from ac_sms_async.sandbox.problem import Problem, bad_body, not_found
from ac_sms_async.sandbox.query import EVERY_DAY, Query, Window, parse_date

_PAGE = ("offset", "limit")
_DATES = ("start_date", "end_date")
#: Columns for `orders[column]`, beside the document's literal `orders[field]`.
ORDER_COLUMNS = ("id", "name", "status", "sent_date", "scheduled_date", "created_at", "updated_at", "sent_to_count")


@define
class Call:
    """One request, taken apart."""

    account: Account
    views: recipients.Views
    path_id: str
    query: str
    content_type: str
    body: bytes
    now: float

    def ids(self) -> list[Any]:
        """What the body gives as ids, if it can be read at all."""
        try:
            return list(bodies.IDS.read(self.content_type, self.body).get("ids", ()))
        except Problem:
            return []


@define
class Answer:
    """A success: JSON, or rows of a CSV file."""

    json: dict[str, Any] | None = None
    status: int = 200
    csv_header: Sequence[str] = ()
    csv_rows: Iterable[Sequence[object]] = ()


def _path_integer(call: Call) -> int:
    return int(call.path_id)


def get_credits(call: Call) -> Answer:
    Query(call.query, ())
    return Answer({"smsCredits": call.account.credits()})


# --- broadcasts -------------------------------------------------------------------------------------------------


def list_broadcasts(call: Call) -> Answer:
    names = (*_PAGE, *_DATES, "filters[name]", "filters[status]", "filters[type]", "orders[field]")
    query = Query(call.query, names, order_columns=ORDER_COLUMNS)
    status = query.choice("filters[status]", STATUSES, "filter value for status")
    name = (query.text("filters[name]") or "").casefold()
    window, guesses = query.window(), call.account.guesses
    rows = query.page(guesses)
    found = call.account.live()
    # The document calls filters[type] a future feature: it is taken, and changes nothing.
    if status:
        found = [each for each in found if each.status_at(call.now) == status]
    if name:
        found = [each for each in found if name in each.name.casefold()]
    if window != EVERY_DAY:
        found = [each for each in found if window.holds(each.date_at(call.now, guesses.date_filter))]
    for column, descending in reversed(query.orders(ORDER_COLUMNS)):
        found.sort(key=_order_key(column, call.now), reverse=descending)
    page = [call.account.json(each, call.now) for each in found[rows]]
    return Answer({"broadcasts": page, "meta": {"total": len(found)}})


def _order_key(column: str, now: float) -> Callable[[Broadcast], Any]:
    def key(broadcast: Broadcast) -> Any:
        if column == "status":
            return broadcast.status_at(now)
        if column == "name":
            return broadcast.name.casefold()
        value = broadcast.sent_at(now) if column == "sent_date" else getattr(broadcast, column)
        # Without a value comes first, as in SQL.
        return (value is not None, value or 0)

    return key


def create_broadcast(call: Call) -> Answer:
    Query(call.query, ())
    fields = bodies.CREATE.read(call.content_type, call.body)
    return Answer(call.account.json(call.account.create(fields, call.now), call.now), status=201)


def get_broadcast(call: Call) -> Answer:
    Query(call.query, ())
    return Answer(call.account.json(call.account.broadcast(_path_integer(call)), call.now))


def update_broadcast(call: Call) -> Answer:
    Query(call.query, ())
    broadcast = call.account.broadcast(_path_integer(call))
    call.account.update(broadcast, bodies.UPDATE.read(call.content_type, call.body), call.now)
    return Answer(call.account.json(broadcast, call.now))


def delete_broadcast(call: Call) -> Answer:
    Query(call.query, ())
    broadcast = call.account.broadcast(_path_integer(call))
    call.account.delete(broadcast, call.now)
    return Answer(call.account.json(broadcast, call.now))


def list_broadcast_lists(call: Call) -> Answer:
    query = Query(call.query, (*_PAGE, "filters[name]"))
    name = (query.text("filters[name]") or "").casefold()
    rows = query.page(call.account.guesses)
    found = call.account.in_order(each for each in call.account.lists.values() if name in each.name.casefold())
    page = [{"id": each.id, "name": each.name, "subscriber_count": each.subscriber_count} for each in found[rows]]
    return Answer({"lists": page, "meta": {"total": len(found)}})


# --- AI ---------------------------------------------------------------------------------------------------------


def create_ai_broadcast(call: Call) -> Answer:
    Query(call.query, ())
    fields = bodies.AI_CREATE.read(call.content_type, call.body)
    return Answer({"requestId": call.account.ask_ai(fields).id})


def update_ai_broadcast(call: Call) -> Answer:
    Query(call.query, ())
    fields = bodies.AI_UPDATE.read(call.content_type, call.body)
    return Answer({"requestId": call.account.ask_ai(fields).id})


def get_ai_broadcast_status(call: Call) -> Answer:
    Query(call.query, ())
    request = call.account.ai_requests.get(call.path_id)
    if request is None:
        raise not_found("AI request", call.path_id, call.account.guesses.missing)
    return Answer(call.account.ai_json(request))


# --- metrics ----------------------------------------------------------------------------------------------------


def _chosen(account: Account, fields: dict[str, Any]) -> list[Broadcast]:
    """The broadcasts of `ids`, each once; ids that there are not are left out, as are deleted ones."""
    found = (account.broadcasts.get(number) for number in dict.fromkeys(fields.get("ids", ())))
    return [broadcast for broadcast in found if broadcast is not None and broadcast.deleted_at is None]


def _metrics(broadcast: Broadcast, counts: Counts) -> dict[str, Any]:
    return {
        "id": broadcast.id,
        "sends": counts.sends,
        "deliveries": counts.deliveries,
        "replies": counts.replies,
        "failures": counts.failures,
        "optOuts": counts.opt_outs,
        "clicks": counts.clicks,
    }


def get_broadcast_metrics(call: Call) -> Answer:
    window = Query(call.query, _DATES).window()
    chosen = _chosen(call.account, bodies.IDS.read(call.content_type, call.body))
    return Answer({"metrics": [_metrics(each, call.account.counts(each, call.now, window)) for each in chosen]})


def _snapshot(call: Call, broadcasts: Iterable[Broadcast], window: Window) -> Answer:
    total = Counts()
    campaigns = 0
    for broadcast in broadcasts:
        counts = call.account.counts(broadcast, call.now, window)
        campaigns += counts.sends > 0
        total.add(counts)
    return Answer(
        {
            "snapshot": {
                "campaigns": campaigns,
                "sends": total.sends,
                "deliveries": total.deliveries,
                "clicks": total.clicks,
                "replies": total.replies,
                "failures": total.failures,
                "optOuts": total.opt_outs,
            }
        }
    )


def get_broadcast_snapshot(call: Call) -> Answer:
    window = Query(call.query, _DATES).window()
    return _snapshot(call, call.account.live(), window)


def get_broadcast_snapshot_by_ids(call: Call) -> Answer:
    Query(call.query, ())
    fields = bodies.IDS.read(call.content_type, call.body)
    return _snapshot(call, _chosen(call.account, fields), EVERY_DAY)


def get_broadcast_failures(call: Call) -> Answer:
    window = Query(call.query, _DATES).window()
    groups = call.account.failures(call.account.broadcast(_path_integer(call)), call.now, window)
    return Answer(
        {
            "failures": [
                {"errorCode": code, "errorSource": source, "count": count} for (code, source), count in groups.items()
            ]
        }
    )


# --- recipients and exports -------------------------------------------------------------------------------------


def _selected(call: Call, broadcast: Broadcast, selection: recipients.Selection) -> tuple[Any, Sequence[int]]:
    """Recipients as of now, and the places of those that are selected."""
    audience = call.account.audience(broadcast, call.now)
    if audience is None:
        return None, ()
    seen = recipients.Seen(audience, audience.reached(call.now))
    places = call.views.places((call.account.name, broadcast.id), seen, selection, selection.window.end_by(call.now))
    return seen, places


def get_broadcast_recipients(call: Call) -> Answer:
    names = (*_PAGE, *_DATES, "filters[deliverability][]", "filters[engagement][]", "search", "order[field]")
    query = Query(call.query, names)
    selection = recipients.Selection(
        window=query.window(),
        deliverability=query.choices("filters[deliverability][]", recipients.DELIVERABILITY, "deliverability filter"),
        engagement=query.choices("filters[engagement][]", recipients.ENGAGEMENT, "engagement filter"),
        search=query.text("search") or "",
        order=query.choice("order[field]", recipients.COLUMNS, "order field"),
    )
    guesses = call.account.guesses
    rows = query.page(guesses)
    seen, places = _selected(call, call.account.broadcast(_path_integer(call)), selection)
    if guesses.order == "newest" and selection.order is None:
        places = places[::-1]
    page = [recipients.to_json(seen, place) for place in places[rows]]
    meta = {"total": len(places), "limit": rows.stop - rows.start, "offset": rows.start}
    return Answer({"recipients": page, "meta": meta})


def export_broadcast_metrics(call: Call) -> Answer:
    Query(call.query, ())
    chosen = _chosen(call.account, bodies.IDS.read(call.content_type, call.body))
    header = ("id", "name", "status", "sent_date", "sends", "deliveries", "failures", "clicks", "replies", "optOuts")

    def row(broadcast: Broadcast) -> Sequence[object]:
        shown = call.account.json(broadcast, call.now)
        counts = call.account.counts(broadcast, call.now)
        return (
            broadcast.id,
            broadcast.name,
            shown["status"],
            shown["sent_date"] or "",
            counts.sends,
            counts.deliveries,
            counts.failures,
            counts.clicks,
            counts.replies,
            counts.opt_outs,
        )

    return Answer(csv_header=header, csv_rows=map(row, chosen))


def export_broadcast_recipients(call: Call) -> Answer:
    Query(call.query, ())
    broadcast = call.account.broadcast(_path_integer(call))
    fields = bodies.RECIPIENT_EXPORT.read(call.content_type, call.body)
    order, descending = _export_order(fields.get("order", {}))
    selection = recipients.Selection(
        window=Window(parse_date(fields.get("start_date", "")), parse_date(fields.get("end_date", ""))),
        deliverability=frozenset(fields.get("deliverability", ())),
        engagement=frozenset(fields.get("engagement", ())),
        search=fields.get("search", ""),
        order=order,
        descending=descending,
    )
    seen, places = _selected(call, broadcast, selection)
    return Answer(csv_header=recipients.CSV_COLUMNS, csv_rows=recipients.to_rows(seen, places))


def _export_order(order: dict[str, Any]) -> tuple[str | None, bool]:
    """The document leaves its shape open: {"field": column} as in the query, or {column: "ASC" or "DESC"}."""
    if not order:
        return None, False
    if len(order) == 1:
        (name, value), *_ = order.items()
        if name == "field" and value in recipients.COLUMNS:
            return value, False
        if name in recipients.COLUMNS and value in ("ASC", "DESC"):
            return name, value == "DESC"
    raise bad_body([("/order", "field_invalid", 'The field order must be {"field": column} or {column: "ASC"}.')])
