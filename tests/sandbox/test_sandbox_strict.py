"""What is refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.sandbox.served import Served

FORBIDDEN = {"message": "Forbidden, you are not authorized to access this resource. Check your API Key"}


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("/sms/broadcasts", {"filter[name]": "x"}, 'Invalid query parameter: "filter[name]".'),
        ("/sms/broadcasts", {"orders[age]": "ASC"}, 'Invalid query parameter: "orders[age]".'),
        ("/sms/broadcasts", {"limit": ["1", "2"]}, 'Query parameter "limit" is given more than once.'),
        ("/sms/broadcasts", {"limit": "0"}, 'Invalid limit: "0". It must be an integer of at least 1.'),
        ("/sms/broadcasts", {"limit": "ten"}, 'Invalid limit: "ten". It must be an integer of at least 1.'),
        ("/sms/broadcasts", {"limit": "\u0661"}, 'Invalid limit: "\u0661". It must be an integer of at least 1.'),
        ("/sms/broadcasts", {"offset": "-1"}, 'Invalid offset: "-1". It must be an integer of at least 0.'),
        ("/sms/broadcasts", {"offset": ""}, 'Invalid offset: "". It must be an integer of at least 0.'),
        (
            "/sms/broadcasts",
            {"orders[field]": "DASC"},
            'Invalid order direction: "DASC". Allowed values are "ASC","DESC"',
        ),
        (
            "/sms/broadcasts",
            {"filters[status]": "archived"},
            'Invalid filter value for status: "archived". Allowed values are '
            '"draft","pending_review","scheduled","sending","sent"',
        ),
        (
            "/sms/broadcasts",
            {"start_date": "05.01.2026"},
            'Invalid start_date: "05.01.2026". Expected a date as YYYY-MM-DD.',
        ),
        (
            "/sms/broadcasts/metrics/snapshot",
            {"end_date": "2026-02-30"},
            'Invalid end_date: "2026-02-30". Expected a date as YYYY-MM-DD.',
        ),
        ("/sms/broadcasts/1", {"x": "1"}, 'Invalid query parameter: "x".'),
        (
            "/sms/broadcasts/1/recipients",
            {"filters[deliverability][]": ["failures", "delivered"]},
            'Invalid deliverability filter: "delivered". Allowed values are "deliveries","failures"',
        ),
        (
            "/sms/broadcasts/1/recipients",
            {"filters[engagement][]": "optOut"},
            'Invalid engagement filter: "optOut". Allowed values are "clicks","optOuts","replies"',
        ),
        (
            "/sms/broadcasts/1/recipients",
            {"order[field]": "age"},
            'Invalid order field: "age". Allowed values are '
            '"clicks","deliverability","name","optOut","phone","replies","sentDate"',
        ),
    ],
)
def test_queries_are_refused_with_422(served: Served, path: str, params: dict[str, Any], message: str) -> None:
    assert served.json("GET", path, 422, params=params) == {"message": message}


GOOD: dict[str, Any] = {"name": "a", "body": "b"}


@pytest.mark.parametrize(
    ("fields", "pointer", "title"),
    [
        ({"name": 3}, "/name", "The field name must be a string."),
        ({"name": None}, "/name", "The field name must be a string."),
        ({"listIds": [1]}, "/listIds", "There is no field listIds."),
        ({"list_ids": 1}, "/list_ids", "The field list_ids must be a list."),
        ({"list_ids": ["1"]}, "/list_ids", "The field list_ids holds an item that must be an integer."),
        ({"list_ids": [True]}, "/list_ids", "The field list_ids holds an item that must be an integer."),
        ({"list_ids": [99]}, "/list_ids", "No Result found for List with id 99"),
        ({"list_ids": None}, "/list_ids", "The field list_ids must be a list."),
        ({"sent_to_count": -1}, "/sent_to_count", "The field sent_to_count must not be negative."),
        ({"sent_to_count": 1.5}, "/sent_to_count", "The field sent_to_count must be an integer."),
        (
            {"shorten_track_links_enabled": 1},
            "/shorten_track_links_enabled",
            "The field shorten_track_links_enabled must be a boolean.",
        ),
        ({"status": "pending_review"}, "/status", "The field status must be one of draft."),
        ({"status": 1}, "/status", "The field status must be one of draft."),
        ({"media_urls": ["no url"]}, "/media_urls", "The field media_urls holds an item that must be a URI."),
        ({"preview_url": "x"}, "/preview_url", "The field preview_url must be a URI."),
        ({"custom_segment_id": "7"}, "/custom_segment_id", "The field custom_segment_id must be a UUID."),
        *(
            (
                {"scheduled_date": text},
                "/scheduled_date",
                "The field scheduled_date must be a date and time with an offset.",
            )
            for text in ("2026-01-05", "2026-01-05T10:00:00", "2026-13-05T10:00:00Z", "0001-01-01T00:00:00+14:00")
        ),
    ],
)
def test_bodies_are_refused_with_400(served: Served, fields: dict[str, Any], pointer: str, title: str) -> None:
    refused = served.json("POST", "/sms/broadcasts", 400, json={**GOOD, **fields})
    assert refused["message"] == "Invalid request data"
    assert [(each["title"], each["source"]["pointer"]) for each in refused["errors"]] == [(title, pointer)]
    assert served.get("/sms/broadcasts")["meta"] == {"total": 30}


def test_all_that_is_wrong_with_a_body_is_said_at_once(served: Served) -> None:
    refused = served.json("POST", "/sms/broadcasts/ai", 400, json={"prompt": 1, "x": 2})
    assert [(each["source"]["pointer"], each["code"]) for each in refused["errors"]] == [
        ("/source", "field_missing"), ("/tone", "field_missing"), ("/prompt", "field_invalid"), ("/x", "field_unknown"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "content_type", "message"),
    [
        (b"{}", "text/plain", "Expected a body of type application/json."),
        (b"", "application/json", "The body is not valid JSON."),
        (b"{", "application/json; charset=utf-8", "The body is not valid JSON."),
        (b'{"ids": [NaN]}', "application/json", "The body is not valid JSON."),
        (b"\xff", "application/json", "The body is not valid JSON."),
        (b"[" * 100_000, "application/json", "The body is not valid JSON."),
        (b'{"ids": [' + b"1" * 5000 + b"]}", "application/json", "The body is not valid JSON."),
        (b"[]", "application/json", "The body must be a JSON object."),
    ],
)
def test_what_is_no_json_object_is_refused(served: Served, content: bytes, content_type: str, message: str) -> None:
    for path in ("/sms/broadcasts/metrics", "/sms/broadcasts/1/recipients/export"):
        refused = served.json("POST", path, 400, content=content, headers={"Content-Type": content_type})
        assert refused == {"message": message}


def test_update_refuses_what_create_refuses_but_takes_null(served: Served) -> None:
    path = f"/sms/broadcasts/{served.post('/sms/broadcasts', 201, **GOOD)['id']}"
    for field in ("name", "body", "status"):
        assert served.put(path, 400, **{field: None})["errors"][0]["source"]["pointer"] == f"/{field}"
    assert served.put(path, 400, status="sent")["errors"][0]["source"]["pointer"] == "/status"
    assert served.put(path, custom_run_id=None, segment_id=None, preview_url=None)["segment_id"] is None
    assert served.put(path, custom_run_id="E3E70682-c209-1cac-a29f-6fbed82c07cd")["custom_run_id"] is not None


def test_export_bodies_are_checked(served: Served) -> None:
    for fields in (
        {"start_date": "x"},
        {"start_date": 1},
        {"engagement": ["optOut"]},
        {"deliverability": "failures"},
        {"search": 1},
        {"order": "name"},
    ):
        served.json("POST", "/sms/broadcasts/1/recipients/export", 400, json=fields)


def test_tokens(serve: Callable[..., Served]) -> None:
    served = serve(accounts={"acme": "first", "globex": "second"})
    url = served.sandbox.url

    def status(path: str, token: str | None) -> int:
        headers = {} if token is None else {"Api-Token": token}
        return httpx.get(f"{url}{path}/sms/credits", headers=headers).status_code

    assert served.sandbox.token == "first"
    assert [status(path, "first") for path in ("/api/3", "/acme/api/3", "/globex/api/3")] == [200, 200, 403]
    assert [status("/globex/api/3", token) for token in ("second", "", None)] == [200, 403, 403]
    assert [entry.authorized for entry in served.sandbox.journal] == [True, True, False, True, False, None]
    assert httpx.get(f"{url}/api/3/sms/credits").json() == FORBIDDEN


def test_accounts_are_apart(serve: Callable[..., Served]) -> None:
    served = serve(accounts=["acme", "globex"])
    globex = served.sandbox.accounts["globex"]
    served.post("/sms/broadcasts", 201, **GOOD)
    with httpx.Client(base_url=f"{globex.url}/api/3", headers={"Api-Token": globex.token}) as other:
        assert other.get("/sms/broadcasts").json()["meta"] == {"total": 50}
    assert served.get("/sms/broadcasts")["meta"] == {"total": 51}


def test_an_account_that_there_is_not_leads_elsewhere(served: Served) -> None:
    url = served.sandbox.url
    answer = httpx.get(f"{url}/nobody/api/3/sms/credits", headers={"Api-Token": served.sandbox.token})
    assert (answer.status_code, answer.headers["location"]) == (302, "/_sandbox/elsewhere")
    # Whoever follows it is caught: the token came along.
    httpx.get(f"{url}/nobody/api/3/sms/credits", headers={"Api-Token": served.sandbox.token}, follow_redirects=True)
    httpx.get(f"{url}/_sandbox/elsewhere")
    seen = [(entry.path, entry.authorized, entry.status) for entry in served.sandbox.journal]
    assert seen[-2:] == [("/_sandbox/elsewhere", True, 200), ("/_sandbox/elsewhere", None, 200)]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sms/nothing", 404),
        ("GET", "/sms/broadcasts/x", 404),
        ("GET", "/sms/broadcasts/-1", 404),
        ("GET", "/sms/broadcasts/1/", 404),
        ("PATCH", "/sms/broadcasts/1", 405),
        ("DELETE", "/sms/broadcasts", 405),
    ],
)
def test_paths_and_methods_that_there_are_not(served: Served, method: str, path: str, status: int) -> None:
    answer = served.http.request(method, path)
    assert answer.status_code == status
    assert answer.json()["message"]
    if status == 405:
        assert answer.headers["allow"] in ("GET, PUT, DELETE", "GET, POST")


def test_strings_of_all_kinds_go_in_and_come_out(served: Served) -> None:
    path = "/sms/broadcasts"
    raw = b'{"name": "\\ud800 <b>", "body": "\\u0000", "scheduled_date": "0001-01-01T00:00:00Z"}'
    made = served.json("POST", path, 201, content=raw, headers={"Content-Type": "application/json"})
    assert served.get(f"{path}/{made['id']}")["name"] == "\ud800 <b>"
    assert served.http.post(f"{path}/export", json={"ids": [made["id"]]}).status_code == 200
    page = httpx.get(served.sandbox.url + "/")
    assert page.status_code == 200
    assert "<b>" not in page.text.replace("<b>acme", "").replace("<b>all", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accounts": []}, "at least one account"),
        ({"accounts": ["a/b"]}, "not an account name"),
        ({"accounts": ["api"]}, "not an account name"),
        ({"accounts": {"acme": " "}}, "not a token"),
        ({"accounts": {"acme": "ä"}}, "not a token"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"broadcasts": -1}, "broadcasts"),
        ({"recipients": -1}, "recipients"),
        ({"faults": ["nonsense"]}, "no such fault"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    serve: Callable[..., Served], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        serve(**options)
