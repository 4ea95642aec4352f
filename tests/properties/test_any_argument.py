"""Whatever is handed to a method: either a request goes out that the document accepts, or nothing does."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest

from ac_sms_async import UNSET, ConfigurationError, SMSClient, UnconfirmedCreate
from tests.conformance.sandbox_document import sandbox_document

HOST = "https://acme.example"
EXAMPLES = 400 if os.environ.get("AC_SMS_DEEP") else 15


def _judge() -> OpenAPI:
    document = sandbox_document(f"{HOST}/api/3", lists=2**63 - 1)
    for name in ("BroadcastCreateRequest", "BroadcastUpdateRequest"):
        for field in ("custom_segment_id", "custom_run_id"):
            # The one correction of ours that is more generous: what came from the server goes back as it came.
            document["components"]["schemas"][name]["properties"].get(field, {}).pop("format", None)
    return OpenAPI.from_dict(document)


JUDGE = _judge()


class Index:
    """A whole number as NumPy has it: no int, and used as one."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number

    def __repr__(self) -> str:
        return f"Index({self.number})"


class Colour(IntEnum):
    RED = 3


class Text(str):
    """A text of a class of its own."""


MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**63 - 1, 2**63, 10**400, 1.5, float("nan"), float("inf"), Decimal("4")),
    *("", " ", "sent", "pending_review", "\ud800", "a\udfff", "\x00", "é&=#?/..", "a" * 5000, "..", "{}", '{"v":1}'),
    *(b"x", bytearray(b"x"), [], [1], [0], ["1"], ["\ud800"], [None], [True], [Index(4)], [[]], {}, {"a": 1}, {3: 4}),
    *(
        range(3),
        iter([5, 6]),
        iter(["clicks"]),
        {7},
        ("failures",),
        list,
        object(),
        len,
        UNSET,
        Text("sent"),
        Colour.RED,
    ),
    *(Index(7), Index(-7), date(2026, 1, 1), date.min, date.max, MOMENT, MOMENT.replace(tzinfo=None)),
    datetime.max.replace(tzinfo=timezone(timedelta(hours=-6))),
    datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    *(["http://a.example/\ud800"], "https://a.example/x.png", ["https://a.example/x.png"], timedelta(1)),
]
PERIOD: dict[str, Any] = {"start_date": date(2026, 1, 1), "end_date": date(2026, 2, 1)}
FILTERS: dict[str, Any] = {**PERIOD, "deliverability": ["failures"], "engagement": ["clicks"], "search": "Ann"}
PAGING: dict[str, Any] = {"page_size": 50, "prefetch": 2, "resume": None}
BROADCAST: dict[str, Any] = {
    "name": "Sale",
    "body": "20% off",
    "list_ids": [3],
    "segment_id": "s",
    "custom_segment_id": "c",
    "address_id": 4,
    "media_urls": ["https://a.example/x.png"],
    "preview_url": "https://a.example",
    "scheduled_date": MOMENT,
    "shorten_track_links_enabled": True,
    "sent_to_count": 5,
    "label_ids": [1],
}
AI: dict[str, Any] = {"prompt": "Spring", "tone": "casual", "source": "ai_builder"}
Call = Callable[[SMSClient, dict[str, Any]], Awaitable[object]]


async def _drain(stream: Any) -> list[Any]:
    return [item async for item in stream]


async def _read(export: Any) -> list[Any]:
    async with export:
        return [chunk async for chunk in export.bytes()]


def _without(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name}


METHODS: dict[str, tuple[Call, dict[str, Any], tuple[str, ...]]] = {
    # What to call, arguments that are right, and those of them that it can't do without.
    "broadcasts.list": (
        lambda sms, given: sms.broadcasts.list(**given).to_list(),
        {"name": "S", "status": "sent", "type": "sms", "order": "asc", "order_by": "name", **PERIOD, **PAGING},
        (),
    ),
    "broadcasts.first": (
        lambda sms, given: sms.broadcasts.list(**_without(given, "max_items")).to_list(given.get("max_items")),
        {"max_items": 3, **PAGING},
        (),
    ),
    "broadcasts.get": (lambda sms, given: sms.broadcasts.get(**given), {"broadcast_id": 4}, ("broadcast_id",)),
    "broadcasts.create": (lambda sms, given: sms.broadcasts.create(**given), BROADCAST, ("name", "body")),
    "broadcasts.update": (
        lambda sms, given: sms.broadcasts.update(**given),
        {"broadcast_id": 4, "status": "draft", "custom_run_id": "r", **BROADCAST},
        ("broadcast_id",),
    ),
    "broadcasts.send": (
        lambda sms, given: sms.broadcasts.send(**given),
        {"broadcast_id": 4, "scheduled_date": MOMENT},
        ("broadcast_id",),
    ),
    "broadcasts.delete": (lambda sms, given: sms.broadcasts.delete(**given), {"broadcast_id": 4}, ("broadcast_id",)),
    "broadcasts.wait": (
        lambda sms, given: sms.broadcasts.wait(**given),
        {"broadcast_id": 4, "until": "sent", "timeout": 3.0},
        ("broadcast_id",),
    ),
    "broadcasts.find_unconfirmed": (
        lambda sms, given: sms.broadcasts.find_unconfirmed(**given),
        {"unconfirmed": UnconfirmedCreate("Sale", "20% off", MOMENT)},
        ("unconfirmed",),
    ),
    "lists.list": (lambda sms, given: sms.lists.list(**given).to_list(), {"name": "V", **PAGING}, ()),
    "ai.create": (lambda sms, given: sms.ai.create(**given), AI, tuple(AI)),
    "ai.update": (lambda sms, given: sms.ai.update(**given), {"broadcast_id": 4, **AI}, ("broadcast_id", *AI)),
    "ai.status": (
        lambda sms, given: sms.ai.request(**given).status(),
        {"request_id": "r-1"},
        ("request_id",),
    ),
    "metrics.get": (lambda sms, given: sms.metrics.get(**given), {"ids": [1, 2], **PERIOD}, ("ids",)),
    "metrics.fetch": (
        lambda sms, given: sms.metrics.fetch(**given),
        {"ids": [1, 2], **PERIOD, "chunk_size": 1, "max_concurrency": 2},
        ("ids",),
    ),
    "metrics.stream": (
        lambda sms, given: _drain(sms.metrics.stream(**given)),
        {"ids": [1, 2], **PERIOD, "chunk_size": 1, "max_concurrency": 2},
        ("ids",),
    ),
    "metrics.snapshot": (lambda sms, given: sms.metrics.snapshot(**given), {"ids": [1, 2], **PERIOD}, ()),
    "metrics.failures": (
        lambda sms, given: sms.metrics.failures(**given),
        {"broadcast_id": 4, **PERIOD},
        ("broadcast_id",),
    ),
    "metrics.stream_failures": (
        lambda sms, given: _drain(sms.metrics.stream_failures(**given)),
        {"ids": [1, 2], **PERIOD, "max_concurrency": 2},
        ("ids",),
    ),
    "recipients.list": (
        lambda sms, given: sms.recipients.list(**given).to_list(),
        {"broadcast_id": 4, **FILTERS, "order": "name", **PAGING},
        ("broadcast_id",),
    ),
    "exports.metrics": (
        lambda sms, given: _read(sms.exports.metrics(**given)),
        {"ids": [1, 2], "total_timeout": 5.0},
        ("ids",),
    ),
    "exports.recipients": (
        lambda sms, given: _read(sms.exports.recipients(**given)),
        {"broadcast_id": 4, **FILTERS, "order": "name", "total_timeout": 5.0},
        ("broadcast_id",),
    ),
    "request": (
        lambda sms, given: sms.request("GET", "/sms/new", params=given),
        {"a": "b", "c": [1, "d"], "e": 1.5, "f": None, "g": True, "h": Index(3)},
        (),
    ),
}
ANSWER: dict[str, Any] = {
    "id": 4,
    "status": "success",
    "broadcastId": 4,
    "requestId": "r-1",
    "snapshot": {},
    "failures": [],
    **{name: [] for name in ("broadcasts", "lists", "recipients", "metrics")},
}


def _answer(request: httpx.Request) -> httpx.Response:
    if request.headers["accept"] == "text/csv":
        return httpx.Response(200, headers={"content-type": "text/csv"}, content=b"id\r\n")
    # A broadcast that is waited for has been sent.
    return httpx.Response(200, json=ANSWER | ({"status": "sent"} if "/ai" not in request.url.path else {}))


def judge(request: httpx.Request) -> None:
    """Hold a request against the document, strictly; `OpenAPIError` where it isn't accepted."""
    params = request.url.params
    JUDGE.validate_request(
        MockRequest(
            HOST,
            request.method.lower(),
            request.url.path,
            args={key: params.get_list(key) for key in params},
            headers=dict(request.headers),
            data=request.content or None,
            content_type=request.headers.get("content-type", "application/json"),
        )
    )


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_either_the_document_accepts_what_is_sent_or_nothing_is(method: str, data: st.DataObject) -> None:
    call, right, needed = METHODS[method]
    optional = sorted(set(right) - set(needed))
    names = [*needed, *(data.draw(st.sets(st.sampled_from(optional))) if optional else ())]
    odd = data.draw(st.sets(st.sampled_from(names), max_size=2)) if names else set[str]()
    given = {name: deepcopy(data.draw(st.sampled_from(ODD))) if name in odd else right[name] for name in names}
    note(f"{method}({given})")
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return _answer(request)

    async def main() -> None:
        async with (
            httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http,
            SMSClient(HOST, "secret-token", http_client=http, rate_limit=None) as sms,
        ):
            try:
                await call(sms, given)
            except (ConfigurationError, TypeError) as error:
                note(f"{error!r}")
                assert not sent, "it was refused after it was sent"

    anyio.run(main)
    for request in sent:
        note(f"{request.method} {request.url} {request.content!r}")
        if method != "request":
            judge(request)


def test_the_judge_refuses_what_the_document_does_not_have() -> None:
    for query, accepted in (({"filters[status]": "sent"}, True), ({"filters[status]": "gone"}, False)):
        request = httpx.Request("GET", f"{HOST}/api/3/sms/broadcasts", params=query, headers={"api-token": "t"})
        with nullcontext() if accepted else pytest.raises(OpenAPIError):
            judge(request)
