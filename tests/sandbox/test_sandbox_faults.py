"""Faults: how they are said, which requests they take, and what they do to an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import fields_dict

from ac_sms_async.sandbox import Fault, Faults
from ac_sms_async.sandbox.faults import KINDS
from ac_sms_async.sandbox.faults.answers import ERROR_BODIES
from tests.sandbox.served import Served

# --- saying them, and when they strike --------------------------------------------------------------------------


def test_a_fault_is_said_in_python_text_or_json() -> None:
    made = Fault("429", "getBroadcastMetrics", retry_after="2", nth=3)
    said = Fault.parse("getBroadcastMetrics:429:retry_after=2:nth=3")
    told = Fault.from_dict({"kind": 429, "operation": "getBroadcastMetrics", "retry_after": 2, "nth": "3"})
    assert made.to_dict() == said.to_dict() == told.to_dict()
    assert made.to_dict() == {
        "kind": "429", "operation": "getBroadcastMetrics", "nth": 3, "applied": False, "body": "message",
        "retry_after": "2", "id": 0, "seen": 0, "hits": 0,
    }  # fmt: skip
    assert "getBroadcastMetrics" in repr(made)
    assert Fault.from_dict({"kind": "slow", "seconds": 1}).to_dict()["seconds"] == 1.0


def test_values_may_hold_colons() -> None:
    fault = Fault.parse("*:redirect:to=http://127.0.0.1:9/a:status=307:applied=yes")
    assert fault.to_dict()["to"] == "http://127.0.0.1:9/a"
    assert (fault.to_dict()["status"], fault.applied) == (307, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("429", "not a fault"),
        ("*:nonsense", "no such fault"),
        ("*:status", "no such fault"),
        ("nothing:429", "no such operation"),
        ("*:429:colour=red", "has no parameter 'colour'; it has status, body, retry_after"),
        ("*:hang_up:after=1", "it has none"),
        ("*:slow:seconds=long", "seconds must be a number"),
        ("*:slow:seconds=-1", "seconds"),
        ("*:200", "status"),
        ("*:500:body=novel", "body"),
        ("*:500:nth=0", "nth counts from 1"),
        ("*:500:count=x", "count must be a number"),
        ("*:500:probability=2", "probability"),
        ("*:500:applied=perhaps", "applied must be true or false"),
    ],
)
def test_what_is_no_fault_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault.parse(text)


@pytest.mark.parametrize(("value", "message"), [({}, "needs a kind"), ({"kind": "500", "operation": 1}, "operation")])
def test_json_that_is_no_fault_is_refused(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault.from_dict(value)


def strikes(requests: int = 10, **when: Any) -> list[int]:
    fault = Faults().add("500", **when)
    return [number for number in range(1, requests + 1) if fault.takes("listBroadcasts", "acme")]


def test_when_it_strikes() -> None:
    assert strikes() == list(range(1, 11))
    assert strikes(nth=3) == [3]
    assert strikes(every=4) == [4, 8]
    assert strikes(count=2) == [1, 2]
    assert strikes(every=2, count=3) == [2, 4, 6]
    assert strikes(probability=0) == []
    assert strikes(probability=1) == list(range(1, 11))
    assert strikes(operation="getBroadcast") == strikes(account="globex") == []
    assert strikes(operation="listBroadcasts", account="acme", nth=1) == [1]


def test_chance_is_the_same_in_every_run() -> None:
    hits = strikes(1000, probability=0.3)
    assert hits == strikes(1000, probability=0.3)
    assert 250 < len(hits) < 350


def test_the_list_of_faults() -> None:
    faults = Faults(["*:slow:seconds=0", Fault("500")])
    third = faults.add("reset", "getBroadcast", nth=2)
    assert [fault.id for fault in faults] == [1, 2, 3]
    assert [fault.name for fault in faults.take("listBroadcasts", "acme")] == ["slow", "500"]
    assert third.seen == 0
    faults.remove(third)
    assert len(faults) == 2
    faults.clear()
    assert not list(faults)


# --- other answers ----------------------------------------------------------------------------------------------


def test_an_error_with_every_known_body(served: Served) -> None:
    for body, (content_type, content) in ERROR_BODIES.items():
        fault = served.sandbox.faults.add("503", body=body)
        answer = served.http.get("/sms/credits")
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (503, content_type, content)
        assert "retry-after" not in answer.headers
        served.sandbox.faults.remove(fault)


def test_every_form_of_retry_after(served: Served) -> None:
    def header(form: str) -> str | None:
        fault = served.sandbox.faults.add(Fault("429", retry_after=form))
        answer = served.http.get("/sms/credits")
        served.sandbox.faults.remove(fault)
        assert answer.status_code == 429
        if "+" in form:
            dates = (answer.headers["retry-after"], answer.headers["date"])
            asked, now = (parsedate_to_datetime(each).replace(tzinfo=UTC) for each in dates)
            wait = asked - now
            assert 29 <= wait.total_seconds() <= 31
        value: str | None = answer.headers.get("retry-after")
        return value

    assert header("") == "1"
    assert [header(form) for form in ("7", "1.5", "-1", "soon", "99999999")] == ["7", "1.5", "-1", "soon", "99999999"]
    assert header("none") is None
    assert str(header("date+30")).endswith(" GMT")
    assert "-" in str(header("rfc850+30"))
    assert "GMT" not in str(header("asctime+30"))


def test_successes_that_are_none(served: Served) -> None:
    right = served.http.get("/sms/broadcasts/1").content

    def bent(text: str) -> tuple[str, bytes]:
        fault = served.sandbox.faults.add(text)
        answer = served.http.get("/sms/broadcasts/1")
        served.sandbox.faults.remove(fault)
        assert answer.status_code == 200
        return answer.headers["content-type"], answer.content

    assert bent("*:html")[1].startswith(b"<html>")
    assert bent("*:empty") == ("application/json", b"")
    assert bent("*:text") == ("text/plain", right)
    assert bent("*:two") == ("application/json", right + b'{"success":0}')
    assert bent("*:malformed") == ("application/json", right[: len(right) // 2])
    assert [json.loads(bent(f"*:failure:value={form}")[1])["success"] for form in ("0", "false", "text")] == [
        0, False, "0",
    ]  # fmt: skip


def test_a_redirect_elsewhere(served: Served) -> None:
    served.sandbox.faults.add("redirect", to="https://example.com/", status=308)
    answer = served.http.get("/sms/credits")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://example.com/")


def test_a_write_is_carried_out_only_where_the_fault_says_so(served: Served) -> None:
    fault = served.sandbox.faults.add("500", "createBroadcast")
    assert served.post("/sms/broadcasts", 500, name="a", body="b")["message"]
    assert served.get("/sms/broadcasts")["meta"] == {"total": 30}
    served.sandbox.faults.remove(fault)
    served.sandbox.faults.add("500", "createBroadcast", applied=True)
    served.post("/sms/broadcasts", 500, name="a", body="b")
    assert served.get("/sms/broadcasts")["meta"] == {"total": 31}


def test_faults_for_everything_also_take_paths_that_lead_nowhere(served: Served) -> None:
    served.sandbox.faults.add("503", nth=1)
    for text in ("*:insert", "*:delete", "*:cap", "*:ignore_offset", "*:refuse_ids", "*:ai"):
        served.sandbox.faults.add(text)
    served.get("/sms/quiet_hours", 503)
    served.get("/sms/quiet_hours", 404)


def test_several_faults_take_one_request(served: Served) -> None:
    served.sandbox.faults.add("types", form="strings")
    served.sandbox.faults.add("total", form="missing")
    served.sandbox.faults.add("text")
    answer = served.http.get("/sms/broadcasts", params={"limit": 1})
    assert answer.headers["content-type"] == "text/plain"
    assert answer.json()["broadcasts"][0]["id"] == "1"
    assert answer.json()["meta"] == {}
    assert next(iter(served.sandbox.journal)).faults == ("types", "total", "text")


# --- lists that move --------------------------------------------------------------------------------------------


def test_broadcasts_appear_and_disappear(served: Served) -> None:
    served.sandbox.faults.add("insert", "listBroadcasts", rows=2, status="sent", nth=2)
    served.sandbox.faults.add("delete", "listBroadcasts", rows=2, at=1, nth=3)
    pages = [[row["id"] for row in served.get("/sms/broadcasts", limit=4)["broadcasts"]] for _ in range(3)]
    assert pages == [[1, 2, 3, 4], [32, 31, 1, 2], [32, 2, 3, 4]]
    assert served.get("/sms/broadcasts/32")["status"] == "sent"
    served.get("/sms/broadcasts/31", 404)
    served.sandbox.faults.add("insert", "listBroadcasts", status="draft")
    assert served.get("/sms/broadcasts")["broadcasts"][0]["status"] == "draft"


def test_lists_appear_and_disappear(served: Served) -> None:
    served.sandbox.faults.add("insert", "listBroadcastLists", nth=1)
    served.sandbox.faults.add("delete", "listBroadcastLists", nth=2, at=1)
    found = [[row["id"] for row in served.get("/sms/lists", limit=3)["lists"]] for _ in range(2)]
    assert found == [[13, 1, 2], [13, 2, 3]]


def test_recipients_appear_and_disappear_and_still_add_up(served: Served) -> None:
    path = "/sms/broadcasts/1/recipients"
    before = [row["id"] for row in served.get(path, limit=3)["recipients"]]
    served.sandbox.faults.add("insert", "getBroadcastRecipients", nth=1, rows=2)
    served.sandbox.faults.add("delete", "getBroadcastRecipients", nth=2, at=2)
    after = [[row["id"] for row in served.get(path, limit=5)["recipients"]] for _ in range(2)]
    assert after[0][2:] == before
    assert after[1][:4] == [*after[0][:2], *before[1:]]
    rows = served.pages(path, "recipients")
    assert len(rows) == 501
    found = served.post("/sms/broadcasts/metrics", ids=[1])["metrics"][0]
    assert (found["sends"], found["clicks"]) == (501, sum(row["clicks"] for row in rows))
    assert len(served.pages(path, "recipients", **{"order[field]": "name"})) == 501
    draft = served.post("/sms/broadcasts", 201, name="a", body="b")["id"]
    for kind in ("insert", "delete"):
        served.sandbox.faults.add(kind, "getBroadcastRecipients")
    assert served.get(f"/sms/broadcasts/{draft}/recipients")["meta"]["total"] == 0


def test_pages_that_are_not_as_asked(served: Served) -> None:
    served.sandbox.faults.add("cap", "getBroadcastRecipients", limit=3)
    capped = served.get("/sms/broadcasts/1/recipients", limit=100, offset=1)
    assert (len(capped["recipients"]), capped["meta"]) == (3, {"total": 500, "limit": 3, "offset": 1})
    assert len(served.get("/sms/broadcasts/1/recipients", limit=2)["recipients"]) == 2
    assert len(served.get("/sms/broadcasts/1/recipients")["recipients"]) == 3
    served.sandbox.faults.add("ignore_offset")
    assert served.get("/sms/broadcasts", offset=10)["broadcasts"][0]["id"] == 1
    assert served.get("/sms/credits")
    # What is wrong is still refused.
    served.get("/sms/broadcasts", 422, limit="x", colour="red")


@pytest.mark.parametrize(
    ("form", "meta"),
    [
        ("high", {"total": 280}),
        ("low", {"total": 15}),
        ("zero", {"total": 0}),
        ("string", {"total": "30"}),
        ("float", {"total": 30.0}),
        ("null", {"total": None}),
        ("missing", {}),
        ("no_meta", None),
    ],
)
def test_totals_that_are_wrong(served: Served, form: str, meta: object) -> None:
    served.sandbox.faults.add("total", form=form)
    assert served.get("/sms/broadcasts").get("meta") == meta
    assert "meta" not in served.get("/sms/credits")


def test_ids_that_are_refused(served: Served) -> None:
    served.sandbox.faults.add("refuse_ids", id=7, status=422)
    served.sandbox.faults.add("refuse_ids", most=3)
    served.post("/sms/broadcasts/metrics", 422, ids=[1, 7])
    served.post("/sms/broadcasts/metrics", 400, ids=[1, 2, 3, 4])
    assert len(served.post("/sms/broadcasts/metrics", ids=[1, 2, 3])["metrics"]) == 3
    served.post("/sms/broadcasts/metrics", 400, ids="x")
    assert served.get("/sms/credits")


# --- bent payloads ----------------------------------------------------------------------------------------------


def test_types(serve: Callable[..., Served]) -> None:
    served = serve(seed=7, broadcasts=1, recipients=1)

    def bent(path: str, **params: str) -> Any:
        fault = served.sandbox.faults.add("types", **params)
        answer = served.get(path)
        served.sandbox.faults.remove(fault)
        return answer

    path = "/sms/broadcasts/1"
    assert bent(path)["id"] == "1"
    assert bent(path)["shorten_track_links_enabled"] in ("0", "1")
    assert bent(path, form="numbers")["shorten_track_links_enabled"] in (0, 1)
    assert type(bent(path, form="numbers")["sent_to_count"]) is float
    nulls = bent(path, form="nulls")
    assert nulls["id"] == 1
    assert all(value in (None, [None]) for name, value in nulls.items() if name != "id")
    assert bent(path, form="empty")["sent_date"] == ""
    assert bent(path, form="nonsense", fields="body, status")["status"] == {"unexpected": [True]}
    containers = bent(f"{path}/recipients", form="containers")["recipients"][0]
    assert (containers["details"], containers["replies"]) == ([], {})
    assert containers["clicks"] == served.get(f"{path}/recipients")["recipients"][0]["clicks"]


@pytest.mark.parametrize(
    ("form", "broadcast", "recipient"),
    [
        ("naive", "2026-01-04 15:20:04", "2026-01-04 15:20:02"),
        ("naive_t", "2026-01-04T15:20:04", "2026-01-04T15:20:02"),
        ("offset", "2026-01-04T15:20:04-06:00", "2026-01-04T15:20:02-06:00"),
        ("z", "2026-01-04T21:20:04Z", "2026-01-04T21:20:02Z"),
        ("minus_zero", "2026-01-04T21:20:04-00:00", "2026-01-04T21:20:02-00:00"),
        ("fraction", "2026-01-04T21:20:04.123456Z", "2026-01-04T21:20:02.123456Z"),
        ("day", "2026-01-04", "2026-01-04"),
        ("epoch", 1767561604, 1767561602),
        ("zero", "0000-00-00", "0000-00-00"),
        ("zero_time", "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        ("empty", "", ""),
        ("garbage", "next Tuesday", "next Tuesday"),
    ],
)
def test_dates(serve: Callable[..., Served], form: str, broadcast: object, recipient: object) -> None:
    served = serve(seed=7, broadcasts=1, recipients=120)
    served.sandbox.faults.add("dates", form=form)
    found = served.get("/sms/broadcasts/1")
    assert (found["sent_date"], found["deleted_at"]) == (broadcast, None)
    assert served.get("/sms/broadcasts/1/recipients")["recipients"][0]["sentDate"] == recipient


def test_other_payloads(served: Served) -> None:
    def bent(text: str, path: str = "/sms/broadcasts") -> Any:
        fault = served.sandbox.faults.add(text)
        answer = served.get(path)
        served.sandbox.faults.remove(fault)
        return answer

    assert {row["status"] for row in bent("*:unknown_status")["broadcasts"]} == {"archived"}
    extra = bent("*:extra")
    assert extra["broadcasts"][0]["quiet_hours"] == extra["quiet_hours"] != None  # noqa: E711 - what it is doesn't matter
    assert "id" not in bent("*:drop")["broadcasts"][0]
    assert bent("*:drop:fields=broadcasts,meta") == {}
    assert bent("*:rows:form=null")["broadcasts"] is None
    assert "broadcasts" not in bent("*:rows:form=missing")
    assert bent("*:rows")["broadcasts"]["0"]["id"] == 1
    assert bent("*:rows", "/sms/credits") == bent("*:wrap", "/sms/credits") == served.get("/sms/credits")
    assert bent("*:wrap", "/sms/broadcasts/1") == {"broadcast": served.get("/sms/broadcasts/1")}


def test_ai_that_never_ends_fails_or_loses_its_broadcast(served: Served) -> None:
    body = {"source": "ai_index", "prompt": "a", "tone": "b"}
    path = f"/sms/broadcasts/ai/{served.post('/sms/broadcasts/ai', **body)['requestId']}"
    served.sandbox.clock.advance(100)
    for form, status in (("stuck", "in_progress"), ("error", "error"), ("no_id", "success")):
        fault = served.sandbox.faults.add("ai", form=form)
        assert served.get(path) == {"source": "ai_index", "status": status, "broadcastId": None}
        assert "status" not in served.get("/sms/credits")
        served.sandbox.faults.remove(fault)
    assert served.get(path)["broadcastId"] == 31


def test_every_kind_and_what_it_takes_is_on_the_page_about_it() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/sandbox.md").read_text("utf-8")
    rows = {row.split("|")[1].strip(" `"): row for row in page.splitlines() if row.startswith("| `")}
    for name, kind in KINDS.items():
        for parameter in fields_dict(kind):
            assert f"`{parameter}`" in rows[name], f"{parameter} of {name}"
    assert all(f"`{body}`" in page for body in ERROR_BODIES)
