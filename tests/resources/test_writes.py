"""Creating, changing and sending: explicit, sent once, and reconcilable where nobody can tell."""

from __future__ import annotations

import enum
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from ac_sms_async import UNSET, ConfigurationError, SMSClient, TransportError, UnconfirmedCreate

pytestmark = pytest.mark.anyio


class Sly(str):
    """A text that claims to be equal to every other."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class Status(str, enum.Enum):  # noqa: UP042 - the older kind, whose str() is not its value
    SEND = "pending_review"


@pytest.mark.parametrize("status", ["pending_review", "sent", "", None, Status.SEND])
async def test_update_cannot_send(sms: SMSClient, status: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"call broadcasts\.send"):
        await sms.broadcasts.update(7, status=status)


async def test_update_sends_its_own_draft_and_not_what_claims_to_be_one(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"id": 7})
    await sms.broadcasts.update(7, status=Sly("pending_review"))  # type: ignore[arg-type]  # the trick under test
    (request,) = httpx_mock.get_requests()
    assert json.loads(request.content) == {"status": "draft"}


SENDS_BY_THE_ESCAPE_HATCH: list[Callable[[SMSClient], Any]] = [
    lambda sms: sms.request("PUT", "/sms/broadcasts/7", json={"status": "pending_review"}),
    lambda sms: sms.request("put", "/sms/broadcasts/7", json={"broadcast": {"status": Status.SEND}}),
    lambda sms: sms.request("PATCH", "/sms/broadcasts/7", json=[{"status": Sly("Pending_Review")}]),
    lambda sms: sms.request("PUT", "/sms/broadcasts/7", params={"status": "pending_review"}),
]


@pytest.mark.parametrize("call", SENDS_BY_THE_ESCAPE_HATCH)
async def test_the_escape_hatch_cannot_send(sms: SMSClient, call: Callable[[SMSClient], Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"call broadcasts\.send"):
        await call(sms)


async def test_the_escape_hatch_refuses_what_json_cannot_hold(sms: SMSClient) -> None:
    with pytest.raises(ConfigurationError, match="what JSON can hold"):
        await sms.request("PUT", "/sms/quiet", json={("a", "b"): 1})


async def test_the_escape_hatch_reaches_what_the_document_lacks(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"quiet_hours": {"start": "21:00"}})
    answer = await sms.request("GET", "/sms/quiet", params={"status": "pending_review", "ids[]": [1, 2]})
    assert answer.parsed == {"quiet_hours": {"start": "21:00"}}
    (request,) = httpx_mock.get_requests()
    assert str(request.url).endswith("/api/3/sms/quiet?status=pending_review&ids%5B%5D=1&ids%5B%5D=2")
    httpx_mock.add_response(status_code=204)
    assert (await sms.request("POST", "/sms/quiet", json={"start": "21:00"})).parsed is None


BAD_INPUT: list[tuple[Callable[[Any], Any], str]] = [
    (lambda b: b.update(7), "at least one field"),
    (lambda b: b.update(7, body=""), "body is blank"),
    (lambda b: b.update(0, body="x"), "positive"),
    (lambda b: b.create(name="", body="x"), "name is blank"),
    (lambda b: b.create(name="a", body="x", list_ids=3), "list_ids must be a list"),
    (lambda b: b.create(name="a", body="x", list_ids=["3"]), "each of list_ids"),
    (lambda b: b.create(name="a", body="x", media_urls="https://a"), "media_urls must be a list"),
    (lambda b: b.create(name="a", body="x", media_urls=["ftp://a"]), "starts with https://"),
    (lambda b: b.create(name="a", body="x", shorten_track_links_enabled=1), "True or False"),
    (lambda b: b.create(name="a", body="x", scheduled_date=datetime(2026, 1, 1)), "no time zone"),  # noqa: DTZ001
    (lambda b: b.create(name="a", body="x", sent_to_count=-1), "at least 0"),
    (lambda b: b.send(7, scheduled_date="tomorrow"), "datetime"),
    (lambda b: b.delete("7"), "an int such as 42"),
]


@pytest.mark.parametrize(("call", "says"), BAD_INPUT)
async def test_bad_input_is_refused_before_anything_is_sent(
    sms: SMSClient, call: Callable[[Any], Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        await call(sms.broadcasts)
    assert caught.value.attempts == 0


BAD_FILTERS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda sms: sms.broadcasts.list(order_by="name"), "needs a direction"),
    (lambda sms: sms.broadcasts.list(order="asc", order_by="a]b"), "a column's name"),
    (lambda sms: sms.broadcasts.list(order="up"), "order must be one of"),
    (lambda sms: sms.broadcasts.list(status="paused"), "status must be one of"),
    (lambda sms: sms.broadcasts.list(page_size=0), "page_size"),
    (lambda sms: sms.recipients.list(7, engagement=["opens"]), "each of engagement"),
    (lambda sms: sms.exports.metrics([]), "ids is empty"),
    (lambda sms: sms.metrics.stream([7], chunk_size=0), "chunk_size"),
]


@pytest.mark.parametrize(("call", "says"), BAD_FILTERS)
async def test_bad_filters_are_refused_before_iterating(
    sms: SMSClient, call: Callable[[SMSClient], Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        call(sms)


async def test_an_unset_argument_is_left_out_and_none_clears(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"id": 7})
    await sms.broadcasts.update(7, body=UNSET, segment_id=None, scheduled_date=None, list_ids=None)
    (request,) = httpx_mock.get_requests()
    assert json.loads(request.content) == {"segment_id": None, "scheduled_date": None, "list_ids": None}


async def test_an_unconfirmed_create_can_be_looked_for(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ReadError("reset"))
    before = datetime.now(UTC)
    with pytest.raises(TransportError) as caught:
        await sms.broadcasts.create(name="Sale", body="20% off")
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.maybe_applied
    assert error.attempts == 1
    assert len(httpx_mock.get_requests()) == 1
    unconfirmed = error.unconfirmed
    assert isinstance(unconfirmed, UnconfirmedCreate)
    assert (unconfirmed.name, unconfirmed.body) == ("Sale", "20% off")
    assert unconfirmed.started_at >= before

    now = datetime.now(UTC).isoformat()
    rows = [
        {"id": 1, "name": "Sale", "body": "20% off", "created_at": "2025-01-01T00:00:00Z"},
        {"id": 2, "name": "Sale", "body": "30% off", "created_at": now},
        {"id": 3, "name": "Sales", "body": "20% off", "created_at": now},
        {"id": 4, "name": "Sale", "body": "20% off", "created_at": now},
        {"id": 5, "name": "Sale", "body": "20% off", "created_at": ""},
    ]

    def page(request: httpx.Request) -> httpx.Response:
        offset, limit = (int(request.url.params[name]) for name in ("offset", "limit"))
        assert request.url.params["filters[name]"] == "Sale"
        return httpx.Response(200, json={"broadcasts": rows[offset : offset + limit], "meta": {"total": 5}})

    httpx_mock.add_callback(page, is_reusable=True)
    assert [found.id for found in await sms.broadcasts.find_unconfirmed(unconfirmed)] == [4, 5]


async def test_a_refused_create_has_nothing_unconfirmed(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=400, json={"message": "no body"})
    with pytest.raises(Exception, match="no body") as caught:
        await sms.broadcasts.create(name="Sale", body="20% off")
    assert getattr(caught.value, "unconfirmed", None) is None
