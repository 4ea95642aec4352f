"""What the operations answer: lists, filters, orders, dates, metrics, recipients, exports."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.served import Served


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


# --- broadcasts -------------------------------------------------------------------------------------------------


def test_broadcasts_come_in_pages_of_20_and_at_most_100(serve: Callable[..., Served]) -> None:
    served = serve(broadcasts=130, recipients=10)
    first = served.get("/sms/broadcasts")
    assert ids(first["broadcasts"]) == list(range(1, 21))
    assert first["meta"] == {"total": 130}
    assert len(served.get("/sms/broadcasts", limit=500)["broadcasts"]) == 100
    assert ids(served.get("/sms/broadcasts", limit=3, offset=128)["broadcasts"]) == [129, 130]
    assert served.get("/sms/broadcasts", offset=10**30)["broadcasts"] == []
    assert len(served.pages("/sms/broadcasts", "broadcasts")) == 130


def test_broadcasts_by_name_status_and_type(served: Served) -> None:
    every = served.pages("/sms/broadcasts", "broadcasts")
    for status in ("draft", "scheduled", "sent", "pending_review", "sending"):
        found = served.get("/sms/broadcasts", **{"filters[status]": status, "limit": 100})
        assert found["broadcasts"] == [each for each in every if each["status"] == status] != []
        assert found["meta"]["total"] == len(found["broadcasts"])
    named = served.get("/sms/broadcasts", **{"filters[name]": "SALE", "limit": 100})["broadcasts"]
    assert named == [each for each in every if "sale" in each["name"].lower()] != []
    # A future feature: taken, without effect.
    assert served.get("/sms/broadcasts", **{"filters[type]": "mms"})["meta"] == {"total": 30}


def test_broadcasts_by_date(served: Served) -> None:
    every = served.pages("/sms/broadcasts", "broadcasts")
    sent = [each for each in every if each["status"] == "sent"]
    day = sent[3]["sent_date"][:10]
    found = served.pages("/sms/broadcasts", "broadcasts", start_date=day, end_date=day)
    assert sent[3] in found
    for each in found:
        assert (each["sent_date"] or each["created_at"])[:10] == day
    before = served.get("/sms/broadcasts", end_date=day)["meta"]["total"]
    after = served.get("/sms/broadcasts", start_date=day)["meta"]["total"]
    assert before + after == 30 + len(found)
    assert served.get("/sms/broadcasts", start_date="0001-01-01", end_date="9999-12-31")["meta"]["total"] == 30
    assert served.get("/sms/broadcasts", start_date="9999-12-31", end_date="0001-01-01")["meta"]["total"] == 0


def test_broadcasts_in_order(served: Served) -> None:
    def ordered(**orders: str) -> list[Any]:
        return served.pages("/sms/broadcasts", "broadcasts", **{f"orders[{name}]": way for name, way in orders.items()})

    every = ordered()
    assert ordered(field="DESC") == every[::-1]
    assert ordered(field="ASC") == every
    assert ordered(name="ASC") == sorted(every, key=lambda each: each["name"].lower())
    created = ordered(created_at="DESC")
    assert [each["created_at"] for each in created] == sorted((each["created_at"] for each in every), reverse=True)
    sent = [each["sent_date"] for each in ordered(sent_date="ASC")]
    known = [each for each in sent if each]
    assert sent == [None] * (len(sent) - len(known)) + sorted(known)
    both = ordered(status="ASC", id="DESC")
    assert both == sorted(every, key=lambda each: (each["status"], -each["id"]))


def test_a_broadcast_is_made_read_changed_and_deleted(served: Served) -> None:
    made = served.post(
        "/sms/broadcasts",
        201,
        name="Sale",
        body="20% off",
        list_ids=[3],
        media_urls=["https://example.com/a.png"],
        scheduled_date="2031-01-05T13:45:10-06:00",
        custom_segment_id="e3e70682-c209-1cac-a29f-6fbed82c07cd",
        status="draft",
    )
    path = f"/sms/broadcasts/{made['id']}"
    assert (made["id"], made["status"], made["list_ids"]) == (31, "draft", [3])
    assert made["scheduled_date"] == "2031-01-05T19:45:10+00:00"
    assert served.get(path) == made
    served.sandbox.clock.advance(60)
    changed = served.put(path, body="25% off")
    assert (changed["body"], changed["name"]) == ("25% off", "Sale")
    assert changed["updated_at"] > made["updated_at"]
    cleared = served.put(
        path, list_ids=None, media_urls=None, scheduled_date=None, shorten_track_links_enabled=None, label_ids=None
    )
    assert (cleared["list_ids"], cleared["media_urls"], cleared["scheduled_date"]) == ([], [], None)
    assert cleared["shorten_track_links_enabled"] is False
    gone = served.json("DELETE", path)
    assert gone["deleted_at"] is not None
    for method in ("GET", "PUT", "DELETE"):
        refused = served.json(method, path, 404, json={} if method == "PUT" else None)
        assert refused == {"message": "No Result found for Broadcast with id 31"}
    assert served.get("/sms/broadcasts")["meta"] == {"total": 30}
    assert served.post("/sms/broadcasts", 201, name="a", body="b")["id"] == 32


def test_lists(served: Served) -> None:
    found = served.get("/sms/lists", limit=5, offset=10)
    assert (ids(found["lists"]), found["meta"]) == ([11, 12], {"total": 12})
    assert found["lists"][0].keys() == {"id", "name", "subscriber_count"}
    assert [each["name"] for each in served.get("/sms/lists", **{"filters[name]": "vip"})["lists"]] == ["VIP"]


# --- metrics ----------------------------------------------------------------------------------------------------


def test_metrics_snapshots_failures_and_recipients_add_up(served: Served) -> None:
    metrics = served.post("/sms/broadcasts/metrics", ids=[*range(1, 31), 1, 77])["metrics"]
    assert ids(metrics) == list(range(1, 31))
    total: Counter[str] = Counter()
    for row in metrics:
        rows = served.pages(f"/sms/broadcasts/{row['id']}/recipients", "recipients")
        assert row == {
            "id": row["id"],
            "sends": len(rows),
            "deliveries": sum(each["deliverability"] == "delivered" for each in rows),
            "failures": sum(each["deliverability"] == "failed" for each in rows),
            "clicks": sum(each["clicks"] for each in rows),
            "replies": sum(len(each["replies"]) for each in rows),
            "optOuts": sum(each["optOut"] == "yes" for each in rows),
        }
        failures = served.get(f"/sms/broadcasts/metrics/{row['id']}/failures")["failures"]
        found = Counter(tuple(each["details"].values()) for each in rows if each["details"])
        assert {(each["errorCode"], each["errorSource"]): each["count"] for each in failures} == found
        total.update({"campaigns": row["sends"] > 0, **{name: row[name] for name in row if name != "id"}})
    assert served.get("/sms/broadcasts/metrics/snapshot") == {"snapshot": dict(total)}
    assert served.post("/sms/broadcasts/metrics/snapshot", ids=list(range(1, 31))) == {"snapshot": dict(total)}
    assert total["sends"] > 1000
    assert total["failures"] > 10


def test_metrics_of_nothing(served: Served) -> None:
    assert served.post("/sms/broadcasts/metrics") == {"metrics": []}
    assert set(served.post("/sms/broadcasts/metrics/snapshot")["snapshot"].values()) == {0}
    served.json("DELETE", "/sms/broadcasts/1")
    assert served.post("/sms/broadcasts/metrics", ids=[1]) == {"metrics": []}


def test_dates_choose_what_was_sent_on_them(served: Served) -> None:
    day = served.get("/sms/broadcasts/1")["sent_date"][:10]
    every = served.json("POST", "/sms/broadcasts/metrics", json={"ids": [1]})["metrics"]
    for start, end, expected in ((day, day, 500), ("2000-01-01", "2020-01-01", 0), (None, day, 500), (day, None, 500)):
        dates = {name: value for name, value in (("start_date", start), ("end_date", end)) if value}
        found = served.json("POST", "/sms/broadcasts/metrics", params=dates, json={"ids": [1]})["metrics"]
        assert found[0]["sends"] == expected
        assert expected == 0 or found == every
        assert served.get("/sms/broadcasts/1/recipients", **dates)["meta"]["total"] == expected
        failures = served.get("/sms/broadcasts/metrics/1/failures", **dates)["failures"]
        assert sum(each["count"] for each in failures) == found[0]["failures"]
        snapshot = served.get("/sms/broadcasts/metrics/snapshot", **dates)["snapshot"]
        assert (snapshot["sends"] >= 500) == (expected == 500)


# --- recipients -------------------------------------------------------------------------------------------------


def chosen(served: Served, **params: Any) -> list[Any]:
    return served.pages("/sms/broadcasts/1/recipients", "recipients", **params)


def test_recipients_by_deliverability_and_engagement(served: Served) -> None:
    every = chosen(served)
    assert len(every) == 500
    assert chosen(served, **{"filters[deliverability][]": "failures"}) == [
        each for each in every if each["deliverability"] == "failed"
    ]
    assert chosen(served, **{"filters[deliverability][]": ["failures", "deliveries"]}) == every
    engaged = {
        "clicks": [each for each in every if each["clicks"] > 0],
        "replies": [each for each in every if each["replies"]],
        "optOuts": [each for each in every if each["optOut"] == "yes"],
    }
    for word, expected in engaged.items():
        assert chosen(served, **{"filters[engagement][]": word}) == expected != []
    either = chosen(served, **{"filters[engagement][]": ["clicks", "replies"]})
    assert either == [each for each in every if each["clicks"] or each["replies"]]
    both = {"filters[engagement][]": "clicks", "filters[deliverability][]": "failures"}
    assert chosen(served, **both) == []


def test_recipients_by_search(served: Served) -> None:
    every = chosen(served)
    by_name = chosen(served, search="hopper")
    assert by_name == [each for each in every if "Hopper" in each["name"]] != []
    one = next(each for each in every if each["phoneNumber"].startswith("+1555"))
    assert one in chosen(served, search=one["phoneNumber"])
    assert one in chosen(served, search=one["phoneNumber"][4:])
    typed = [each for each in every if " " in each["phoneNumber"]]
    assert typed
    assert typed[0] in chosen(served, search=typed[0]["phoneNumber"].replace(" ", ""))
    assert chosen(served, search="nobody at all") == []


KEYS: dict[str, Callable[[Any], Any]] = {
    "name": lambda each: each["name"].casefold(),
    "phone": lambda each: each["phoneNumber"],
    "sentDate": lambda each: each["sentDate"],
    "clicks": lambda each: each["clicks"],
    "deliverability": lambda each: each["deliverability"] == "failed",
    "optOut": lambda each: each["optOut"],
    "replies": lambda each: len(each["replies"]),
}


@pytest.mark.parametrize("column", KEYS)
def test_recipients_in_order(served: Served, column: str) -> None:
    found = chosen(served, **{"order[field]": column})
    assert found == sorted(chosen(served), key=KEYS[column])


def test_recipients_say_how_they_were_paged(served: Served) -> None:
    assert served.get("/sms/broadcasts/1/recipients", limit=7, offset=3)["meta"] == {
        "total": 500, "limit": 7, "offset": 3,
    }  # fmt: skip
    draft = served.get("/sms/broadcasts", **{"filters[status]": "draft"})["broadcasts"][0]
    assert served.get(f"/sms/broadcasts/{draft['id']}/recipients")["recipients"] == []
    assert served.get(f"/sms/broadcasts/metrics/{draft['id']}/failures") == {"failures": []}
    served.get("/sms/broadcasts/999/recipients", 404)


def test_many_selections_are_remembered_within_reason(served: Served) -> None:
    for number in range(20):
        chosen(served, search=str(number))
    assert len(chosen(served, search="0")) == len(chosen(served, search="0"))


# --- exports ----------------------------------------------------------------------------------------------------


def rows_of(served: Served, path: str, **fields: Any) -> list[dict[str, str]]:
    answer = served.http.post(path, json=fields)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "content-length" not in answer.headers
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_an_export_of_metrics_is_what_metrics_says(served: Served) -> None:
    rows = rows_of(served, "/sms/broadcasts/export", ids=[1, 2, 30, 99])
    metrics = served.post("/sms/broadcasts/metrics", ids=[1, 2, 30, 99])["metrics"]
    names = ("id", "sends", "deliveries", "failures", "clicks", "replies", "optOuts")
    assert [{name: int(row[name]) for name in names} for row in rows] == [
        {name: row[name] for name in names} for row in metrics
    ]
    assert rows_of(served, "/sms/broadcasts/export") == []


def test_an_export_of_recipients_is_what_the_pages_say(serve: Callable[..., Served]) -> None:
    served = serve(seed=1, recipients=3000, broadcasts=1)
    rows = rows_of(served, "/sms/broadcasts/1/recipients/export")
    assert any("\n" in row["replies"] for row in rows)
    assert any("\n" in row["name"] for row in rows)
    assert [
        {
            "id": str(each["id"]),
            "name": each["name"],
            "phoneNumber": each["phoneNumber"],
            "email": f"contact{each['id']}@example.com",
            "sentDate": each["sentDate"],
            "deliverability": each["deliverability"],
            "clicks": str(each["clicks"]),
            "replies": "\n".join(reply["message"] for reply in each["replies"]),
            "optOut": each["optOut"],
            "errorCode": each["details"].get("errorCode", ""),
            "errorSource": each["details"].get("errorSource", ""),
        }
        for each in chosen(served)
    ] == rows


def test_an_export_takes_the_filters_of_the_list(served: Served) -> None:
    path = "/sms/broadcasts/1/recipients/export"
    day = served.get("/sms/broadcasts/1")["sent_date"][:10]
    failed = chosen(served, **{"filters[deliverability][]": "failures"})
    found = rows_of(served, path, deliverability=["failures"], engagement=[], start_date=day, end_date=day, search="")
    assert [int(row["id"]) for row in found] == ids(failed)
    assert rows_of(served, path, start_date="2001-01-01", end_date="2001-01-01") == []
    assert len(rows_of(served, path, engagement=["clicks"], search="a")) > 0
    names = [row["name"].casefold() for row in rows_of(served, path, order={"name": "DESC"})]
    assert names == sorted(names, reverse=True)
    upwards = [row["name"].casefold() for row in rows_of(served, path, order={"name": "ASC"})]
    assert (
        upwards == sorted(names) == [row["name"].casefold() for row in rows_of(served, path, order={"field": "name"})]
    )
    draft = served.post("/sms/broadcasts", 201, name="a", body="b")["id"]
    assert rows_of(served, f"/sms/broadcasts/{draft}/recipients/export") == []
    for order in ({"field": "age"}, {"name": "UP"}, {"name": "ASC", "phone": "ASC"}):
        assert served.post(path, 400, order=order)["errors"][0]["source"] == {"pointer": "/order"}
