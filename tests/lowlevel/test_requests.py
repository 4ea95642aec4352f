"""What goes on the wire, to the letter, for each of the 17 operations, through each of their functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, TypeVar

import httpx
import pytest

from ac_sms_async.lowlevel.api.ai import create_ai_broadcast, get_ai_broadcast_status, update_ai_broadcast
from ac_sms_async.lowlevel.api.broadcasts import (
    create_broadcast,
    delete_broadcast,
    get_broadcast,
    list_broadcasts,
    update_broadcast,
)
from ac_sms_async.lowlevel.api.credits import get_sms_credit_data
from ac_sms_async.lowlevel.api.exports import export_broadcast_metrics, export_broadcast_recipients
from ac_sms_async.lowlevel.api.lists import list_broadcast_lists
from ac_sms_async.lowlevel.api.metrics import (
    get_broadcast_failures,
    get_broadcast_metrics,
    get_broadcast_snapshot,
    get_broadcast_snapshot_by_ids,
)
from ac_sms_async.lowlevel.api.recipients import get_broadcast_recipients
from ac_sms_async.lowlevel.models import (
    AIBroadcastRequest,
    AIBroadcastUpdateRequest,
    BroadcastCreateRequest,
    BroadcastIds,
    BroadcastUpdateRequest,
    RecipientsExportRequest,
)
from ac_sms_async.lowlevel.operations import OPERATIONS
from ac_sms_async.lowlevel.types import UNSET, Request, Response

T = TypeVar("T")

DAYS: dict[str, Any] = {"start_date": date(2026, 1, 2), "end_date": date(2026, 3, 4)}
DAYS_QUERY = "start_date=2026-01-02&end_date=2026-03-04"
NEW = BroadcastCreateRequest(name="Sale", body="20% off")
IDS = BroadcastIds(ids=[3, 1])

# operation, module, positional arguments, keyword arguments, method, path, query, body
CALLS: list[tuple[str, Any, tuple[Any, ...], dict[str, Any], str, str, str, Any]] = [
    ("getSmsCreditData", get_sms_credit_data, (), {}, "GET", "/sms/credits", "", UNSET),
    ("listBroadcasts", list_broadcasts, (), {}, "GET", "/sms/broadcasts", "", UNSET),
    (
        "listBroadcasts",
        list_broadcasts,
        (),
        {"offset": 0, "limit": 100, "name": "a b&c=é", "status": "sent", "type_": "sms", "order": "DESC", **DAYS},
        "GET",
        "/sms/broadcasts",
        "offset=0&limit=100&filters%5Bname%5D=a+b%26c%3D%C3%A9&filters%5Bstatus%5D=sent&filters%5Btype%5D=sms"
        f"&orders%5Bfield%5D=DESC&{DAYS_QUERY}",
        UNSET,
    ),
    (
        "listBroadcasts",
        list_broadcasts,
        (),
        {"order": "ASC", "order_by": "sent_date"},
        "GET",
        "/sms/broadcasts",
        "orders%5Bsent_date%5D=ASC",
        UNSET,
    ),
    (
        "createBroadcast",
        create_broadcast,
        (NEW,),
        {},
        "POST",
        "/sms/broadcasts",
        "",
        {"name": "Sale", "body": "20% off"},
    ),
    ("getBroadcast", get_broadcast, (7,), {}, "GET", "/sms/broadcasts/7", "", UNSET),
    (
        "updateBroadcast",
        update_broadcast,
        (7, BroadcastUpdateRequest(status="pending_review", segment_id=None)),
        {},
        "PUT",
        "/sms/broadcasts/7",
        "",
        {"status": "pending_review", "segment_id": None},
    ),
    ("deleteBroadcast", delete_broadcast, (7,), {}, "DELETE", "/sms/broadcasts/7", "", UNSET),
    (
        "listBroadcastLists",
        list_broadcast_lists,
        (),
        {"offset": 20, "limit": 20, "name": "VIP"},
        "GET",
        "/sms/lists",
        "offset=20&limit=20&filters%5Bname%5D=VIP",
        UNSET,
    ),
    (
        "createAIBroadcast",
        create_ai_broadcast,
        (AIBroadcastRequest(source="ai_builder", prompt="Spring", tone="casual"),),
        {},
        "POST",
        "/sms/broadcasts/ai",
        "",
        {"source": "ai_builder", "prompt": "Spring", "tone": "casual"},
    ),
    (
        "updateAIBroadcast",
        update_ai_broadcast,
        (AIBroadcastUpdateRequest(source="ai_index", prompt="Shorter", tone="dry", broadcast_id=7),),
        {},
        "PUT",
        "/sms/broadcasts/ai",
        "",
        {"source": "ai_index", "prompt": "Shorter", "tone": "dry", "broadcastId": 7},
    ),
    (
        "getAIBroadcastStatus",
        get_ai_broadcast_status,
        ("a/b c%2f..é",),
        {},
        "GET",
        "/sms/broadcasts/ai/a%2Fb%20c%252f..%C3%A9",
        "",
        UNSET,
    ),
    (
        "getBroadcastMetrics",
        get_broadcast_metrics,
        (IDS,),
        DAYS,
        "POST",
        "/sms/broadcasts/metrics",
        DAYS_QUERY,
        {"ids": [3, 1]},
    ),
    (
        "getBroadcastSnapshot",
        get_broadcast_snapshot,
        (),
        {"end_date": date(2026, 3, 4)},
        "GET",
        "/sms/broadcasts/metrics/snapshot",
        "end_date=2026-03-04",
        UNSET,
    ),
    (
        "getBroadcastSnapshotByIds",
        get_broadcast_snapshot_by_ids,
        (IDS,),
        {},
        "POST",
        "/sms/broadcasts/metrics/snapshot",
        "",
        {"ids": [3, 1]},
    ),
    (
        "getBroadcastFailures",
        get_broadcast_failures,
        (7,),
        DAYS,
        "GET",
        "/sms/broadcasts/metrics/7/failures",
        DAYS_QUERY,
        UNSET,
    ),
    (
        "getBroadcastRecipients",
        get_broadcast_recipients,
        (7,),
        {
            "deliverability": ["deliveries", "failures"],
            "engagement": ("optOuts",),
            "search": "+1 (312)",
            "order": "sentDate",
            "offset": 100,
            "limit": 50,
            **DAYS,
        },
        "GET",
        "/sms/broadcasts/7/recipients",
        f"{DAYS_QUERY}&filters%5Bdeliverability%5D%5B%5D=deliveries&filters%5Bdeliverability%5D%5B%5D=failures"
        "&filters%5Bengagement%5D%5B%5D=optOuts&search=%2B1+%28312%29&order%5Bfield%5D=sentDate&offset=100&limit=50",
        UNSET,
    ),
    (
        "exportBroadcastMetrics",
        export_broadcast_metrics,
        (IDS,),
        {},
        "POST",
        "/sms/broadcasts/export",
        "",
        {"ids": [3, 1]},
    ),
    (
        "exportBroadcastRecipients",
        export_broadcast_recipients,
        (
            7,
            RecipientsExportRequest(
                **DAYS,
                engagement=["clicks"],
                deliverability=["failures"],
                search="Ann",
                order={"field": "name"},
            ),
        ),
        {},
        "POST",
        "/sms/broadcasts/7/recipients/export",
        "",
        {
            "start_date": "2026-01-02",
            "end_date": "2026-03-04",
            "engagement": ["clicks"],
            "deliverability": ["failures"],
            "search": "Ann",
            "order": {"field": "name"},
        },
    ),
]


def test_no_operation_is_left_out() -> None:
    assert {name for name, *_ in CALLS} == set(OPERATIONS)


@pytest.mark.parametrize(("name", "module", "args", "kwargs", "method", "path", "query", "body"), CALLS)
def test_the_wire_to_the_letter(
    name: str,
    module: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    method: str,
    path: str,
    query: str,
    body: Any,
) -> None:
    request = module.request(*args, **kwargs)
    assert (request.operation_id, request.method, request.path, request.query) == (name, method, path, query)
    assert request.json == body
    assert request.accept == ("text/csv" if name.startswith("export") else "application/json")
    assert request.retry_safe is OPERATIONS[name].retry_safe
    # httpx would have written the same query.
    assert str(httpx.QueryParams(query)) == query


class Recorder:
    """A client that answers every request with the request itself."""

    async def send(self, request: Request[T], /) -> Response[T]:
        parsed: Any = request
        headers: Mapping[str, str] = {"x-request-id": "1"}
        return Response(status=200, headers=headers, parsed=parsed)


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "module", "args", "kwargs"), [call[:4] for call in CALLS])
async def test_both_functions_send_that_request(
    name: str, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    request = module.request(*args, **kwargs)
    assert await module.asyncio(Recorder(), *args, **kwargs) == request
    response = await module.asyncio_detailed(Recorder(), *args, **kwargs)
    assert (response.status, response.headers, response.parsed) == (200, {"x-request-id": "1"}, request)


@pytest.mark.parametrize("request_id", ["", ".", ".."])
def test_a_request_id_cannot_leave_its_place_in_the_path(request_id: str) -> None:
    with pytest.raises(ValueError, match="request_id cannot be"):
        get_ai_broadcast_status.request(request_id)


@pytest.mark.parametrize("request_id", ["a/../b", "%2e%2e", "..%2f", "a?b#c", "a\\b", "...", "é\n"])
def test_a_request_id_stays_one_segment(request_id: str) -> None:
    path = get_ai_broadcast_status.request(request_id).path
    url = httpx.URL(f"https://acme.api-us1.com/api/3{path}")
    segments = url.raw_path.decode().split("/")
    assert segments[:6] == ["", "api", "3", "sms", "broadcasts", "ai"]
    assert len(segments) == 7
    assert not url.query
    assert not url.fragment
    assert url.path.removeprefix("/api/3/sms/broadcasts/ai/") == request_id


@pytest.mark.parametrize("value", [True, "7", 7.0, None, "7/metrics"])
def test_ids_and_numbers_are_ints(value: Any) -> None:
    with pytest.raises(TypeError, match="broadcast_id must be an int"):
        get_broadcast.request(value)
    if value is not None:
        with pytest.raises(TypeError, match="limit must be an int"):
            list_broadcasts.request(limit=value)


@pytest.mark.parametrize("value", ["2026-01-02", datetime(2026, 1, 2), 20260102])  # noqa: DTZ001 - a mistake to be caught
def test_days_are_dates_and_no_moments(value: Any) -> None:
    with pytest.raises(TypeError, match="start_date must be a date"):
        get_broadcast_snapshot.request(start_date=value)


@pytest.mark.parametrize("value", ["deliveries", [1], [None]])
def test_filters_are_lists_of_texts(value: Any) -> None:
    with pytest.raises(TypeError, match="deliverability must be a"):
        get_broadcast_recipients.request(1, deliverability=value)


def test_texts_are_texts() -> None:
    number: Any = 5
    with pytest.raises(TypeError, match="name must be a str, not int"):
        list_broadcasts.request(name=number)


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        (datetime(2026, 7, 1, 9, tzinfo=timezone(timedelta(hours=-5))), "2026-07-01T14:00:00+00:00"),
        (datetime(2026, 7, 1, 9, 0, 0, 500, tzinfo=UTC), "2026-07-01T09:00:00.000500+00:00"),
        (datetime(2026, 7, 1, 9), "2026-07-01T09:00:00+00:00"),  # noqa: DTZ001 - naive on purpose
    ],
)
@pytest.mark.parametrize("kind", [BroadcastCreateRequest, BroadcastUpdateRequest])
def test_moments_are_sent_in_utc(kind: Any, moment: datetime, sent: str) -> None:
    assert kind(name="n", body="b", scheduled_date=moment).to_dict()["scheduled_date"] == sent


def test_a_moment_is_a_datetime() -> None:
    text: Any = "now"
    with pytest.raises(TypeError, match="scheduled_date must be a datetime, not str"):
        BroadcastCreateRequest(name="n", body="b", scheduled_date=text).to_dict()


def test_left_out_and_cleared_are_not_the_same() -> None:
    assert BroadcastUpdateRequest().to_dict() == {}
    cleared = BroadcastUpdateRequest(scheduled_date=None, list_ids=None, label_ids=[])
    assert cleared.to_dict() == {"scheduled_date": None, "list_ids": None, "label_ids": []}


def test_every_field_of_a_request_goes_under_its_wire_name() -> None:
    created = BroadcastCreateRequest(
        name="n",
        body="b",
        address_id=1,
        media_urls=["https://x/y.png"],
        preview_url="https://x",
        shorten_track_links_enabled=False,
        status="draft",
        sent_to_count=5,
        list_ids=[1],
        segment_id="s",
        custom_segment_id="c",
        label_ids=[2],
    ).to_dict()
    assert created == {
        "name": "n",
        "body": "b",
        "address_id": 1,
        "media_urls": ["https://x/y.png"],
        "preview_url": "https://x",
        "shorten_track_links_enabled": False,
        "status": "draft",
        "sent_to_count": 5,
        "list_ids": [1],
        "segment_id": "s",
        "custom_segment_id": "c",
        "label_ids": [2],
    }
    assert BroadcastUpdateRequest(**created, custom_run_id="r").to_dict() == {**created, "custom_run_id": "r"}


def test_requests_are_values() -> None:
    assert list_broadcasts.request(limit=1) == list_broadcasts.request(limit=1) != list_broadcasts.request(limit=2)
    request: Any = list_broadcasts.request()
    with pytest.raises(AttributeError):
        request.path = "/elsewhere"
