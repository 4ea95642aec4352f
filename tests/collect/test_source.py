"""The one place that calls the facade, against a sandbox."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from ac_sms_async import AttemptFinished, ConfigurationError, Event, NotFoundError, SMSClient
from ac_sms_async.collect import collect, open_store
from ac_sms_async.collect.source import ClientSource
from ac_sms_async.collect.window import Listing
from ac_sms_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_what_names_the_account() -> None:
    async with (
        SMSClient("https://acme.example/eu/", "t") as sms,
        SMSClient("https://a.example", "t", account="A") as other,
    ):
        assert (ClientSource(sms).account, ClientSource(sms).url) == ("acme.example/eu", "https://acme.example/eu")
        assert (ClientSource(other).account, ClientSource(other).url) == ("A", "https://a.example")


async def test_it_lets_the_calls_of_others_go_first(tmp_path: Path) -> None:
    priorities: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, AttemptFinished):
            priorities.append(event.priority)

    async with (
        Sandbox(seed=7, broadcasts=3, rate_limit=None) as sandbox,
        SMSClient(sandbox.url, sandbox.token, rate_limit=None, on_event=note) as sms,
        open_store(tmp_path / "metrics.sqlite") as store,
    ):
        await sms.credits.get()
        assert (await collect(sms, store)).status == "complete"
        await sms.credits.get()
    assert priorities[0] == priorities[-1] == "interactive"
    assert set(priorities[1:-1]) == {"bulk"}


async def test_one_by_one() -> None:
    async with Sandbox(seed=7, broadcasts=3, rate_limit=None) as sandbox, SMSClient(sandbox.url, sandbox.token) as sms:
        source = ClientSource(sms)
        fields = await source.broadcast(1)
        assert (fields["broadcast_id"], fields["status"]) == (1, "sent")
        with pytest.raises(NotFoundError):
            await source.broadcast(99)
        counted = await source.metrics([1, 99])
        assert (set(counted.metrics), counted.missing, counted.failed) == ({1}, (99,), {})


async def test_lists_with_rows_and_without() -> None:
    async with Sandbox(seed=7, broadcasts=3, rate_limit=None) as sandbox, SMSClient(sandbox.url, sandbox.token) as sms:
        source = ClientSource(sms)
        async with source.broadcasts(Listing()) as pages:
            assert [(len(page.items), page.total, page.unreadable) async for page in pages] == [(3, 3, 0)]
        async with source.broadcasts(Listing(name="nothing like it")) as pages:
            assert [(page.items, page.total) async for page in pages] == [([], 0)]
        async with source.recipients(1) as pages:
            assert [page.total async for page in pages]
        with pytest.raises(ConfigurationError, match="status"):
            source.broadcasts(Listing(status="lost"))


class Huge(httpx.ASGITransport):
    """A sandbox in which the first row of a list has an id that no database can keep."""

    def __init__(self, sandbox: Sandbox, rows: str) -> None:
        super().__init__(sandbox.app)
        self.rows = rows

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        body: Any = json.loads(await answer.aread())
        if request.url.path.endswith(f"/{self.rows}"):
            body[self.rows][0]["id"] = 2**63
        return httpx.Response(answer.status_code, json=body)


@pytest.mark.parametrize(
    ("rows", "said", "kept"),
    [
        ("broadcasts", "1 rows of the list came without a usable id", 2),
        ("recipients", "owed: recipients of 3 broadcasts, such as: .* and 1 without a usable id", 3),
    ],
)
async def test_an_id_that_no_database_can_keep_is_no_row_and_told(
    tmp_path: Path, rows: str, said: str, kept: int
) -> None:
    sandbox = Sandbox(seed=7, broadcasts=3, recipients=4, rate_limit=None)
    async with (
        httpx.AsyncClient(transport=Huge(sandbox, rows)) as http,
        SMSClient("https://acme.example", sandbox.token, http_client=http, rate_limit=None) as sms,
        await open_store(str(tmp_path / "metrics.sqlite")) as store,
    ):
        result = await collect(sms, store, include={"recipients"})
        assert result.status == "partial"
        assert re.search(said, "; ".join(result.reasons)), result.reasons
        assert await store.read("SELECT COUNT(*) FROM broadcasts") == [(kept,)]
