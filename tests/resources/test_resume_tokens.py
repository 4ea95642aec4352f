"""A token fits the listing, the filters and the order it was made for, and no others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from ac_sms_async import ConfigurationError, Pager, SMSClient

pytestmark = pytest.mark.anyio

Listing = Callable[..., Pager[Any]]


async def token_of(pager: Pager[Any], httpx_mock: HTTPXMock) -> str:
    rows = [{"id": number} for number in range(1, 101)]
    body = dict.fromkeys(("broadcasts", "lists", "recipients"), rows)
    httpx_mock.add_response(json={**body, "meta": {"total": 150}})
    return (await anext(pager.pages())).resume_token


@pytest.mark.parametrize(
    ("then", "now", "differs"),
    [
        ({"order": "asc"}, {"order": "desc"}, "another order:"),
        ({"order": "asc"}, {}, "another order:"),
        ({"order": "asc"}, {"order": "asc", "order_by": "created_at"}, "another order_by:"),
        ({}, {"status": "sent"}, "another status:"),
        ({"name": "Sale"}, {"name": "Sales", "type": "sms"}, "another name, type:"),
        ({"start_date": date(2026, 1, 1)}, {"end_date": date(2026, 1, 1)}, "another end_date, start_date:"),
    ],
)
async def test_of_broadcasts(sms: SMSClient, httpx_mock: HTTPXMock, then: Any, now: Any, differs: str) -> None:
    token = await token_of(sms.broadcasts.list(**then), httpx_mock)
    with pytest.raises(ConfigurationError, match=differs):
        sms.broadcasts.list(**now, resume=token)
    sms.broadcasts.list(**then, page_size=7, prefetch=1, resume=token)


@pytest.mark.parametrize(
    ("then", "now", "differs"),
    [
        ({}, {"search": "+1 555 0100"}, "another search:"),
        ({"deliverability": ["failures"]}, {"engagement": ["clicks"]}, "another deliverability, engagement:"),
        ({"order": "name"}, {"order": "phone"}, "another order:"),
    ],
)
async def test_of_recipients(sms: SMSClient, httpx_mock: HTTPXMock, then: Any, now: Any, differs: str) -> None:
    token = await token_of(sms.recipients.list(42, **then), httpx_mock)
    with pytest.raises(ConfigurationError, match=differs):
        sms.recipients.list(42, **now, resume=token)
    with pytest.raises(ConfigurationError, match="belongs to 'recipients of 42', not to 'recipients of 43'"):
        sms.recipients.list(43, **then, resume=token)
    sms.recipients.list(42, **then, page_size=7, resume=token)


async def test_of_lists(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    token = await token_of(sms.lists.list(name="a@example.org"), httpx_mock)
    with pytest.raises(ConfigurationError, match="another name:"):
        sms.lists.list(resume=token)
    with pytest.raises(ConfigurationError, match="belongs to 'lists', not to 'broadcasts'"):
        sms.broadcasts.list(name="a@example.org", resume=token)
    # Tokens are kept in files and logs; what was searched for may name a person.
    assert "example" not in token
