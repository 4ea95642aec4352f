"""The one place that calls the facade, against a sandbox."""

from __future__ import annotations

import pytest

from ac_sms_async import NotFoundError, SMSClient
from ac_sms_async.collect.source import ClientSource
from ac_sms_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_what_names_the_account() -> None:
    async with (
        SMSClient("https://acme.example/eu/", "t") as sms,
        SMSClient("https://a.example", "t", account="A") as other,
    ):
        assert (ClientSource(sms).account, ClientSource(sms).url) == ("acme.example/eu", "https://acme.example/eu")
        assert (ClientSource(other).account, ClientSource(other).url) == ("A", "https://a.example")


async def test_one_by_one() -> None:
    async with Sandbox(seed=7, broadcasts=3, rate_limit=None) as sandbox, SMSClient(sandbox.url, sandbox.token) as sms:
        source = ClientSource(sms)
        fields = await source.broadcast(1)
        assert (fields["broadcast_id"], fields["status"]) == (1, "sent")
        with pytest.raises(NotFoundError):
            await source.broadcast(99)
        counted = await source.metrics([1, 99])
        assert (set(counted.metrics), counted.missing, counted.failed) == ({1}, (99,), {})
