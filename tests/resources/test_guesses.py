"""Every operation through the client, under each value of each guess about the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import anyio
import httpx
import pytest

from ac_sms_async import (
    AuthenticationError,
    BroadcastStoppedError,
    NotFoundError,
    PermissionDeniedError,
    SMSClient,
)
from ac_sms_async.sandbox import Clock, Guesses, Pace, Sandbox

pytestmark = pytest.mark.anyio

SIZE = 130
END = date(2026, 1, 5)
FIRST, LAST = date(2020, 1, 1), date(2030, 1, 1)
NOON = datetime(2026, 1, 5, 18, tzinfo=UTC)
"""In Chicago."""


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.fixture(params=["as they are", *Guesses.others()])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Without sockets: what the real server might do has nothing to do with connections."""
    guesses = Guesses.read([request.param] if "=" in request.param else [])
    clock = Clock(NOON, monotonic=anyio.current_time)
    return Sandbox(broadcasts=SIZE, recipients=SIZE, rate_limit=None, clock=clock, pace=Pace(ai=30), guesses=guesses)


def client(sandbox: Sandbox, token: str | None = None, **options: Any) -> SMSClient:
    http = httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app))
    return SMSClient(
        "http://localhost", token or sandbox.token, http_client=http, rate_limit=None, deadline=60, **options
    )


@pytest.fixture
async def sms(sandbox: Sandbox) -> AsyncIterator[SMSClient]:
    async with client(sandbox) as sms:
        yield sms


@pytest.mark.parametrize(("page_size", "prefetch"), [(20, 1), (100, 3), (1000, 1)])
async def test_listings_are_whole(sms: SMSClient, page_size: int, prefetch: int) -> None:
    options: dict[str, Any] = {"page_size": page_size, "prefetch": prefetch}
    newest = (await sms.broadcasts.list(page_size=2).to_list())[0].id != 1
    found = [each.id for each in await sms.broadcasts.list(**options).to_list()]
    assert found == list(range(1, SIZE + 1))[:: -1 if newest else 1]
    people = [each.id for each in await sms.recipients.list(1, **options).to_list()]
    assert len(people) == len(set(people)) == SIZE
    assert len(await sms.lists.list(**options).to_list()) == 12
    assert await sms.broadcasts.list(**options).count() == SIZE
    both = [each.id for each in await sms.broadcasts.list(order="asc", **options).to_list()]
    assert both == [*range(1, SIZE + 1)]


async def test_a_listing_is_gone_on_with(sms: SMSClient) -> None:
    first = await anext(sms.broadcasts.list(page_size=20).pages())
    rest = await sms.broadcasts.list(page_size=20, resume=first.resume_token).to_list()
    found = [each.id for each in (*first.items, *rest)]
    assert sorted(found) == list(range(1, SIZE + 1))


async def test_a_listing_from_which_rows_go(sandbox: Sandbox, sms: SMSClient) -> None:
    found: list[int | None] = []
    gone = 60
    async for broadcast in sms.broadcasts.list(page_size=20):
        found.append(broadcast.id)
        if len(found) == 30:
            await sms.broadcasts.delete(gone)
    assert len(found) == len(set(found))
    assert set(found) >= set(range(1, SIZE + 1)) - {gone}


async def test_days(sms: SMSClient) -> None:
    """Those of one week, together with the others, are all of them."""
    middle = END - timedelta(days=100)
    before = await sms.broadcasts.list(end_date=middle).to_list()
    after = await sms.broadcasts.list(start_date=middle + timedelta(days=1)).to_list()
    assert len(before) > 10
    assert len(after) > 10
    assert sorted(each.id for each in (*before, *after)) == list(range(1, SIZE + 1))


async def test_what_is_not_there_is_not_found(sms: SMSClient) -> None:
    ids = [1, 2, 999]
    for asked in (
        sms.broadcasts.get(999),
        sms.broadcasts.delete(999),
        sms.broadcasts.update(999, name="a"),
        sms.metrics.failures(999),
        sms.recipients.list(999).first(),
        sms.ai.request("none").status(),
        sms.ai.update(999, prompt="a", tone="b", source="ai_builder"),
    ):
        with pytest.raises(NotFoundError, match="No Result found"):
            await asked
    with pytest.raises(NotFoundError):
        async with sms.exports.recipients(999):
            raise AssertionError("it was exported")
    batch = await sms.metrics.fetch(ids)
    assert (list(batch.metrics), list(batch.missing), batch.failed) == ([1, 2], [999], {})
    # One that isn't there costs the others nothing.
    outcomes = [(each.id, each.status) async for each in sms.metrics.stream_failures([1, 999, 2])]
    assert sorted(outcomes) == [(1, "ok"), (2, "ok"), (999, "failed")]


async def test_a_wrong_token(sandbox: Sandbox) -> None:
    async with client(sandbox, "wrong") as sms:
        with pytest.raises((AuthenticationError, PermissionDeniedError)):
            await sms.broadcasts.get(1)


async def test_the_ai_is_waited_for(sms: SMSClient) -> None:
    made = await (await sms.ai.create(prompt="Sale", tone="casual", source="sms_index")).wait(timeout=300)
    assert (made.body or "").startswith("Sale (casual)")
    changed = await (await sms.ai.update(made.id, prompt="Less", tone="dry", source="ai_builder")).wait(timeout=300)
    assert (changed.id, (changed.body or "").startswith("Less (dry)")) == (made.id, True)


async def test_a_life(sms: SMSClient) -> None:
    used = (await sms.credits.get()).used_this_period or 0
    draft = await sms.broadcasts.create(name="Sale", body="20% off", list_ids=[1])
    assert (await sms.broadcasts.update(draft.id, body="25% off")).body == "25% off"
    await sms.broadcasts.send(draft.id)
    assert (await sms.broadcasts.wait(draft.id, timeout=300)).status == "sent"
    [found] = [each for each in await sms.broadcasts.list(name="Sale").to_list() if each.id == draft.id]
    people = await sms.recipients.list(draft.id).to_list()
    async with sms.exports.recipients(draft.id) as export:
        rows = [row async for row in export.rows()]
    total = await sms.metrics.snapshot(ids=[draft.id])
    assert total.sends == found.sent_to_count == len(people) == len(rows) == 130
    assert {row["id"] for row in rows} == {str(each.id) for each in people}
    async with sms.exports.metrics([1, draft.id]) as export:
        assert [row["id"] async for row in export.rows()] == ["1", str(draft.id)]
    assert (await sms.metrics.snapshot(start_date=FIRST, end_date=LAST)).sends
    assert (await sms.credits.get()).used_this_period == used + 130
    deleted = await sms.broadcasts.delete(draft.id)
    assert deleted is not None
    with pytest.raises(NotFoundError):
        await sms.broadcasts.get(draft.id)


async def test_a_broadcast_that_goes_while_it_is_waited_for(sandbox: Sandbox, sms: SMSClient) -> None:
    seen = anyio.Event()
    [draft, *_] = await sms.broadcasts.list(status="draft").to_list()

    async def wait() -> None:
        with pytest.raises(BroadcastStoppedError):
            await sms.broadcasts.wait(draft.id, timeout=60, on_poll=lambda broadcast: seen.set())

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await seen.wait()
        await sms.broadcasts.delete(draft.id)


async def test_no_write_is_sent_twice(sandbox: Sandbox) -> None:
    async with client(sandbox) as sms:
        with pytest.raises(NotFoundError):
            await sms.broadcasts.send(999)
    assert len(sandbox.journal) == 1
