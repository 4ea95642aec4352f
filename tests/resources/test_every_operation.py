"""Each operation of the document is reachable from the facade, with exactly the request that the document describes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from attrs import frozen
from pytest_httpx import HTTPXMock

from ac_sms_async import SMSClient
from ac_sms_async.lowlevel.operations import OPERATIONS

pytestmark = pytest.mark.anyio

BASE = "https://acme.api-us1.com/api/3"
MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
BROADCAST: dict[str, Any] = {"id": 7, "name": "Sale", "status": "draft", "body": "20% off"}
COUNTS: dict[str, Any] = {"sends": 3, "deliveries": 2, "failures": 1, "clicks": 1, "replies": 0, "optOuts": 0}


@frozen
class Case:
    """One call of the facade, what it must send, and what it gets."""

    operation: str
    call: Callable[[SMSClient], Awaitable[Any]]
    sends: str
    """Method, path and query, percent-encoded as on the wire."""
    body: Any = None
    answer: Any = None
    status: int = 200
    csv: bytes | None = None


async def _read(export: Any) -> list[list[str]]:
    async with export as opened:
        return [row async for row in opened.records()]


CASES = [
    Case(
        "getSmsCreditData",
        lambda sms: sms.credits.get(),
        "GET /sms/credits",
        answer={"smsCredits": {"available": 9969}},
    ),
    Case(
        "listBroadcasts",
        lambda sms: sms.broadcasts.list(
            name="Sale & more",
            status="sent",
            type="sms",
            order="desc",
            start_date=date(2026, 1, 1),
            end_date=date(2026, 1, 31),
        ).first(),
        "GET /sms/broadcasts?offset=0&limit=1&filters%5Bname%5D=Sale+%26+more&filters%5Bstatus%5D=sent"
        "&filters%5Btype%5D=sms&orders%5Bfield%5D=DESC&start_date=2026-01-01&end_date=2026-01-31",
        answer={"broadcasts": [BROADCAST], "meta": {"total": 1}},
    ),
    Case(
        "listBroadcasts",
        lambda sms: sms.broadcasts.list(order="asc", order_by="created_at").count(),
        "GET /sms/broadcasts?offset=0&limit=1&orders%5Bcreated_at%5D=ASC",
        answer={"broadcasts": [BROADCAST], "meta": {"total": "1"}},
    ),
    Case(
        "createBroadcast",
        lambda sms: sms.broadcasts.create(
            name="Sale", body="20% off", list_ids=[3], address_id=8, scheduled_date=MOMENT, sent_to_count=5
        ),
        "POST /sms/broadcasts",
        {
            "name": "Sale",
            "body": "20% off",
            "status": "draft",
            "list_ids": [3],
            "address_id": 8,
            "scheduled_date": "2026-03-01T12:30:00+00:00",
            "sent_to_count": 5,
        },
        BROADCAST,
        201,
    ),
    Case("getBroadcast", lambda sms: sms.broadcasts.get(7), "GET /sms/broadcasts/7", answer=BROADCAST),
    Case(
        "updateBroadcast",
        lambda sms: sms.broadcasts.update(
            7,
            body="25% off",
            segment_id=None,
            media_urls=["https://acme.example/a.png"],
            preview_url="https://acme.example/p",
            shorten_track_links_enabled=True,
            label_ids=[],
            status="draft",
        ),
        "PUT /sms/broadcasts/7",
        {
            "body": "25% off",
            "segment_id": None,
            "media_urls": ["https://acme.example/a.png"],
            "preview_url": "https://acme.example/p",
            "shorten_track_links_enabled": True,
            "label_ids": [],
            "status": "draft",
        },
        BROADCAST,
    ),
    Case(
        "updateBroadcast",
        lambda sms: sms.broadcasts.send(7),
        "PUT /sms/broadcasts/7",
        {"status": "pending_review"},
        BROADCAST,
    ),
    Case(
        "updateBroadcast",
        lambda sms: sms.broadcasts.send(7, scheduled_date=MOMENT),
        "PUT /sms/broadcasts/7",
        {"status": "pending_review", "scheduled_date": "2026-03-01T12:30:00+00:00"},
        BROADCAST,
    ),
    Case("deleteBroadcast", lambda sms: sms.broadcasts.delete(7), "DELETE /sms/broadcasts/7", answer=BROADCAST),
    Case(
        "listBroadcastLists",
        lambda sms: sms.lists.list(name="VIP").count(),
        "GET /sms/lists?offset=0&limit=1&filters%5Bname%5D=VIP",
        answer={"lists": []},
    ),
    Case(
        "createAIBroadcast",
        lambda sms: sms.ai.create(prompt="Spring sale", tone="casual", source="ai_builder"),
        "POST /sms/broadcasts/ai",
        {"prompt": "Spring sale", "tone": "casual", "source": "ai_builder"},
        {"requestId": "r-1"},
    ),
    Case(
        "updateAIBroadcast",
        lambda sms: sms.ai.update(7, prompt="Shorter", tone="casual", source="ai_index"),
        "PUT /sms/broadcasts/ai",
        {"broadcastId": 7, "prompt": "Shorter", "tone": "casual", "source": "ai_index"},
        {"requestId": "r-1"},
    ),
    Case(
        "getAIBroadcastStatus",
        lambda sms: sms.ai.request("r-1").status(),
        "GET /sms/broadcasts/ai/r-1",
        answer={"status": "in_progress"},
    ),
    Case(
        "getBroadcastMetrics",
        lambda sms: sms.metrics.get([7, 8, 7], start_date=date(2026, 1, 1), end_date=date(2026, 1, 2)),
        "POST /sms/broadcasts/metrics?start_date=2026-01-01&end_date=2026-01-02",
        {"ids": [7, 8]},
        {"metrics": [{"id": 7, **COUNTS}]},
    ),
    Case(
        "getBroadcastSnapshot",
        lambda sms: sms.metrics.snapshot(start_date=date(2026, 1, 1)),
        "GET /sms/broadcasts/metrics/snapshot?start_date=2026-01-01",
        answer={"snapshot": {"campaigns": 1, **COUNTS}},
    ),
    Case(
        "getBroadcastSnapshotByIds",
        lambda sms: sms.metrics.snapshot(ids=[7]),
        "POST /sms/broadcasts/metrics/snapshot",
        {"ids": [7]},
        {"snapshot": {"campaigns": 1, **COUNTS}},
    ),
    Case(
        "getBroadcastFailures",
        lambda sms: sms.metrics.failures(7, end_date=date(2026, 1, 2)),
        "GET /sms/broadcasts/metrics/7/failures?end_date=2026-01-02",
        answer={"failures": []},
    ),
    Case(
        "getBroadcastRecipients",
        lambda sms: sms.recipients.list(
            7,
            start_date=date(2026, 1, 1),
            deliverability=["failures"],
            engagement=["clicks", "optOuts"],
            search="Ann",
            order="sentDate",
        ).count(),
        "GET /sms/broadcasts/7/recipients?start_date=2026-01-01&filters%5Bdeliverability%5D%5B%5D=failures"
        "&filters%5Bengagement%5D%5B%5D=clicks&filters%5Bengagement%5D%5B%5D=optOuts&search=Ann"
        "&order%5Bfield%5D=sentDate&offset=0&limit=1",
        answer={"recipients": [], "meta": {"total": 0}},
    ),
    Case(
        "exportBroadcastMetrics",
        lambda sms: _read(sms.exports.metrics([7])),
        "POST /sms/broadcasts/export",
        {"ids": [7]},
        csv=b"id,sends\n7,3\n",
    ),
    Case(
        "exportBroadcastRecipients",
        lambda sms: _read(
            sms.exports.recipients(
                7, end_date=date(2026, 1, 2), deliverability=["deliveries"], engagement=["replies"], order="name"
            )
        ),
        "POST /sms/broadcasts/7/recipients/export",
        {
            "end_date": "2026-01-02",
            "deliverability": ["deliveries"],
            "engagement": ["replies"],
            "order": {"field": "name"},
        },
        csv=b"id,name\n7,Ann\n",
    ),
]


def test_the_facade_covers_every_operation_of_the_document() -> None:
    covered = {case.operation for case in CASES}
    assert sorted(set(OPERATIONS) - covered) == [], "operations of the document that the facade has no call for"
    assert sorted(covered - set(OPERATIONS)) == [], "operations that the document no longer has"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
async def test_the_facade_sends_what_the_document_describes(case: Case, sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    if case.csv is None:
        httpx_mock.add_response(status_code=case.status, json=case.answer)
    else:
        httpx_mock.add_response(content=case.csv, headers={"content-type": "text/csv"})
    result = await case.call(sms)
    (request,) = httpx_mock.get_requests()
    assert f"{request.method} {request.url}" == case.sends.replace(" ", f" {BASE}", 1)
    assert (json.loads(request.content) if request.content else None) == case.body
    assert request.headers["api-token"] == "secret-token"
    assert request.headers["accept"] == ("application/json" if case.csv is None else "text/csv")
    assert result is not None or case.operation == "listBroadcastLists"


async def test_what_comes_back_is_unwrapped(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"smsCredits": {"available": "9969", "extra": 9040}})
    assert (await sms.credits.get()).available == 9969
    httpx_mock.add_response(json={"snapshot": COUNTS})
    assert (await sms.metrics.snapshot()).sends == 3
    httpx_mock.add_response(json={"failures": [{"errorCode": "30003", "count": 2}]})
    assert [(group.error_code, group.count) for group in await sms.metrics.failures(42)] == [("30003", 2)]
    httpx_mock.add_response(json={"metrics": [{"id": 7, **COUNTS}]})
    assert (await sms.metrics.get([7, 8]))[7].opt_outs == 0
    httpx_mock.add_response(status_code=204)
    assert await sms.broadcasts.delete(42) is None
