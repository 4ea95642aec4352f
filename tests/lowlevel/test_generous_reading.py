"""Reading generously: what is wrong in one field costs at most that field, never the row; what is unread stays raw."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ac_sms_async.lowlevel.api.exports import export_broadcast_metrics
from ac_sms_async.lowlevel.models import (
    BroadcastIds,
    BroadcastMessage,
    BroadcastMetrics,
    PageMeta,
    Recipient,
    SmsCredits,
)
from ac_sms_async.lowlevel.operations import OPERATIONS
from ac_sms_async.lowlevel.types import DecodeError
from tests.lowlevel.answers import ANSWERS, BROADCAST, CHICAGO, METRICS, RECIPIENT, decode

NOON = datetime(2026, 2, 26, 18, tzinfo=UTC)


def broadcast(**changes: Any) -> BroadcastMessage:
    return BroadcastMessage.from_dict({**BROADCAST, **changes}, CHICAGO)


def recipient(**changes: Any) -> Recipient:
    return Recipient.from_dict({**RECIPIENT, **changes}, CHICAGO)


def test_there_is_an_answer_to_every_operation() -> None:
    assert set(ANSWERS) == {name for name in OPERATIONS if not name.startswith("export")}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_valid_answer_comes_back_whole(name: str) -> None:
    model = decode(name, ANSWERS[name])
    # `meta` has more fields than every page's own document says.
    assert model.to_dict() == ANSWERS[name]
    assert model.unparsed == model.extra == {}
    assert decode(name, model.to_dict()) == model


INT_REPAIRS: list[tuple[Any, int | None]] = [
    (5, 5),
    (0, 0),
    (-3, -3),
    ("5", 5),
    (" 5 ", 5),
    ("+5", 5),
    ("-5", -5),
    ("007", 7),
    ("5.00", 5),
    (5.0, 5),
    (None, None),
    ("", None),
]
INT_LEFT_RAW: list[Any] = [
    True,
    False,
    5.5,
    float("nan"),
    float("inf"),
    1e300,
    "five",
    "5.5",
    "1,234",
    "1e3",
    "٤٢",
    "0x5",
    "5" * 20,
    "5" * 5000,
    "\ud800",
    [5],
    {"5": 5},
]


@pytest.mark.parametrize(("value", "number"), INT_REPAIRS)
def test_whole_numbers_are_repaired(value: Any, number: int | None) -> None:
    model = broadcast(sent_to_count=value)
    assert model.sent_to_count == number
    assert type(model.sent_to_count) is type(number)
    assert model.unparsed == {}


@pytest.mark.parametrize("value", INT_LEFT_RAW, ids=lambda value: repr(value)[:20])
def test_what_is_no_whole_number_stays_raw(value: Any) -> None:
    model = broadcast(sent_to_count=value)
    assert model.sent_to_count is None
    assert model.unparsed == {"sent_to_count": value}
    assert model.to_dict()["sent_to_count"] is value


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), ("", ""), (5, "5"), (5.5, "5.5"), (None, None), ("\ud800", "\ud800"), (-(2**62), str(-(2**62)))],
)
def test_texts_are_repaired(value: Any, text: str | None) -> None:
    model = broadcast(segment_id=value, status=value)
    assert (model.segment_id, model.status, model.unparsed) == (text, text, {})


@pytest.mark.parametrize("value", [True, [], ["x"], {}, 10**30, 10**5000, float("nan"), float("-inf")], ids=type)
def test_what_is_no_text_stays_raw(value: Any) -> None:
    model = broadcast(name=value)
    assert model.name is None
    assert model.unparsed == {"name": value}


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        *((value, True) for value in (True, 1, "1", "true", "TRUE", "yes", " on ")),
        *((value, False) for value in (False, 0, "0", "false", "No", "off")),
        *((value, None) for value in (None, "")),
    ],
)
def test_flags_are_repaired(value: Any, flag: bool | None) -> None:
    model = broadcast(shorten_track_links_enabled=value)
    assert model.shorten_track_links_enabled is flag
    assert model.unparsed == {}


@pytest.mark.parametrize("value", [2, -1, 0.5, "maybe", [], {}, ["1"], float("nan"), 10**400], ids=type)
def test_what_is_no_flag_stays_raw(value: Any) -> None:
    model = broadcast(shorten_track_links_enabled=value)
    assert model.shorten_track_links_enabled is None
    assert model.unparsed == {"shorten_track_links_enabled": value}


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-26T12:00:00-06:00",
        "2026-02-26T12:00:00-0600",
        "2026-02-26T18:00:00Z",
        "2026-02-26T18:00:00+00:00",
        "2026-02-26T18:00:00-00:00",
        "2026-02-26T18:00:00.000000Z",
        "2026-02-26 12:00:00",
        "2026-02-26T12:00:00",
        " 2026-02-26 12:00:00 ",
        "2026-02-26 12:00",
    ],
)
def test_moments_are_read_in_every_form(value: str) -> None:
    model = broadcast(sent_date=value)
    assert model.sent_date is not None
    assert model.sent_date.tzinfo is not None
    assert model.sent_date == NOON
    assert model.unparsed == {}


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "  ",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0000-00-00T00:00:00-06:00",
        "-0001-11-30T00:00:00-06:00",
    ],
)
def test_no_moment_is_none(value: Any) -> None:
    model = broadcast(sent_date=value, scheduled_date=value)
    assert (model.sent_date, model.scheduled_date, model.unparsed) == (None, None, {})


@pytest.mark.parametrize(
    "value",
    ["soon", "2026-02-30 12:00:00", "26/02/2026", "\ud800", 1772128800, 1.5, True, [], {}, ["2026-02-26"]],
    ids=repr,
)
def test_what_is_no_moment_stays_raw(value: Any) -> None:
    model = broadcast(sent_date=value)
    assert model.sent_date is None
    assert model.unparsed == {"sent_date": value}
    assert model.to_dict()["sent_date"] == value


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ([1, 2], [1, 2]),
        ([], []),
        (["1", 2.0], [1, 2]),
        ({}, []),
        ({"1": 5, "3": "6"}, [5, 6]),
        (None, None),
        ("", None),
    ],
)
def test_lists_of_numbers_are_repaired(value: Any, numbers: list[int] | None) -> None:
    model = broadcast(list_ids=value, label_ids=value)
    assert (model.list_ids, model.label_ids, model.unparsed) == (numbers, numbers, {})


@pytest.mark.parametrize(
    ("value", "readable"),
    [([1, "x", 2], [1, 2]), ([None], []), ([[1]], []), ("1,2", None), (5, None), ({"a": 1}, None), (False, None)],
)
def test_a_list_with_something_unreadable_in_it_stays_raw_as_well(value: Any, readable: list[int] | None) -> None:
    model = broadcast(list_ids=value)
    assert model.list_ids == readable
    assert model.unparsed == {"list_ids": value}
    assert model.to_dict()["list_ids"] is value


def test_lists_of_texts_are_repaired() -> None:
    assert broadcast(media_urls={"0": "https://x"}).media_urls == ["https://x"]
    assert broadcast(media_urls=["https://x", 5]).media_urls == ["https://x", "5"]
    assert broadcast(media_urls=["https://x", None]).unparsed == {"media_urls": ["https://x", None]}


REPLIES: list[tuple[Any, list[str | None] | None]] = [
    ([], []),
    ({}, []),
    (None, None),
    ("", None),
    ([{"message": "a"}, {"message": 5}], ["a", "5"]),
    ({"0": {"message": "a"}}, ["a"]),
    ({"x": {"message": "a"}, "y": []}, None),
    ([[]], [None]),
]


@pytest.mark.parametrize(("value", "messages"), REPLIES)
def test_lists_of_objects_are_repaired(value: Any, messages: list[str | None] | None) -> None:
    model = recipient(replies=value)
    assert (None if model.replies is None else [reply.message for reply in model.replies]) == messages
    assert bool(model.unparsed) is (isinstance(value, dict) and "y" in value)


def test_one_bad_reply_does_not_cost_the_others() -> None:
    value = [{"message": "a"}, "b", {"message": "c", "date": "soon"}]
    model = recipient(replies=value)
    assert model.replies is not None
    assert [reply.message for reply in model.replies] == ["a", "c"]
    assert model.replies[1].unparsed == {"date": "soon"}
    assert model.unparsed == {"replies": value}


@pytest.mark.parametrize(
    ("value", "code"),
    [({"errorCode": 30003}, "30003"), ({}, None), ([], None), ({"errorCode": None}, None)],
)
def test_objects_are_repaired(value: Any, code: str | None) -> None:
    model = recipient(details=value)
    assert model.details is not None
    assert (model.details.error_code, model.unparsed) == (code, {})


@pytest.mark.parametrize("value", [None, ""])
def test_no_object_is_none(value: Any) -> None:
    model = recipient(details=value)
    assert (model.details, model.unparsed) == (None, {})


@pytest.mark.parametrize("value", ["x", 5, [1], True])
def test_what_is_no_object_stays_raw(value: Any) -> None:
    model = recipient(details=value)
    assert (model.details, model.unparsed) == (None, {"details": value})


def test_missing_fields_are_none() -> None:
    model = BroadcastMessage.from_dict({"id": 1}, CHICAGO)
    assert model == BroadcastMessage(id=1)
    assert Recipient.from_dict({"id": 1, "x": 2}, CHICAGO) == Recipient(id=1, extra={"x": 2})


def test_unknown_fields_and_values_survive_a_round_trip() -> None:
    extra = {"quiet_hours": {"start": "21:00"}, "": [1]}
    model = broadcast(status="paused", **extra)
    assert (model.status, model.extra, model.unparsed) == ("paused", extra, {})
    assert model.to_dict() == {**BROADCAST, "status": "paused", **extra}
    # One more and one less is as many as ever.
    swapped = {name: value for name, value in {**BROADCAST, "new": 1}.items() if name != "body"}
    assert BroadcastMessage.from_dict(swapped, CHICAGO).extra == {"new": 1}
    nested = recipient(details={"new": 1}, replies=[{"message": "a", "new": 2}])
    assert nested.details is not None
    assert nested.replies is not None
    assert (nested.details.extra, nested.replies[0].extra) == ({"new": 1}, {"new": 2})


def test_what_is_unread_is_read_again_from_a_round_trip() -> None:
    model = broadcast(sent_date="soon", list_ids=[1, "x"], name=[], more=1)
    assert BroadcastMessage.from_dict(model.to_dict(), CHICAGO) == model


def test_a_field_called_extra_is_not_the_unknown_fields() -> None:
    credits = SmsCredits.from_dict({"extra": "9040", "new": 1}, CHICAGO)
    assert (credits.extra_credits, credits.extra) == (9040, {"new": 1})
    assert credits.to_dict()["extra"] == 9040


@pytest.mark.parametrize("value", [7, "7", 7.0, "7.0"])
def test_ids_of_rows_are_repaired(value: Any) -> None:
    assert broadcast(id=value).id == 7


UNUSABLE_IDS: list[Any] = [None, "", 0, -1, "0", True, 1.5, "x", [], {}, [7], 2**63, "9" * 19, float("nan"), 10**400]


@pytest.mark.parametrize("value", UNUSABLE_IDS, ids=lambda value: repr(value)[:20])
def test_an_unusable_id_is_an_error_where_the_object_is_all_there_is(value: Any) -> None:
    for name in ("getBroadcast", "createBroadcast", "updateBroadcast"):
        with pytest.raises(DecodeError) as caught:
            decode(name, {**BROADCAST, "id": value})
        assert caught.value.path == "$.id"


@pytest.mark.parametrize(
    ("name", "key", "row"),
    [
        ("listBroadcasts", "broadcasts", BROADCAST),
        ("listBroadcastLists", "lists", {"id": 1}),
        ("getBroadcastMetrics", "metrics", METRICS),
        ("getBroadcastRecipients", "recipients", RECIPIENT),
    ],
)
def test_a_row_without_a_usable_id_is_kept_raw_and_costs_no_other(name: str, key: str, row: Any) -> None:
    without = {field: value for field, value in row.items() if field != "id"}
    bad = [without, *({**row, "id": value} for value in UNUSABLE_IDS), None, "x", 5, [], [row], True]
    first, last = {**row, "id": 1}, {**row, "id": 2}
    page = decode(name, {key: [first, *bad, last]})
    assert [one.id for one in getattr(page, key)] == [1, 2]
    assert page.unreadable == bad
    assert page.to_dict()[key][2:] == bad


@pytest.mark.parametrize("key", ["listBroadcasts", "getBroadcastMetrics"])
@pytest.mark.parametrize("shape", ["list", "numbered", "named", "by id"])
def test_rows_come_as_a_list_or_as_what_php_makes_of_one(key: str, shape: str) -> None:
    rows = [{"id": 3, "name": "a"}, {"id": 1, "name": "b"}]
    wrapped: Any = {
        "list": rows,
        "numbered": {"0": rows[0], "2": rows[1]},
        "named": {"a": rows[0], "b": rows[1]},
        "by id": {str(row["id"]): row for row in rows},
    }[shape]
    name = "broadcasts" if key == "listBroadcasts" else "metrics"
    page = decode(key, {name: wrapped})
    assert [row.id for row in getattr(page, name)] == [3, 1]
    assert page.unreadable == []


@pytest.mark.parametrize("value", [[], {}, None, ""])
def test_no_rows_are_no_rows(value: Any) -> None:
    page = decode("listBroadcasts", {"broadcasts": value, "meta": []})
    assert (page.broadcasts, page.unreadable, page.meta) == ([], [], PageMeta())


def test_failures_have_no_ids_and_need_none() -> None:
    page = decode("getBroadcastFailures", {"failures": [{"errorCode": 30003}, [], {}, "x"]})
    assert [failure.error_code for failure in page.failures] == ["30003", None, None]
    assert page.unreadable == ["x"]


@pytest.mark.parametrize("total", [5, "5", 5.0])
def test_a_total_is_a_number_in_any_form(total: Any) -> None:
    meta = decode("listBroadcasts", {"broadcasts": [], "meta": {"total": total, "page": 1}}).meta
    assert (meta.total, meta.limit, meta.extra) == (5, None, {"page": 1})


@pytest.mark.parametrize("value", [{}, [], None, ""])
def test_an_empty_object_in_an_envelope_has_nothing_in_it(value: Any) -> None:
    assert decode("getSmsCreditData", {"smsCredits": value}).sms_credits == SmsCredits()
    assert decode("getBroadcastSnapshot", {"snapshot": value}).snapshot.sends is None


NO_OBJECTS: list[Any] = [None, "", "text", 5, True, [1], 1.5]
ENVELOPES = {
    "listBroadcasts": "broadcasts",
    "listBroadcastLists": "lists",
    "getBroadcastMetrics": "metrics",
    "getBroadcastFailures": "failures",
    "getBroadcastRecipients": "recipients",
    "getBroadcastSnapshot": "snapshot",
    "getBroadcastSnapshotByIds": "snapshot",
    "getSmsCreditData": "smsCredits",
    "createAIBroadcast": "requestId",
    "updateAIBroadcast": "requestId",
}


@pytest.mark.parametrize(("name", "key"), ENVELOPES.items())
@pytest.mark.parametrize("value", [{}, [], {"success": 0, "message": "no"}])
def test_an_answer_without_its_envelope_is_an_error_that_names_it(name: str, key: str, value: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(name, value)
    assert (caught.value.path, caught.value.message) == (f"$.{key}", "is missing")


@pytest.mark.parametrize(("name", "key"), ENVELOPES.items())
@pytest.mark.parametrize("value", [True, float("nan"), False])
def test_an_envelope_with_something_else_in_it_is_an_error_that_names_it(name: str, key: str, value: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(name, {key: value})
    assert caught.value.path == f"$.{key}"


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - {"deleteBroadcast", "getAIBroadcastStatus"}))
@pytest.mark.parametrize("value", NO_OBJECTS)
def test_what_is_no_object_is_an_error_at_the_root(name: str, value: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(name, value)
    assert caught.value.path == "$"
    assert "not an object" in caught.value.message


@pytest.mark.parametrize("name", ["getBroadcast", "createBroadcast", "updateBroadcast", "deleteBroadcast"])
def test_one_broadcast_may_come_wrapped(name: str) -> None:
    assert decode(name, {"broadcast": BROADCAST}) == decode(name, BROADCAST)
    with pytest.raises(DecodeError) as caught:
        decode(name, {"broadcast": {"name": "x"}})
    assert caught.value.path == "$.broadcast.id"
    with pytest.raises(DecodeError) as caught:
        decode(name, {"broadcast": {"broadcast": BROADCAST}})
    assert caught.value.path == "$.broadcast.id"
    # A field of that name is no wrapper.
    assert decode(name, {"id": 1, "broadcast": {"id": 2}}).id == 1


@pytest.mark.parametrize("value", [None, "", [], {}, {"message": "Deleted"}, {"success": 1}])
def test_a_delete_may_answer_without_the_broadcast(value: Any) -> None:
    assert decode("deleteBroadcast", value) is None


@pytest.mark.parametrize(("value", "path"), [({"id": "x"}, "$.id"), ("text", "$"), ([1], "$"), (5, "$")])
def test_a_delete_that_answers_something_else_is_an_error(value: Any, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode("deleteBroadcast", value)
    assert caught.value.path == path


def test_an_object_is_no_list_of_rows() -> None:
    with pytest.raises(DecodeError, match=r"^\$\.broadcasts is of type dict, not a list$"):
        decode("listBroadcasts", {"broadcasts": {"id": 1, "name": "x"}})


def test_an_ai_request_has_an_id_in_words() -> None:
    assert decode("createAIBroadcast", {"requestId": 17}).request_id == "17"
    unusable: list[Any] = [None, "", True, [], 10**30]
    for value in unusable:
        with pytest.raises(DecodeError) as caught:
            decode("createAIBroadcast", {"requestId": value})
        assert caught.value.path == "$.requestId"


def test_an_ai_status_may_be_anything() -> None:
    assert decode("getAIBroadcastStatus", {}).status is None
    assert decode("getAIBroadcastStatus", []).status is None
    status = decode("getAIBroadcastStatus", {"status": "thinking", "broadcastId": "7"})
    assert (status.status, status.broadcast_id) == ("thinking", 7)


def test_an_export_is_text() -> None:
    request = export_broadcast_metrics.request(BroadcastIds(ids=[1]))
    assert request.decode("a,b\r\n", CHICAGO) == "a,b\r\n"
    with pytest.raises(DecodeError, match="not text"):
        request.decode({"a": 1}, CHICAGO)


def test_metrics_read_straight() -> None:
    assert BroadcastMetrics.from_dict(METRICS, CHICAGO) == BroadcastMetrics(
        id=42, sends=100, deliveries=97, replies=5, failures=3, opt_outs=2, clicks=31
    )
