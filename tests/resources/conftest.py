"""A client whose requests are answered by pytest-httpx, and that is closed with its test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ac_sms_async import SMSClient

URL = "https://acme.api-us1.com"


@pytest.fixture
async def sms() -> AsyncIterator[SMSClient]:
    async with SMSClient(URL, "secret-token", rate_limit=None) as client:
        yield client
