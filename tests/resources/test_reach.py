"""What of the document the facade doesn't reach: named, but for what is left out on purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl

import attrs
import httpx
import pytest

from ac_sms_async import SMSClient
from ac_sms_async.lowlevel.base import Model
from codegen.keywords import is_list, is_object
from codegen.overlay import apply
from codegen.render import Description, describe, overlay
from codegen.shapes import Shape
from tests.codegen.verdicts import document
from tests.lowlevel.answers import ANSWERS

pytestmark = pytest.mark.anyio

LEFT_OUT = {
    "PageMeta.limit": "what was asked for, said back",
    "PageMeta.offset": "what was asked for, said back",
    "PageMeta.total": "`Page.total` and `Pager.count()`",
    "AIBroadcastResponse.requestId": "`AIRequest.id`",
}
"""Not reached under its own name, and why, or where it is."""

MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
DAYS: dict[str, Any] = {"start_date": date(2026, 1, 1), "end_date": date(2026, 1, 31)}
FIELDS: dict[str, Any] = {
    "name": "Sale",
    "body": "20% off",
    "address_id": 1,
    "media_urls": ["https://acme.example/a.png"],
    "preview_url": "https://acme.example/p",
    "shorten_track_links_enabled": True,
    "sent_to_count": 5,
    "label_ids": [6],
}
FILTERS: dict[str, Any] = {
    "deliverability": ["failures"],
    "engagement": ["clicks"],
    "search": "Ana",
    "order": "sentDate",
    **DAYS,
}


async def _text(export: Any) -> None:
    async with export as opened:
        assert [row async for row in opened.records()]


CALLS: list[Callable[[SMSClient], Awaitable[Any]]] = [
    lambda sms: sms.credits.get(),
    lambda sms: sms.broadcasts.list(name="Sale", status="sent", type="sms", order="desc", **DAYS).first(),
    lambda sms: sms.broadcasts.get(42),
    lambda sms: sms.broadcasts.create(**FIELDS, scheduled_date=MOMENT, list_ids=[3]),
    lambda sms: sms.broadcasts.create(**FIELDS, segment_id="7"),
    lambda sms: sms.broadcasts.create(**FIELDS, custom_segment_id="70c5078f-bbba-4f5b-b341-d9a9a20208ff"),
    lambda sms: sms.broadcasts.update(42, **FIELDS, list_ids=[3], status="draft"),
    lambda sms: sms.broadcasts.update(42, segment_id="7", custom_run_id="e4a5bd84-972b-4fc6-a725-ace292a503f8"),
    lambda sms: sms.broadcasts.update(42, custom_segment_id="70c5078f-bbba-4f5b-b341-d9a9a20208ff"),
    lambda sms: sms.broadcasts.send(42, scheduled_date=MOMENT),
    lambda sms: sms.broadcasts.delete(42),
    lambda sms: sms.lists.list(name="VIP").first(),
    lambda sms: sms.ai.create(prompt="Sale", tone="casual", source="ai_builder"),
    lambda sms: sms.ai.update(42, prompt="Sale", tone="casual", source="ai_builder"),
    lambda sms: sms.ai.request("r-1").status(),
    lambda sms: sms.metrics.get([42], **DAYS),
    lambda sms: sms.metrics.snapshot(**DAYS),
    lambda sms: sms.metrics.snapshot(ids=[42]),
    lambda sms: sms.metrics.failures(42, **DAYS),
    lambda sms: sms.recipients.list(42, **FILTERS).first(),
    lambda sms: _text(sms.exports.metrics([42])),
    lambda sms: _text(sms.exports.recipients(42, **FILTERS)),
]


class Reached:
    """What the facade was seen to send and to give."""

    def __init__(self, told: Description) -> None:
        self.told = told
        self.names: set[str] = set()
        """Operations, parameters and body fields that were sent, and models that were given"""
        self.routes = [
            (one.method, re.compile("/api/3" + re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(one.path))), one)
            for one in sorted(told.operations, key=lambda one: one.path.count("{"))
        ]

    def answer(self, request: httpx.Request) -> httpx.Response:
        operation = next(
            one
            for method, path, one in self.routes
            if method == request.method and path.fullmatch(request.url.path) is not None
        )
        self.names.add(operation.id)
        query = [name for name, _ in parse_qsl(request.url.query.decode())]
        fields: list[str] = [*json.loads(request.content)] if request.content else []
        self.names.update(f"{operation.id}: {name} in the query" for name in query)
        self.names.update(f"{operation.id}: {name} in the body" for name in fields)
        if operation.accept == "text/csv":
            return httpx.Response(200, text="id\n42\n", headers={"Content-Type": "text/csv"})
        return httpx.Response(200, json=ANSWERS[operation.id])

    def given(self, value: Any) -> None:
        """Notes the models in what a call gave."""
        items: list[Any] = [*value.values()] if is_object(value) else value if is_list(value) else [value]
        for one in items:
            if isinstance(one, Model):
                self.names.add(type(one).__name__)
                for field in attrs.fields(type(one)):
                    self.given(getattr(one, field.name))

    def missing(self) -> set[str]:
        """What the document has beyond that."""
        wanted = {operation.id for operation in self.told.operations}
        for operation in self.told.operations:
            wanted |= {f"{operation.id}: {parameter.wire} in the query" for parameter in operation.query}
            wanted |= {f"{operation.id}: {parameter.wire} in the headers" for parameter in operation.headers}
            if operation.body is not None:
                fields = self.told.schemas[operation.body.annotation].fields
                wanted |= {f"{operation.id}: {field.wire} in the body" for field in fields}
        fields_missing = {
            f"{schema.name}.{field.wire}"
            for schema in self.told.schemas.values()
            if schema.response and schema.name not in self.names
            for field in schema.fields
            if not self._is_unwrapped(field.shape)
        }
        return (wanted - self.names) | fields_missing

    def _is_unwrapped(self, shape: Shape) -> bool:
        """Of an envelope the facade gives what is in it."""
        inner = shape.item if shape.item is not None else shape
        return inner.kind == "model" and (inner.annotation in self.names or inner.annotation == "PageMeta")


async def reached(told: Description) -> Reached:
    found = Reached(told)
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(found.answer)) as http_client,
        SMSClient("https://acme.api-us1.com", "secret-token", rate_limit=None, http_client=http_client) as sms,
    ):
        for call in CALLS:
            found.given(await call(sms))
    return found


async def test_the_facade_reaches_all_that_the_document_has() -> None:
    found = await reached(describe(apply(document(), overlay())))
    assert found.missing() == LEFT_OUT.keys()


async def test_what_the_facade_does_not_reach_is_named() -> None:
    changed = json.loads(json.dumps(document()))
    paths, schemas = changed["paths"], changed["components"]["schemas"]
    paths["/sms/lists"]["get"]["parameters"] += [
        {"name": "filters[owner]", "in": "query", "schema": {"type": "string"}},
        {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
    ]
    paths["/sms/lists"]["patch"] = {
        **paths["/sms/lists"]["get"],
        "operationId": "patchLists",
        "parameters": [],
        "responses": {
            "200": {
                "description": "d",
                "content": {
                    "application/json": {"schema": {"type": "object", "properties": {"done": {"type": "boolean"}}}}
                },
            }
        },
    }
    schemas["BroadcastCreateRequest"]["properties"]["quiet_hours_enabled"] = {"type": "integer"}
    actions = [
        *overlay()["actions"],
        {
            "target": "$.paths['/sms/lists'].patch",
            "update": {"tags": ["lists"], "x-retry-safe": False},
        },
    ]
    found = await reached(describe(apply(changed, {**overlay(), "actions": actions})))
    assert found.missing() - LEFT_OUT.keys() == {
        "listBroadcastLists: filters[owner] in the query",
        "listBroadcastLists: X-Trace in the headers",
        "patchLists",
        "PatchListsResponse.done",
        "createBroadcast: quiet_hours_enabled in the body",
    }
