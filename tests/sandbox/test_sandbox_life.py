"""The life of a broadcast, credits and AI requests, with time that stands still until moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ac_sms_async.sandbox import Clock, Pace
from tests.sandbox.served import Served

PACE = Pace(review=100, queue=10, sending=50, ai=20)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture
def slow(serve: Callable[..., Served]) -> Served:
    return serve(pace=PACE, clock=Clock(START, speed=0), broadcasts=5, recipients=100)


def test_from_draft_to_sent(slow: Served) -> None:
    made = slow.post("/sms/broadcasts", 201, name="Sale", body="20% off", sent_to_count=500)
    path = f"/sms/broadcasts/{made['id']}"
    credits = slow.get("/sms/credits")["smsCredits"]

    def step(seconds: float) -> tuple[str, int, int]:
        slow.sandbox.clock.advance(seconds)
        sends = slow.post("/sms/broadcasts/metrics", ids=[made["id"]])["metrics"][0]["sends"]
        assert slow.get(f"{path}/recipients")["meta"]["total"] == sends
        left: int = slow.get("/sms/credits")["smsCredits"]["available"]
        return slow.get(path)["status"], sends, credits["available"] - left

    submitted = slow.put(path, status="pending_review")
    assert (submitted["status"], submitted["scheduled_by"], submitted["sift_approved"]) == ("pending_review", 1, 0)
    assert step(99) == ("pending_review", 0, 0)
    assert step(1) == ("scheduled", 0, 0)
    assert step(10) == ("sending", 10, 10)
    assert slow.get(path)["sent_date"] is None
    assert step(24) == ("sending", 250, 250)
    assert step(25) == ("sending", 500, 500)
    assert step(1) == ("sent", 500, 500)
    sent = slow.get(path)
    assert sent["sent_date"] == "2026-03-01T06:02:40-06:00"
    assert (sent["sent_to_count"], sent["arc_approved"]) == (500, 1)
    assert slow.get("/sms/broadcasts", start_date="2026-03-01", end_date="2026-03-01")["broadcasts"] == [sent]
    assert slow.put(path, 409, name="x") == {"message": "The broadcast is sent: it can no longer be changed."}
    # The next period begins with all of its credits.
    slow.sandbox.clock.advance(40 * 86_400)
    renewed = slow.get("/sms/credits")["smsCredits"]
    assert renewed["usedThisPeriod"] == credits["usedThisPeriod"]
    assert renewed["nextRefillDate"] > credits["nextRefillDate"]


def test_a_scheduled_date_is_waited_for(slow: Served) -> None:
    path = f"/sms/broadcasts/{slow.post('/sms/broadcasts', 201, name='a', body='b', list_ids=[1])['id']}"
    slow.put(path, status="pending_review", scheduled_date="2026-03-01T13:00:00Z")
    slow.sandbox.clock.advance(3599)
    assert slow.get(path)["status"] == "scheduled"
    slow.sandbox.clock.advance(1)
    assert slow.get(path)["status"] == "sending"
    assert slow.put(path, 409, name="x") == {"message": "The broadcast is sending: it can no longer be changed."}


def test_it_can_be_taken_back_until_it_is_sending(slow: Served) -> None:
    path = f"/sms/broadcasts/{slow.post('/sms/broadcasts', 201, name='a', body='b', list_ids=[1])['id']}"
    for seconds in (0, 105):
        slow.put(path, status="pending_review")
        slow.sandbox.clock.advance(seconds)
        assert slow.put(path, name="still on its way")["status"] != "draft"
        assert slow.put(path, status="pending_review")["status"] != "draft"
        back = slow.put(path, status="draft")
        assert (back["status"], back["scheduled_by"]) == ("draft", None)
        slow.sandbox.clock.advance(1000)
        assert slow.get(path)["status"] == "draft"
    assert slow.put(path, status="draft")["status"] == "draft"


def test_seeded_broadcasts_live_on(slow: Served) -> None:
    credits = slow.get("/sms/credits")
    begun = {each["status"]: each for each in slow.get("/sms/broadcasts")["broadcasts"]}
    assert set(begun) == {"draft", "pending_review", "scheduled", "sending", "sent"}

    def status(of: str) -> str:
        found: str = slow.get(f"/sms/broadcasts/{begun[of]['id']}")["status"]
        return found

    due = datetime.fromisoformat(begun["scheduled"]["scheduled_date"])
    assert (due.astimezone(CHICAGO).date() - START.date()).days == 1
    slow.sandbox.clock.advance((due - START).total_seconds() - 1)
    # The long one ended at midnight; the other one goes out when it is due.
    assert (status("sending"), status("scheduled"), status("pending_review")) == ("sent", "scheduled", "pending_review")
    slow.sandbox.clock.advance(1)
    assert status("scheduled") in ("sending", "sent")
    slow.sandbox.clock.advance(days=2)
    assert (status("scheduled"), status("pending_review"), status("draft")) == ("sent", "sent", "draft")
    # They were paid for before.
    assert slow.get("/sms/credits") == credits
    snapshot = slow.get("/sms/broadcasts/metrics/snapshot")["snapshot"]
    assert snapshot["campaigns"] == sum(each["sent_to_count"] is not None for each in begun.values())


def test_what_is_seeded_can_be_taken_back_and_sent_anew(slow: Served) -> None:
    before = slow.get("/sms/credits")["smsCredits"]["available"]
    [seeded] = slow.get("/sms/broadcasts", **{"filters[status]": "scheduled"})["broadcasts"]
    path = f"/sms/broadcasts/{seeded['id']}"
    assert slow.put(path, status="draft", scheduled_date=None, sent_to_count=3)["status"] == "draft"
    slow.sandbox.clock.advance(days=2)
    assert slow.get(path)["status"] == "draft"
    slow.put(path, status="pending_review")
    slow.sandbox.clock.advance(200)
    assert slow.get(path)["status"] == "sent"
    assert slow.get("/sms/credits")["smsCredits"]["available"] == before - 3


def test_another_date_moves_what_is_scheduled(slow: Served) -> None:
    path = f"/sms/broadcasts/{slow.post('/sms/broadcasts', 201, name='a', body='b', list_ids=[1])['id']}"
    slow.put(path, status="pending_review", scheduled_date="2026-03-01T13:00:00Z")
    slow.sandbox.clock.advance(hours=0.5)
    # Only the status, and only the date.
    assert slow.put(path, name="c")["status"] == "scheduled"
    slow.put(path, scheduled_date="2026-03-01T15:00:00Z")
    slow.sandbox.clock.advance(hours=2)
    assert slow.get(path)["status"] == "scheduled"
    slow.sandbox.clock.advance(hours=0.5)
    assert slow.get(path)["status"] == "sending"
    other = f"/sms/broadcasts/{slow.post('/sms/broadcasts', 201, name='a', body='b', list_ids=[1])['id']}"
    slow.put(other, status="pending_review", scheduled_date="2026-03-09T13:00:00Z")
    slow.sandbox.clock.advance(days=1)
    # Without a date it goes out now, and not when it could have gone out.
    slow.put(other, scheduled_date=None)
    assert slow.get(other)["status"] == "sending"
    slow.sandbox.clock.advance(50)
    assert slow.get(other)["sent_date"] == "2026-03-02T09:00:50-06:00"


def test_numbers_come_over_days(serve: Callable[..., Served]) -> None:
    served = serve(pace=PACE, clock=Clock(START, speed=0), broadcasts=0, recipients=2000)
    made = served.post("/sms/broadcasts", 201, name="Sale", body="20% off", list_ids=[1])["id"]
    served.put(f"/sms/broadcasts/{made}", status="pending_review")

    def after(**time: float) -> dict[str, int]:
        served.sandbox.clock.advance(**time)
        [row] = served.post("/sms/broadcasts/metrics", ids=[made])["metrics"]
        counts: dict[str, int] = row
        assert counts["sends"] == counts["deliveries"] + counts["failures"]
        return counts

    begun = after(seconds=160)
    assert (begun["sends"], begun["clicks"], begun["replies"], begun["optOuts"]) == (2000, 0, 0, 0)
    assert begun["failures"] > 0
    hour, day, week, month, year = (after(hours=1), after(days=1), after(days=7), after(days=30), after(days=365))
    for name in ("clicks", "replies"):
        assert 0 < hour[name] < day[name] < week[name]
    assert 0 < hour["optOuts"] < week["optOuts"]
    # What was delivered at first can turn out to have failed.
    assert begun["failures"] < week["failures"]
    assert begun["deliveries"] > week["deliveries"]
    assert month == year


def test_seeded_data_are_there_even_before_their_time(serve: Callable[..., Served]) -> None:
    early = serve(clock=Clock(datetime(2010, 1, 1, tzinfo=UTC), speed=0), recipients=77)
    assert early.post("/sms/broadcasts/metrics", ids=[1])["metrics"][0]["sends"] == 77


def test_before_its_time_a_broadcast_is_a_draft(serve: Callable[..., Served]) -> None:
    early = serve(broadcasts=50, end=START.date(), clock=Clock(START - timedelta(days=400), speed=0))
    statuses = [each["status"] for each in early.pages("/sms/broadcasts", "broadcasts")]
    assert (statuses[0], statuses[-4:]) == ("sent", ["draft"] * 4)
    sent = early.get("/sms/broadcasts/metrics/snapshot")["snapshot"]["campaigns"]
    early.sandbox.clock.advance(days=200)
    assert 0 < sent < early.get("/sms/broadcasts/metrics/snapshot")["snapshot"]["campaigns"]


def test_an_audience_is_needed(slow: Served) -> None:
    def audience(**fields: object) -> int | None:
        made = slow.post("/sms/broadcasts", 201, name="a", body="b", **fields)
        answer = slow.http.put(f"/sms/broadcasts/{made['id']}", json={"status": "pending_review"})
        count: int | None = answer.json().get("sent_to_count")
        assert (answer.status_code == 409) == (count is None)
        return count

    lists = slow.get("/sms/lists")["lists"]
    assert audience() is None
    assert audience(list_ids=[1, 2]) == lists[0]["subscriber_count"] + lists[1]["subscriber_count"]
    assert audience(sent_to_count=3, list_ids=[1]) == 3
    by_segment = audience(segment_id="12")
    assert by_segment is not None
    assert by_segment <= 100
    assert audience(custom_segment_id="e3e70682-c209-1cac-a29f-6fbed82c07cd") is not None


def test_what_credits_do_not_pay_for_is_not_sent(serve: Callable[..., Served]) -> None:
    served = serve(extra_credits=0, recipients=0)
    path = f"/sms/broadcasts/{served.post('/sms/broadcasts', 201, name='a', body='b' * 161)['id']}"
    refused = served.put(path, 402, status="pending_review", sent_to_count=465)
    assert refused == {"message": "Not enough SMS credits: 930 needed, 929 available."}
    assert served.get(path)["sent_to_count"] is None
    assert served.put(path, status="pending_review", body="short", sent_to_count=929)["status"] == "pending_review"


def test_a_campaign_is_whatever_was_sent_to_anybody(slow: Served) -> None:
    before = slow.get("/sms/broadcasts/metrics/snapshot")["snapshot"]["campaigns"]
    for count in (0, 1):
        made = slow.post("/sms/broadcasts", 201, name="a", body="b", sent_to_count=count)
        slow.put(f"/sms/broadcasts/{made['id']}", status="pending_review")
        slow.sandbox.clock.advance(1000)
        assert slow.get("/sms/broadcasts/metrics/snapshot")["snapshot"]["campaigns"] == before + count


def test_no_audience_is_beyond_all_bounds(serve: Callable[..., Served]) -> None:
    served = serve(extra_credits=10**9)
    path = f"/sms/broadcasts/{served.post('/sms/broadcasts', 201, name='a', body='b')['id']}"
    assert served.put(path, status="pending_review", sent_to_count=10**20)["sent_to_count"] == 2_000_000


def test_credits_are_those_of_the_document(slow: Served) -> None:
    assert slow.get("/sms/credits") == {
        "smsCredits": {
            "period": "month",
            "nextRefillDate": "2026-03-26 15:06:25",
            "includedThisPeriod": 2000,
            "usedThisPeriod": 71,
            "extra": 9040,
            "available": 10_969,
        }
    }


# --- AI ---------------------------------------------------------------------------------------------------------


def ask(slow: Served, prompt: str = "Spring sale", **fields: object) -> str:
    method = "PUT" if fields else "POST"
    body = {"source": "ai_builder", "prompt": prompt, "tone": "casual", **fields}
    request: str = slow.json(method, "/sms/broadcasts/ai", json=body)["requestId"]
    return f"/sms/broadcasts/ai/{request}"


def test_ai_writes_a_broadcast(slow: Served) -> None:
    path = ask(slow)
    assert slow.get(path) == {"source": "ai_builder", "status": "in_progress", "broadcastId": None}
    other = ask(slow)
    assert other != path
    slow.sandbox.clock.advance(20)
    # It is there without anybody having asked how it went.
    assert slow.get("/sms/broadcasts")["meta"] == {"total": 7}
    ended = slow.get(path)
    assert ended == {"source": "ai_builder", "status": "success", "broadcastId": 6}
    assert slow.get("/sms/broadcasts/6")["body"] == "Spring sale (casual). Reply STOP to opt out"
    assert slow.get(other)["broadcastId"] == 7


def test_ai_fails_where_it_is_told_to(slow: Served) -> None:
    path = ask(slow, "Please FAIL")
    slow.sandbox.clock.advance(20)
    assert slow.get(path) == {"source": "ai_builder", "status": "error", "broadcastId": None}


def test_ai_rewrites_a_draft(slow: Served) -> None:
    draft = slow.post("/sms/broadcasts", 201, name="a", body="b", list_ids=[1])["id"]
    path = ask(slow, "Shorter", broadcastId=draft)
    early = ask(slow, broadcastId=draft)
    slow.sandbox.clock.advance(20)
    assert slow.get(path) == {"source": "ai_builder", "status": "success", "broadcastId": draft}
    assert slow.get(f"/sms/broadcasts/{draft}")["body"] == "Spring sale (casual). Reply STOP to opt out"
    assert slow.get(early)["status"] == "success"


def test_ai_does_not_rewrite_what_is_gone_or_on_its_way(slow: Served) -> None:
    draft = slow.post("/sms/broadcasts", 201, name="a", body="b", list_ids=[1])["id"]
    gone = slow.post("/sms/broadcasts", 201, name="a", body="b")["id"]
    paths = [ask(slow, broadcastId=draft), ask(slow, broadcastId=gone)]
    slow.put(f"/sms/broadcasts/{draft}", status="pending_review")
    slow.json("DELETE", f"/sms/broadcasts/{gone}")
    slow.sandbox.clock.advance(20)
    assert [slow.get(path)["status"] for path in paths] == ["error", "error"]
    body = {"source": "ai_builder", "prompt": "a", "tone": "b"}
    refused = slow.put("/sms/broadcasts/ai", 409, **body, broadcastId=draft)
    assert refused == {"message": "The broadcast is pending_review: only drafts can be rewritten."}
    slow.put("/sms/broadcasts/ai", 404, **body, broadcastId=gone)
    slow.get("/sms/broadcasts/ai/nobody-asked", 404)
