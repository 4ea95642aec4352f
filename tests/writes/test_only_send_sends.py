"""Nothing but `broadcasts.send` can start a send, by any argument; and it does so exactly once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_sms_async import ConfigurationError, SMSClient, SMSError
from ac_sms_async.lowlevel.types import UNSET
from tests.bad_answers.memory import client_of
from tests.faults.answers import VALUES

pytestmark = pytest.mark.anyio

MAGIC = "pending_review"


class Sneaky(str):
    """A text that is equal to "draft" when it is looked at, and another when it is sent."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other == "draft" or str.__eq__(self, other)

    def __hash__(self) -> int:
        return hash("draft")


values = st.sampled_from(
    [
        MAGIC,
        Sneaky(MAGIC),
        MAGIC.upper(),
        f" {MAGIC}",
        "draft",
        "sent",
        {"status": MAGIC},
        [MAGIC],
        f'x","status":"{MAGIC}',
        None,
        UNSET,
        True,
        3,
        [3],
        "9d3f2a53-29e8-4a5c-9b52-0a4f41f0a3a1",
        datetime(2027, 1, 1, tzinfo=UTC),
        "https://example.com/a.png",
        ["https://example.com/a.png"],
    ]
)
FIELDS = [
    "name",
    "body",
    "status",
    "list_ids",
    "segment_id",
    "custom_run_id",
    "custom_segment_id",
    "address_id",
    "media_urls",
    "preview_url",
    "shorten_track_links_enabled",
    "scheduled_date",
    "sent_to_count",
    "label_ids",
    "extra",
]
arguments = st.dictionaries(st.sampled_from(FIELDS), values, max_size=5)


def starts_a_send(request: httpx.Request) -> bool:
    """As a server would read it: the last of several keys of one name counts, and so may the first."""
    pairs: list[tuple[str, Any]] = []
    if request.content:
        pairs = json.loads(request.content, object_pairs_hook=list)
    return any(key == "status" and value == MAGIC for key, value in pairs if isinstance(pairs, list))


async def sent_by(call: Callable[[SMSClient], Awaitable[Any]]) -> list[httpx.Request]:
    sent: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        name = "createAIBroadcast" if request.url.path.endswith("/ai") else "getBroadcast"
        return httpx.Response(200, json=VALUES[name])

    async with client_of(server) as sms:
        # Refused is fine as well; a TypeError is Python's own word about an argument that there isn't.
        with contextlib.suppress(SMSError, TypeError):
            await call(sms)
    return sent


def _create(given_: dict[str, Any]) -> dict[str, Any]:
    return {"name": "Sale", "body": "20%", **given_}


@settings(max_examples=200)
@given(given_=arguments)
async def test_create_never_does(given_: dict[str, Any]) -> None:
    for request in await sent_by(lambda sms: sms.broadcasts.create(**_create(given_))):
        assert not starts_a_send(request)
        assert json.loads(request.content)["status"] == "draft"


@settings(max_examples=200)
@given(given_=arguments)
async def test_update_never_does(given_: dict[str, Any]) -> None:
    for request in await sent_by(lambda sms: sms.broadcasts.update(42, **given_)):
        assert not starts_a_send(request)


@settings(max_examples=100)
@given(prompt=values, tone=values, source=values)
async def test_ai_never_does(prompt: Any, tone: Any, source: Any) -> None:
    for request in [
        *await sent_by(lambda sms: sms.ai.create(prompt=prompt, tone=tone, source=source)),
        *await sent_by(lambda sms: sms.ai.update(42, prompt=prompt, tone=tone, source=source)),
    ]:
        assert not starts_a_send(request)


class Changing(dict[str, Any]):
    """A mapping that shows one thing when it is looked at, and another when it is sent."""

    def get(self, key: str, default: Any = None) -> Any:
        return "draft" if key == "status" else super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        return "draft" if key == "status" else super().__getitem__(key)


BODIES: list[Any] = [
    {"status": MAGIC},
    {"body": "x", "status": MAGIC},
    {"broadcast": {"status": MAGIC}},
    Changing(status=MAGIC),
    {"status": Sneaky(MAGIC)},
]


@pytest.mark.parametrize("body", BODIES, ids=["plain", "among others", "wrapped", "changing", "sneaky"])
@pytest.mark.parametrize(
    "path", ["/sms/broadcasts/42", "/api/3/sms/broadcasts/42", "/sms/broadcasts", "/sms/%62roadcasts/42"]
)
@pytest.mark.parametrize("method", ["PUT", "put", "PATCH", "POST"])
async def test_the_escape_hatch_refuses_to(method: str, path: str, body: Any) -> None:
    refused = False

    async def call(sms: SMSClient) -> None:
        nonlocal refused
        try:
            await sms.request(method, path, json=body, retry_safe=True)
        except ConfigurationError as error:
            refused = "broadcasts.send" in str(error)
            raise

    assert await sent_by(call) == []
    assert refused


async def test_send_does_and_says_nothing_else() -> None:
    (request,) = await sent_by(lambda sms: sms.broadcasts.send(42))
    assert (request.method, request.url.path) == ("PUT", "/api/3/sms/broadcasts/42")
    assert json.loads(request.content) == {"status": MAGIC}
    at = datetime(2027, 1, 1, tzinfo=UTC)
    (request,) = await sent_by(lambda sms: sms.broadcasts.send(42, scheduled_date=at))
    assert set(json.loads(request.content)) == {"status", "scheduled_date"}
