"""Metrics, recipients, snapshots and exports of the sandbox agree at any moment of its clock."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_sms_async.sandbox import Clock, Pace, Sandbox
from tests.properties.connections import examples
from tests.sandbox.served import Served

BEGIN = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = 86_400
COLUMNS = ("id", "name", "phoneNumber", "sentDate", "deliverability", "clicks", "optOut")
GROWING = ("sends", "failures", "clicks", "replies", "optOuts")
# While it is sent, while most answers come, and until the last one.
STEPS = st.lists(
    st.integers(0, 120) | st.integers(0, DAY // 4) | st.sampled_from([DAY, 3 * DAY, 30 * DAY]), min_size=1, max_size=4
)


def served(sandbox: Sandbox, http: httpx.Client) -> Served:
    http.base_url = f"{sandbox.url}/api/3"
    http.headers["Api-Token"] = sandbox.token
    return Served(sandbox, http)


def exported(to: Served, path: str, **fields: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to.http.post(path, json=fields).text, newline="")))


def by_recipients(rows: list[Any]) -> dict[str, int]:
    return {
        "sends": len(rows),
        "deliveries": sum(row["deliverability"] == "delivered" for row in rows),
        "failures": sum(row["deliverability"] == "failed" for row in rows),
        "clicks": sum(row["clicks"] for row in rows),
        "replies": sum(len(row["replies"]) for row in rows),
        "optOuts": sum(row["optOut"] == "yes" for row in rows),
    }


def recipients(to: Served, broadcast: int, **days: str) -> list[Any]:
    """All rows of a broadcast, which are also what its export and its filters say."""
    path = f"/sms/broadcasts/{broadcast}/recipients"
    rows = to.pages(path, "recipients", **days)
    export = exported(to, f"{path}/export", **days)
    assert [{name: row[name] for name in COLUMNS} for row in export] == [
        {name: str(row[name]) for name in COLUMNS} for row in rows
    ]
    assert [row["replies"] for row in export] == ["\n".join(each["message"] for each in row["replies"]) for row in rows]
    engaged = to.pages(path, "recipients", **days, **{"filters[engagement][]": ["clicks", "replies"]})
    assert engaged == [row for row in rows if row["clicks"] or row["replies"]]
    now = to.sandbox.clock.datetime().astimezone(ZoneInfo("America/Chicago")).strftime("%Y-%m-%d %H:%M:%S")
    for row in rows:
        assert row["sentDate"] <= now
        assert all(row["sentDate"] < reply["date"] <= now for reply in row["replies"])
    return rows


def agreed(to: Served, ids: list[int], **days: str) -> list[dict[str, int]]:
    """What metrics says of some broadcasts, after comparing it with everything else that says it."""
    metrics: list[dict[str, int]] = to.json("POST", "/sms/broadcasts/metrics", params=days, json={"ids": ids})[
        "metrics"
    ]
    total: Counter[str] = Counter({"campaigns": 0})
    for row in metrics:
        rows = recipients(to, row["id"], **days)
        counts = by_recipients(rows)
        assert row == {"id": row["id"], **counts}
        failures = to.get(f"/sms/broadcasts/metrics/{row['id']}/failures", **days)["failures"]
        failed = Counter(
            (each["details"]["errorCode"], each["details"]["errorSource"]) for each in rows if each["details"]
        )
        assert {(each["errorCode"], each["errorSource"]): each["count"] for each in failures} == failed
        total.update({"campaigns": counts["sends"] > 0, **counts})
    snapshot = to.get("/sms/broadcasts/metrics/snapshot", **days)["snapshot"]
    assert snapshot == {name: total[name] for name in snapshot}
    if not days:
        assert to.post("/sms/broadcasts/metrics/snapshot", ids=ids)["snapshot"] == snapshot
        export = exported(to, "/sms/broadcasts/export", ids=ids)
        assert [{name: int(row[name]) for name in metrics[0]} for row in export] == metrics
    return metrics


@settings(max_examples=examples(12))
@given(
    seed=st.integers(0, 9),
    broadcasts=st.integers(5, 7),
    recipients=st.integers(0, 90),
    count=st.integers(0, 120),
    steps=STEPS,
)
def test_everything_agrees_at_any_moment(
    seed: int, broadcasts: int, recipients: int, count: int, steps: list[int]
) -> None:
    options: dict[str, Any] = {"seed": seed, "broadcasts": broadcasts, "recipients": recipients, "rate_limit": None}
    clock = Clock(BEGIN, speed=0)
    with (
        Sandbox(**options, clock=clock, pace=Pace(sending=60)) as sandbox,
        httpx.Client(verify=False) as http,
    ):
        to = served(sandbox, http)
        made = to.post("/sms/broadcasts", 201, name="a", body="b", sent_to_count=count)["id"]
        to.put(f"/sms/broadcasts/{made}", status="pending_review")
        ids = list(range(1, made + 1))
        before: list[dict[str, int]] = []
        for step in steps:
            clock.advance(step)
            now = agreed(to, ids)
            for one, other in zip(before, now, strict=bool(before)):
                assert all(one[name] <= other[name] for name in GROWING)
            before = now
            # The day on which the long one is sent, cut in two.
            agreed(to, ids, start_date="2026-01-05")
            agreed(to, ids, end_date="2026-01-04")
    # Whoever comes at that moment sees the same, however time got there.
    with (
        Sandbox(**options, end=date(2026, 1, 5), clock=Clock(clock.datetime(), speed=0)) as later,
        httpx.Client(verify=False) as http,
    ):
        assert served(later, http).post("/sms/broadcasts/metrics", ids=ids[:-1])["metrics"] == before[:-1]
