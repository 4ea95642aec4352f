"""The client as a whole: its construction, its views, its end, and its names."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

import ac_sms_async
from ac_sms_async import ConfigurationError, RetryPolicy, ServerError, SMSClient, models
from ac_sms_async.lowlevel.api.broadcasts import list_broadcasts

URL = "https://acme.api-us1.com"
TOKEN = "secret-token"


def test_every_public_name_exists_and_is_exported_once() -> None:
    assert len(set(ac_sms_async.__all__)) == len(ac_sms_async.__all__)
    for name in ac_sms_async.__all__:
        assert getattr(ac_sms_async, name) is not None
    assert {"SMSError", "RateLimit", "RetryPolicy", "Pager", "MetricsBatch"} <= set(ac_sms_async.__all__)
    assert "BroadcastMessage" in models.__all__
    assert models.BroadcastMessage(id=1).id == 1


def test_construction_needs_no_loop_and_tells_no_token() -> None:
    sms = SMSClient(f" {URL}/api/3/ ", TOKEN)
    assert TOKEN not in repr(sms)
    assert "acme.api-us1.com" in repr(sms)
    assert TOKEN not in repr(vars(sms))


def test_from_env_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", URL)
    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", " ")
    with pytest.raises(ConfigurationError, match=r"^set ACTIVECAMPAIGN_API_TOKEN in"):
        SMSClient.from_env()
    monkeypatch.delenv("ACTIVECAMPAIGN_URL")
    with pytest.raises(ConfigurationError, match="ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_TOKEN"):
        SMSClient.from_env()


@pytest.mark.anyio
async def test_from_env_reads_both_and_passes_options(monkeypatch: pytest.MonkeyPatch, httpx_mock: HTTPXMock) -> None:
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", URL)
    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", f"{TOKEN}\n")
    httpx_mock.add_response(json={"id": 7, "created_at": "2026-01-01 00:00:00"})
    async with SMSClient.from_env(timezone=UTC, rate_limit=None) as sms:
        broadcast = await sms.broadcasts.get(7)
    assert broadcast.created_at is not None
    assert broadcast.created_at.utcoffset() == timedelta(0)
    (request,) = httpx_mock.get_requests()
    assert request.headers["api-token"] == TOKEN


def test_from_env_trusts_one_host_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", TOKEN)
    for url, host, trusted in (
        ("http://sandbox:8080/acme", "sandbox:8080", True),
        (" HTTP://Sandbox:8080/acme/api/3 ", " SANDBOX:8080", True),
        ("http://sandbox", "sandbox", True),
        ("http://sandbox:8080", "", False),
        ("http://sandbox:8080", "sandbox", False),
        ("http://sandbox:8080", "sandbox:80", False),
        ("http://sandbox:8080.evil.example", "sandbox:8080", False),
        ("http://sandbox:8080@evil.example", "sandbox:8080", False),
        ("http://evil.example/sandbox:8080", "sandbox:8080", False),
        ("http://evil.example", " ", False),
    ):
        monkeypatch.setenv("ACTIVECAMPAIGN_URL", url)
        monkeypatch.setenv("ACTIVECAMPAIGN_INSECURE_HOST", host)
        if trusted:
            SMSClient.from_env()
            with pytest.raises(ConfigurationError, match="in the clear"):
                SMSClient.from_env(allow_insecure_http=False)
        else:
            with pytest.raises(ConfigurationError, match=r"in the clear|valid host|user name"):
                SMSClient.from_env()
            monkeypatch.setenv("ACTIVECAMPAIGN_URL", "https://acme.api-us1.com")
            SMSClient.from_env()


@pytest.mark.anyio
async def test_a_view_has_its_own_options_and_closes_nothing(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=503)
    httpx_mock.add_response(json={"id": 7})
    async with SMSClient(URL, TOKEN, rate_limit=None) as sms:
        async with sms.with_options(retry=RetryPolicy(max_attempts=1)) as view:
            with pytest.raises(ServerError) as caught:
                await view.broadcasts.get(7)
            assert caught.value.attempts == 1
        assert (await sms.broadcasts.get(7)).id == 7
    with pytest.raises(ConfigurationError, match="closed"):
        await sms.broadcasts.get(7)
    await sms.aclose()


@pytest.mark.anyio
async def test_the_low_level_layer_stands_alone(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"broadcasts": [{"id": 7}]}, headers={"x-request-id": "r"}, is_reusable=True)
    async with SMSClient(URL, TOKEN, rate_limit=None) as sms:
        page = await list_broadcasts.asyncio(sms.transport, limit=20)
        assert [row.id for row in page.broadcasts] == [7]
        detailed = await list_broadcasts.asyncio_detailed(sms.transport, limit=20)
        assert (detailed.status, detailed.headers["x-request-id"]) == (200, "r")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"timeout": 0}, "timeout"),
        ({"deadline": None}, "deadline"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"account": ""}, "account"),
        ({"backend": "carrier pigeon"}, "backend"),
        ({"http_client": object()}, "http_client"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        SMSClient(URL, TOKEN, **options)
