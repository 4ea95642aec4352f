"""Arguments that are almost right: None where nothing is given, numbers that are no int, texts that can't be sent."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, cast, get_args, get_type_hints

import pytest
from pytest_httpx import HTTPXMock

from ac_sms_async import UNSET, ConfigurationError, SMSClient
from ac_sms_async.models import BroadcastMessage, BroadcastUpdateRequest
from ac_sms_async.resources.broadcasts import BroadcastsResource

pytestmark = pytest.mark.anyio


class Number:
    """A whole number as NumPy has it: no int, but with an index."""

    def __index__(self) -> int:
        return 42


FORTY_TWO = cast("int", Number())


@pytest.mark.parametrize("none", [None, UNSET])
async def test_none_in_create_is_not_given(sms: SMSClient, httpx_mock: HTTPXMock, none: None) -> None:
    httpx_mock.add_response(json={"id": 1}, status_code=201)
    parameters = inspect.signature(BroadcastsResource.create).parameters
    optional = dict.fromkeys(name for name, each in parameters.items() if each.default is UNSET)
    assert len(optional) == 10
    await sms.broadcasts.create(name="Sale", body="20% off", **dict.fromkeys(optional, none))
    assert json.loads(httpx_mock.get_requests()[0].content) == {"name": "Sale", "body": "20% off", "status": "draft"}


def test_what_none_clears_is_what_the_document_lets_be_cleared() -> None:
    """Held against the generated model, which is made of the document."""
    fields = get_type_hints(BroadcastUpdateRequest)
    ours = get_type_hints(BroadcastsResource.update)
    for name in fields:
        assert (type(None) in get_args(fields[name])) == (type(None) in get_args(ours[name])), name


async def test_none_in_update_clears_what_can_be_cleared_and_is_refused_otherwise(
    sms: SMSClient, httpx_mock: HTTPXMock
) -> None:
    fields = get_type_hints(BroadcastUpdateRequest)
    for name in fields:
        change: Any = {name: None}
        if type(None) in get_args(fields[name]):
            httpx_mock.add_response(json={"id": 1})
            await sms.broadcasts.update(1, **change)
            assert json.loads(httpx_mock.get_requests()[-1].content) == change
        else:
            sent = len(httpx_mock.get_requests())
            with pytest.raises(ConfigurationError, match=name):
                await sms.broadcasts.update(1, **change)
            assert len(httpx_mock.get_requests()) == sent


NUMBERS: dict[str, Callable[[SMSClient], Awaitable[object]]] = {
    "GET /sms/broadcasts/42": lambda sms: sms.broadcasts.get(FORTY_TWO),
    "PUT /sms/broadcasts/42": lambda sms: sms.broadcasts.update(
        FORTY_TWO, list_ids=[FORTY_TWO], sent_to_count=FORTY_TWO
    ),
    "DELETE /sms/broadcasts/42": lambda sms: sms.broadcasts.delete(FORTY_TWO),
    "POST /sms/broadcasts/metrics": lambda sms: sms.metrics.get([FORTY_TWO]),
    "POST /sms/broadcasts/metrics/snapshot": lambda sms: sms.metrics.snapshot(ids=[FORTY_TWO]),
    "GET /sms/broadcasts/metrics/42/failures": lambda sms: sms.metrics.failures(FORTY_TWO),
    "GET /sms/broadcasts/42/recipients?offset=0&limit=42": lambda sms: sms.recipients.list(
        FORTY_TWO, page_size=FORTY_TWO, prefetch=2
    ).to_list(max_items=FORTY_TWO),
    "PUT /sms/broadcasts/ai": lambda sms: sms.ai.update(FORTY_TWO, prompt="p", tone="t", source="ai_index"),
    "GET /sms/new?a=42&b=42": lambda sms: sms.request("GET", "/sms/new", params={"a": FORTY_TWO, "b": [FORTY_TWO]}),
}


@pytest.mark.parametrize("request_line", NUMBERS)
async def test_whole_numbers_of_other_libraries(request_line: str, sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    names = ("metrics", "recipients", "failures")
    httpx_mock.add_response(json={"id": 42, "requestId": "r", "snapshot": {}, **{key: [] for key in names}})
    await NUMBERS[request_line](sms)
    (request,) = httpx_mock.get_requests()
    assert f"{request.method} {request.url.raw_path.decode().removeprefix('/api/3')}" == request_line
    body: Any = json.loads(request.content or b"{}")
    assert body.get("ids", [42]) == [42]
    assert body.get("list_ids", [42]) == [42]
    assert body.get("sent_to_count", 42) == 42


HALF = "half \ud83d of a pair"
TEXTS: dict[str, Callable[[SMSClient], Any]] = {
    "name": lambda sms: sms.broadcasts.list(name=HALF),
    "type": lambda sms: sms.broadcasts.list(type=HALF),
    "name of a list": lambda sms: sms.lists.list(name=HALF),
    "search": lambda sms: sms.recipients.list(1, search=HALF),
    "search of an export": lambda sms: sms.exports.recipients(1, search=HALF),
    "request_id": lambda sms: sms.ai.request("r\ud83d"),
    "create": lambda sms: sms.broadcasts.create(name="Sale", body=HALF),
    "update": lambda sms: sms.broadcasts.update(1, media_urls=["https://a.example/\ud83d"]),
    "prompt": lambda sms: sms.ai.create(prompt=HALF, tone="t", source="ai_index"),
    "params": lambda sms: sms.request("GET", "/sms/new", params={"q": HALF}),
    "a name of params": lambda sms: sms.request("GET", "/sms/new", params={HALF: "q"}),
}


@pytest.mark.parametrize("what", TEXTS)
async def test_half_a_surrogate_pair_is_refused_before_anything_is_sent(what: str, sms: SMSClient) -> None:
    with pytest.raises(ConfigurationError, match="half a surrogate pair"):
        await TEXTS[what](sms)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"start": date(2026, 1, 1)}, r"params\['start'\] must be .* not date: .* a date as value.isoformat\(\)"),
        ({"start": [datetime(2026, 1, 1, tzinfo=UTC)]}, "not datetime"),
        ({"a": b"x"}, "not bytes"),
        ({"a": float("nan")}, "finite float"),
        ({"a": float("inf")}, "finite float"),
        ({"a": {"b": 1}}, "not dict"),
        ({"a": 10**5000}, "not int"),
        ({3: "a"}, "names of params must be str, not int"),
        ([("a", "b")], "must be a dict such as {'limit': 20}, not list"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else "",
)
async def test_params_that_no_query_can_hold_are_refused(sms: SMSClient, params: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        await sms.request("GET", "/sms/new", params=params)


async def test_params_that_can_be_written(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={})
    params: Any = {"a": "x y", "b": [1, None, True], "c": (1.5, "z"), "d": None, "e": False}
    await sms.request("GET", "/sms/new", params=params)
    assert httpx_mock.get_requests()[0].url.query == b"a=x%20y&b=1&b=true&c=1.5&c=z&e=false"


@pytest.mark.parametrize("unconfirmed", [None, "Sale", {"name": "Sale"}])
async def test_only_an_unconfirmed_create_is_looked_for(sms: SMSClient, unconfirmed: Any) -> None:
    with pytest.raises(ConfigurationError, match="find_unconfirmed takes the"):
        await sms.broadcasts.find_unconfirmed(unconfirmed)


@pytest.mark.parametrize(
    "moment",
    [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-6))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ],
)
async def test_moments_at_the_ends_of_the_calendar_keep_their_own_offset(
    sms: SMSClient, httpx_mock: HTTPXMock, moment: datetime
) -> None:
    httpx_mock.add_response(json={"id": 1, "scheduled_date": moment.isoformat()})
    changed = await sms.broadcasts.update(1, scheduled_date=moment)
    assert json.loads(httpx_mock.get_requests()[0].content) == {"scheduled_date": moment.isoformat()}
    assert isinstance(changed, BroadcastMessage)
    assert changed.to_dict()["scheduled_date"] == moment.isoformat()
    assert BroadcastUpdateRequest(scheduled_date=changed.scheduled_date).to_dict() == {
        "scheduled_date": moment.isoformat()
    }


async def test_a_chunk_may_be_as_large_as_one_likes(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"metrics": []})
    assert (await sms.metrics.fetch([1, 2], chunk_size=2**63)).missing == [1, 2]
