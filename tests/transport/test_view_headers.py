"""Headers of a view: sent with each of its requests, and never in the place of the client's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from ac_sms_async import ConfigurationError, SMSClient
from ac_sms_async.lowlevel.types import Request
from tests.transport.requests import reading

pytestmark = pytest.mark.anyio

URL = "https://acme.api-us1.com"
REFUSED = [
    *("Api-Token", "API-TOKEN", "Host", "Authorization", "Cookie", "User-Agent", "Accept", "Connection", "Keep-Alive"),
    *("Content-Length", "Content-Type", "content-encoding", "Transfer-Encoding", "Accept-Encoding", "TE", "Trailer"),
    *("Upgrade", "Expect", "Proxy-Authorization", "Range", "If-Range", "X-HTTP-Method-Override"),
]


@pytest.fixture
async def sms() -> AsyncGenerator[SMSClient]:
    async with SMSClient(URL, "token", rate_limit=None) as client:
        yield client


async def test_they_are_sent_by_the_view_and_by_nobody_else(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"id": 7}, is_reusable=True)
    view = sms.with_options(headers={"X-Team": "billing", "X-Trace": "1"})
    more = view.with_options(headers={"x-trace": "2"}, timeout=3)
    await sms.broadcasts.get(7)
    await view.broadcasts.get(7)
    await more.broadcasts.get(7)
    await more.with_options(timeout=4).request("GET", "/sms/lists")
    seen = [(sent.headers.get("x-team"), sent.headers.get("x-trace")) for sent in httpx_mock.get_requests()]
    assert seen == [(None, None), ("billing", "1"), ("billing", "2"), ("billing", "2")]
    assert {sent.headers["api-token"] for sent in httpx_mock.get_requests()} == {"token"}


async def test_an_operation_s_own_header_stands(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={})
    view = sms.with_options(headers={"x-version": "mine", "X-Team": "billing"})
    request: Request[Any] = reading(headers=(("X-Version", "3"),))
    await view.transport.send(request)
    (sent,) = httpx_mock.get_requests()
    assert sent.headers.get_list("x-version") == ["3"]
    assert sent.headers["x-team"] == "billing"


@pytest.mark.parametrize("name", REFUSED)
async def test_the_client_s_own_are_refused(sms: SMSClient, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"the header {name} can't be set"):
        sms.with_options(headers={name: "x"})


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X-Team": "a\r\nApi-Token: b"}, "can't carry that"),
        ({"X-Team": "Zoë"}, "can't carry that"),
        ({"X-Team\r\nHost": "b"}, "can't be called"),
        ({"": "b"}, "can't be called"),
        ({"X-Team": 3}, "must be str"),
        ({3: "b"}, "must be str"),
        ([("X-Team", "b")], "must be a dict"),
        ("X-Team: b", "must be a dict"),
    ],
)
async def test_what_can_stand_in_no_request_is_refused(sms: SMSClient, headers: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        sms.with_options(headers=headers)
