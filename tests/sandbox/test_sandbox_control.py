"""The sandbox over HTTP: faults, clock, journal, reset."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.served import Served


@pytest.fixture
def control(served: Served) -> Served:
    """Paths under /_sandbox, without a token."""
    return Served(served.sandbox, httpx.Client(base_url=f"{served.sandbox.url}/_sandbox", verify=False))


@pytest.fixture(autouse=True)
def close(control: Served) -> Any:
    yield
    control.http.close()


def test_it_says_what_it_is(served: Served, control: Served) -> None:
    about = control.get("/")
    assert about["accounts"] == [{"name": "acme", "path": "/acme/api/3", "token": served.sandbox.token}]
    assert (about["seed"], about["broadcasts"], about["recipients"], about["rate_limit"]) == (7, 30, 500, None)
    assert about["end"] == "2026-01-05"
    assert (about["requests"], about["faults"]) == (0, 0)
    assert about["clock"].keys() == {"now", "speed", "advanced"}


def test_faults(served: Served, control: Served) -> None:
    first = control.post("/faults", 201, kind="503", operation="getSmsCreditData", count=1)
    second = control.post("/faults", 201, fault="*:slow:seconds=0")
    assert control.get("/faults") == {"faults": [first, second]}
    served.get("/sms/credits", 503)
    served.get("/sms/credits")
    assert control.json("DELETE", f"/faults/{first['id']}") == {**first, "seen": 2, "hits": 1}
    control.json("DELETE", f"/faults/{first['id']}", 404)
    assert control.json("DELETE", "/faults") == {"faults": []}


def test_clock(served: Served, control: Served) -> None:
    before = control.get("/clock")
    after = control.post("/clock", advance=3600, speed=2)
    assert (before["speed"], after["speed"], after["advanced"]) == (0, 2, 3600)
    assert after["now"] > before["now"]
    assert control.post("/clock", advance=1.5)["speed"] == 2
    assert control.post("/clock", speed=0)["advanced"] == 3601.5


def test_journal(served: Served, control: Served) -> None:
    for _ in range(3):
        served.get("/sms/credits")
    served.get("/sms/broadcasts/1")
    journal = control.get("/journal")
    assert (journal["seen"], journal["peak_rate"], len(journal["requests"])) == (4, 4, 4)
    assert journal["requests"][0] == {
        "at": journal["requests"][0]["at"], "method": "GET", "path": "/api/3/sms/credits", "query": "",
        "account": "acme", "operation": "getSmsCreditData", "authorized": True, "body": "", "status": 200, "faults": [],
    }  # fmt: skip
    assert [each["operation"] for each in control.get("/journal", last=1)["requests"]] == ["getBroadcast"]
    assert control.get("/journal", last=0)["requests"] == []
    assert len(control.get("/journal", operation="getSmsCreditData", account="acme")["requests"]) == 3
    assert control.json("DELETE", "/journal")["seen"] == 0
    assert control.get("/journal")["requests"] == []


def test_the_journal_in_python(served: Served) -> None:
    for path, status in (("/sms/credits", 200), ("/sms/broadcasts/1", 200), ("/sms/broadcasts/99", 404)):
        served.get(path, status)
    journal = served.sandbox.journal
    assert [journal[0].operation, journal[-1].status] == ["getSmsCreditData", 404]
    assert journal[1:] == list(journal)[1:]
    assert [entry.path for entry in journal.of(status=404)] == ["/api/3/sms/broadcasts/99"]
    assert [entry.status for entry in journal.of("getBroadcast", "acme")] == [200, 404]
    assert journal.of("getBroadcast", status=200) == [journal[1]]
    assert journal[0] in journal
    with pytest.raises(IndexError):
        _ = journal[3]


def test_reset(served: Served, control: Served) -> None:
    served.post("/sms/broadcasts", 201, name="a", body="b")
    served.sandbox.faults.add("503", "getBroadcast")
    assert control.post("/reset")["requests"] == 0
    assert served.get("/sms/broadcasts")["meta"] == {"total": 30}
    assert served.get("/sms/broadcasts/1")
    served.sandbox.reset()
    assert len(served.sandbox.journal) == 0


@pytest.mark.parametrize(
    ("method", "path", "fields", "status", "message"),
    [
        ("GET", "/nothing", None, 404, "No route"),
        ("PUT", "/clock", {}, 405, "Method Not Allowed"),
        ("POST", "/clock", {}, 400, "the clock takes"),
        ("POST", "/clock", {"advance": "1"}, 400, "numbers"),
        ("POST", "/clock", {"advance": True}, 400, "numbers"),
        ("POST", "/clock", {"advance": -1}, 400, "backwards"),
        ("POST", "/clock", {"retreat": 1}, 400, "the clock takes"),
        ("POST", "/faults", {"kind": "nonsense"}, 400, "no such fault"),
        ("POST", "/faults", {"fault": "nonsense"}, 400, "not a fault"),
        ("POST", "/faults", [], 400, "JSON object"),
        ("GET", "/journal?colour=red", None, 400, "the journal takes"),
        ("GET", "/journal?last=x", None, 400, "invalid literal"),
    ],
)
def test_what_it_does_not_understand(
    control: Served, method: str, path: str, fields: Any, status: int, message: str
) -> None:
    assert message in control.json(method, path, status, json=fields)["message"]


def test_other_paths(served: Served) -> None:
    for path, method in (("/_sandboxes", "GET"), ("/favicon.ico", "GET"), ("/", "POST"), ("/api/3", "GET")):
        assert httpx.request(method, served.sandbox.url + path).status_code == 404
