"""Data of one's own: from Python, over HTTP, out of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.sandbox import Clock, Sandbox
from ac_sms_async.sandbox.draw import Draw
from ac_sms_async.sandbox.fates import Fates
from tests.open_files import open_files
from tests.properties.test_any_moment import agreed
from tests.sandbox.conftest import NOON
from tests.sandbox.served import Served


@pytest.fixture
def empty(serve: Callable[..., Served]) -> Served:
    return serve(broadcasts=0)


def metrics(served: Served, broadcast: int) -> dict[str, int]:
    [row] = served.post("/sms/broadcasts/metrics", ids=[broadcast])["metrics"]
    found: dict[str, int] = row
    return found


# --- broadcasts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("age", [None, 0, 1, 90, 3600, 86_400, 40 * 86_400])
def test_what_is_said_is_so_at_once(empty: Served, age: int | None) -> None:
    sent = None if age is None else NOON - timedelta(seconds=age)
    made = empty.sandbox.add_broadcast(
        "Sale",
        sent=sent,
        sends=1000,
        clicks=37,
        opt_outs=25,
        failures={"30003": 12, "30007": 3, "invalid_phone": 1},
        replies=["Yes please", "Wo?\nWann?"],
    )
    assert metrics(empty, made) == {
        "id": made, "sends": 1000, "deliveries": 984, "failures": 16, "clicks": 37, "replies": 27, "optOuts": 25,
    }  # fmt: skip
    agreed(empty, [made])
    failures = empty.get(f"/sms/broadcasts/metrics/{made}/failures")["failures"]
    assert {(each["errorCode"], each["errorSource"], each["count"]) for each in failures} == {
        ("30003", "twilio", 12), ("30007", "twilio", 3), ("invalid_phone", "ac", 1),
    }  # fmt: skip
    rows = empty.pages(f"/sms/broadcasts/{made}/recipients", "recipients")
    replies = sorted(reply["message"] for row in rows for reply in row["replies"])
    assert replies == sorted([*["STOP"] * 25, "Yes please", "Wo?\nWann?"])
    shown = empty.get(f"/sms/broadcasts/{made}")
    assert (shown["name"], shown["status"], shown["sent_to_count"]) == ("Sale", "sent", 1000)
    assert datetime.fromisoformat(shown["sent_date"]) == (sent or NOON)
    # They were paid for before.
    assert empty.get("/sms/credits")["smsCredits"]["usedThisPeriod"] == 71
    assert empty.put(f"/sms/broadcasts/{made}", 409, name="x")


def test_what_is_not_said_is_made_up(empty: Served) -> None:
    usual = empty.sandbox.add_broadcast("Usual", sent=NOON - timedelta(days=30))
    assert empty.get(f"/sms/broadcasts/{usual}")["sent_to_count"] == 200
    assert all(count > 0 for count in metrics(empty, usual).values())
    listed = empty.sandbox.add_broadcast("To a list", list_ids=[empty.sandbox.add_list("Few", 7)])
    assert metrics(empty, listed)["sends"] == 7
    # As many as it takes, and no failures by chance where all have to answer.
    needed = empty.sandbox.add_broadcast("Needed", failures={"30005": 300}, opt_outs=10, clicks=400)
    assert metrics(empty, needed)["sends"] == 700
    all_stop = empty.sandbox.add_broadcast("All stop", sends=100, opt_outs=100)
    assert (metrics(empty, all_stop)["optOuts"], metrics(empty, all_stop)["failures"]) == (100, 0)
    nothing = empty.sandbox.add_broadcast("Quiet", sends=50, clicks=0, opt_outs=0, failures={}, replies=[])
    assert metrics(empty, nothing) == {
        "id": nothing, "sends": 50, "deliveries": 50, "failures": 0, "clicks": 0, "replies": 0, "optOuts": 0,
    }  # fmt: skip
    assert empty.sandbox.add_broadcast("Nobody", sends=0)
    agreed(empty, [usual, listed, needed, all_stop, nothing, nothing + 1])


@given(
    size=st.integers(0, 300),
    failures=st.none() | st.dictionaries(st.sampled_from(["30003", "30005", "odd"]), st.integers(0, 20)),
    clicks=st.none() | st.integers(0, 300),
    opt_outs=st.none() | st.integers(0, 30),
    replies=st.none() | st.lists(st.text(), max_size=5),
)
def test_any_numbers_add_up_or_are_refused(
    size: int, failures: dict[str, int] | None, clicks: int | None, opt_outs: int | None, replies: list[str] | None
) -> None:
    needed = max(-(-(clicks or 0) // 3), (opt_outs or 0) + len(replies or ()))
    said = {"failures": failures, "clicks": clicks, "opt_outs": opt_outs, "replies": replies}
    if size - sum((failures or {}).values()) < needed:
        with pytest.raises(ValueError, match="too few"):
            Fates.arranged(size, Draw("own"), **said)  # type: ignore[arg-type]  # each has its own
        return
    fates = Fates.arranged(size, Draw("own"), **said)  # type: ignore[arg-type]  # each has its own
    end = fates.reached(10**9)
    arrived = size - fates.failures
    assert fates.failures == end.failed == (sum(failures.values()) if failures is not None else end.failed) <= size
    assert end.clicks == (end.clicks if clicks is None else clicks) <= 3 * arrived
    assert end.opted_out == (end.opted_out if opt_outs is None else opt_outs)
    assert end.opted_out + fates.repliers <= arrived
    assert replies is None or end.replies == end.opted_out + len(replies)
    assert fates.thrice <= fates.twice <= fates.clickers <= arrived
    assert fates.again <= fates.repliers


def test_one_of_the_future_goes_out_then(empty: Served) -> None:
    made = empty.sandbox.add_broadcast("Later", sent=NOON + timedelta(hours=2), sends=1000, clicks=300)
    path = f"/sms/broadcasts/{made}"
    assert (empty.get(path)["status"], empty.get(path)["scheduled_date"]) == ("scheduled", "2026-01-05T20:00:00+00:00")
    empty.sandbox.clock.advance(hours=2)
    assert empty.get(path)["status"] == "sending"
    empty.sandbox.clock.advance(hours=2)
    assert 0 < metrics(empty, made)["clicks"] < 300
    empty.sandbox.clock.advance(days=40)
    assert metrics(empty, made)["clicks"] == 300


def test_it_goes_to_whom_it_is_said(empty: Served) -> None:
    people = [{"name": "Zoë", "phone": "+1 555 0100", "email": "zoe@example.com"}, {"name": "Nobody's number"}]
    one = empty.sandbox.add_broadcast("One", sends=5, contacts=people)
    two = empty.sandbox.add_broadcast("Two", contacts=[*reversed(people), {"phone": "x"}])
    rows = empty.pages(f"/sms/broadcasts/{one}/recipients", "recipients")
    assert [(row["name"], row["phoneNumber"]) for row in rows[:2]] == [("Zoë", "+1 555 0100"), ("Nobody's number", "")]
    assert len(rows) == 5
    others = empty.pages(f"/sms/broadcasts/{two}/recipients", "recipients")
    assert [row["id"] for row in others[:3]] == [rows[1]["id"], rows[0]["id"], rows[0]["id"] + 2]
    [found] = empty.get(f"/sms/broadcasts/{one}/recipients", search="15550100")["recipients"]
    assert found["name"] == "Zoë"
    agreed(empty, [one, two])


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"sends": -1}, "The field sends must not be negative"),
    ({"sends": 2_000_001}, "sends must be from 0"),
    ({"sends": 1, "contacts": [{"name": "a"}, {"name": "b"}]}, r"from 2 \(the contacts\)"),
    ({"sends": 10, "failures": {"30003": 11}}, "too few"),
    ({"sends": 10, "clicks": 31}, "of 10 messages 10 arrive: too few for 11"),
    ({"failures": {"30003": "many"}}, "failures must be an integer"),
    ({"failures": [1]}, "failures must be an object of counts"),
    ({"replies": "Yes"}, "replies must be a list"),
    ({"contacts": [{}]}, "a name, a phone or an email"),
    ({"contacts": [{"age": "7"}]}, "a name, a phone or an email"),
    ({"contacts": [{"name": 7}]}, "contacts holds an item that must be a string"),
    ({"contacts": ["Zoë"]}, "contacts holds an item that must be an object"),
    ({"list_ids": [99]}, "There is no list 99"),
    ({"sent": "2026-01-05"}, "a date and time with an offset"),
    ({"sent": datetime(2026, 1, 5)}, "a date and time with an offset"),  # noqa: DTZ001 - on purpose
    ({"sent": datetime(2, 1, 5, tzinfo=UTC)}, "in no calendar"),
    ({"click": 1}, "There is no field click"),
    ({"account": "globex"}, "There is no account globex"),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_what_can_not_be_is_refused(empty: Served, fields: dict[str, Any], message: str) -> None:
    fields = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}
    told = httpx.post(f"{empty.sandbox.url}/_sandbox/broadcasts", json={"name": "x", **fields})
    assert told.status_code == 400
    with pytest.raises(ValueError, match=message):
        raise ValueError(told.json()["message"])
    assert empty.get("/sms/broadcasts")["meta"] == {"total": 0}


# --- lists and credits ------------------------------------------------------------------------------------------


def test_lists_and_credits(serve: Callable[..., Served]) -> None:
    served = serve(accounts=["acme", "globex"])
    number = served.sandbox.add_list("Mine", 40)
    assert served.get("/sms/lists", **{"filters[name]": "mine"})["lists"] == [
        {"id": number, "name": "Mine", "subscriber_count": 40}
    ]
    assert served.sandbox.add_list("Theirs", 1, account="globex") == number
    before = served.get("/sms/credits")["smsCredits"]
    for available in (12, 50_000, 12, 0):
        served.sandbox.set_credits(available)
        shown = served.get("/sms/credits")["smsCredits"]
        assert shown["available"] == available == shown["includedThisPeriod"] - shown["usedThisPeriod"] + shown["extra"]
        assert shown["includedThisPeriod"] == before["includedThisPeriod"]
    served.sandbox.set_credits(39)
    path = f"/sms/broadcasts/{served.post('/sms/broadcasts', 201, name='a', body='b', list_ids=[number])['id']}"
    assert "39 available" in served.put(path, 402, status="pending_review")["message"]
    with pytest.raises(ValueError, match="negative"):
        served.sandbox.set_credits(-1)
    with pytest.raises(ValueError, match="There is no account initech"):
        served.sandbox.add_list("x", 1, account="initech")


def test_over_http(serve: Callable[..., Served]) -> None:
    served = serve(accounts=["acme", "globex"], broadcasts=0)
    with httpx.Client(base_url=f"{served.sandbox.url}/_sandbox", verify=False) as http:
        made = http.post("/lists", json={"account": "globex", "name": "Mine", "subscriber_count": 40})
        assert (made.status_code, made.json()) == (201, {"id": 13, "name": "Mine", "subscriber_count": 40})
        fields = {
            "account": "globex",
            "name": "Sale",
            "list_ids": [13],
            "sent": "2026-01-05T09:00:00-06:00",
            "clicks": 9,
        }
        sent = http.post("/broadcasts", json=fields)
        assert (sent.status_code, sent.json()["sent_to_count"]) == (201, 40)
        assert http.post("/credits", json={"available": 7}).json()["available"] == 7
        assert http.post("/credits", json={}).status_code == 400
    assert served.get("/sms/credits")["smsCredits"]["available"] == 7
    access = served.sandbox.accounts["globex"]
    shown = httpx.get(f"{access.url}/api/3/sms/broadcasts", headers={"Api-Token": access.token}, verify=False)
    assert [each["name"] for each in shown.json()["broadcasts"]] == ["Sale"]


# --- files ------------------------------------------------------------------------------------------------------

YAML = """
credits: 120
lists:
  - {name: Mine, subscriber_count: 300}
broadcasts:
  - name: Sale
    list_ids: [13]
    sent: 2026-01-04T09:00:00-06:00
    clicks: 37
    opt_outs: 25
    failures: {30003: 12}
    replies: ["Yes please"]
    contacts:
      - {name: Zoë, phone: "+1 555 0100"}
  - name: Nothing said
"""
DOCUMENT: dict[str, Any] = {
    "credits": 120,
    "lists": [{"name": "Mine", "subscriber_count": 300}],
    "broadcasts": [
        {
            "name": "Sale",
            "list_ids": [13],
            "sent": "2026-01-04T09:00:00-06:00",
            "clicks": 37,
            "opt_outs": 25,
            "failures": {"30003": 12},
            "replies": ["Yes please"],
            "contacts": [{"name": "Zoë", "phone": "+1 555 0100"}],
        },
        {"name": "Nothing said"},
    ],
}


def sources(folder: Path) -> Iterator[Any]:
    (folder / "data.yaml").write_text(YAML, "utf-8")
    (folder / "data.json").write_text(json.dumps(DOCUMENT), "utf-8")
    (folder / "accounts.yaml").write_text("accounts:\n  acme:\n" + YAML.replace("\n", "\n    "), "utf-8")
    yield from (folder / "data.yaml", str(folder / "data.json"), folder / "accounts.yaml", DOCUMENT)


def everything(served: Served) -> list[Any]:
    rows = served.pages("/sms/broadcasts", "broadcasts")
    return [
        served.get("/sms/credits"),
        served.pages("/sms/lists", "lists"),
        rows,
        agreed(served, [row["id"] for row in rows]),
        [served.pages(f"/sms/broadcasts/{row['id']}/recipients", "recipients") for row in rows],
    ]


def test_a_file_and_a_dict_say_the_same(serve: Callable[..., Served], tmp_path: Path) -> None:
    first, *others = (everything(serve(broadcasts=2, data=source)) for source in sources(tmp_path))
    assert first[0]["smsCredits"]["available"] == 120
    assert [(row["sends"], row["clicks"]) for row in first[3]][2] == (300, 37)
    assert first[4][2][0]["name"] == "Zoë"
    assert others == [first] * 3


def test_own_data_are_there_again(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve(broadcasts=2, data=DOCUMENT, db=tmp_path / "sandbox.db")
    served.sandbox.add_broadcast("By hand", sends=3)
    served.sandbox.set_credits(5)
    before = everything(served)
    served.sandbox.stop()
    # It isn't added once more.
    again = serve(data=DOCUMENT, db=tmp_path / "sandbox.db")
    assert everything(again) == before
    again.sandbox.reset()
    assert everything(again) == everything(serve(broadcasts=2, data=DOCUMENT))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "data.yaml must be an object"),
        ("a: [", "data.yaml can't be read"),
        ("broadcast: []", "acme: there is no broadcast, only lists, broadcasts, credits"),
        ("broadcasts: {}\nlists: 7", "lists must be a list"),
        ("broadcasts: [7]", "broadcasts, number 1 must be an object"),
        ("broadcasts: [{name: a}, {name: b, sends: 1, opt_outs: 2}]", "broadcasts, number 2: of 1 messages 1 arrive"),
        ("lists: [{name: a}]", "lists, number 1: The field subscriber_count is required"),
        ("credits: many", "The field available must be an integer"),
        ("accounts: {globex: {}}", "There is no account globex"),
        ("accounts: []", "accounts must be an object"),
        ("accounts: {}\nlists: []", "there is no lists, only accounts"),
    ],
)
def test_a_file_that_makes_no_sense(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "data.yaml").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message):
        Sandbox(data=tmp_path / "data.yaml", db=tmp_path / "sandbox.db")
    assert str(tmp_path / "sandbox.db") not in open_files()
    # Nothing of it is kept: the file is as new.
    clock = Clock(NOON, speed=0)
    with Sandbox(
        data={"lists": [{"name": "a", "subscriber_count": 1}]}, db=tmp_path / "sandbox.db", clock=clock
    ) as made:
        assert len(made.state.first.lists) == 13
        assert len(made.state.first.broadcasts) == 50
