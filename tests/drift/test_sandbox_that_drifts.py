"""Through the whole client, on real sockets: rows that stay come exactly once, whatever the server does."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from ac_sms_async import Pager, PagingError, RetryPolicy, SMSClient
from ac_sms_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

SIZE = 60
Listing = Callable[..., Pager[Any]]

LISTINGS: dict[str, Callable[[SMSClient], Listing]] = {
    "listBroadcasts": lambda sms: sms.broadcasts.list,
    "listBroadcastLists": lambda sms: sms.lists.list,
    "getBroadcastRecipients": lambda sms: partial(sms.recipients.list, 1),
}
TOTALS = ("high", "low", "zero", "string", "float", "null", "missing", "no_meta")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(broadcasts=SIZE, recipients=SIZE, rate_limit=None) as sandbox:
        yield sandbox


@pytest.fixture
async def sms(sandbox: Sandbox) -> AsyncIterator[SMSClient]:
    sandbox.reset()
    retry = RetryPolicy(max_attempts=6, initial=0, maximum=0)
    async with SMSClient(sandbox.url, sandbox.token, rate_limit=None, retry=retry) as sms:
        yield sms


def _faults(operation: str, draw: random.Random) -> list[Fault]:
    """Some inserts and deletes, each at some requests; and, at times, a cap, a total that lies, an error on the way."""
    faults = [
        Fault(
            "delete",
            operation,
            nth=draw.randrange(1, 12),
            rows=draw.randrange(1, 9),
            at=draw.randrange(SIZE // 2),
        )
        for _ in range(draw.randrange(4))
    ]
    faults += [
        Fault("insert", operation, nth=draw.randrange(1, 12), rows=draw.randrange(1, 9))
        for _ in range(draw.randrange(4))
    ]
    if operation == "listBroadcastLists":
        # The sandbox gives the id of a list that is gone to the next one, so one would be taken for the other.
        kind = draw.choice(["insert", "delete"])
        faults = [fault for fault in faults if fault.name == kind]
    if draw.random() < 0.4:
        faults.append(Fault("cap", operation, limit=draw.randrange(3, 12)))
    if draw.random() < 0.6:
        faults.append(Fault("total", operation, form=draw.choice(TOTALS)))
    if draw.random() < 0.4:
        faults.append(Fault(draw.choice(["500", "503", "reset"]), operation, nth=draw.randrange(1, 12)))
    return faults


async def _listed(pager: Pager[Any], *, live: bool) -> list[int]:
    if live:
        async with pager:
            return [row.id async for row in pager]
    return [row.id async for row in pager]


async def _resumed(listing: Listing, stops: int, options: dict[str, Any]) -> list[int]:
    """Page by page, each with a pager that was made from the token of the one before."""
    found: list[int] = []
    token: str | None = None
    for _ in range(stops):
        pages = listing(resume=token, **options).pages()
        page = await anext(pages, None)
        if page is None:
            return found
        found += [row.id for row in page.items]
        token = page.resume_token
    return found + [row.id async for row in listing(resume=token, **options)]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("operation", LISTINGS)
async def test_each_row_that_stays_comes_once(sandbox: Sandbox, sms: SMSClient, operation: str, seed: int) -> None:
    draw = random.Random(f"{operation}-{seed}")
    listing = LISTINGS[operation](sms)
    options = {"page_size": draw.randrange(5, 25), "prefetch": draw.randrange(1, 6)}
    way: Callable[[], Awaitable[list[int]]] = draw.choice(
        [
            lambda: _listed(listing(**options), live=True),
            lambda: _listed(listing(**options), live=False),
            lambda: _resumed(listing, draw.randrange(1, 4), options),
        ]
    )
    before = [row.id for row in await listing().to_list()]
    for fault in _faults(operation, draw):
        sandbox.faults.add(fault)
    found = await way()
    sandbox.faults.clear()
    after = {row.id for row in await listing().to_list()}
    stayed = [row for row in before if row in after]
    assert len(found) == len(set(found)), "a row came twice"
    assert [row for row in found if row in set(stayed)] == stayed, "a row was lost, or out of order"


@pytest.mark.parametrize("operation", LISTINGS)
async def test_a_server_that_ignores_the_offset_is_found_out(sandbox: Sandbox, sms: SMSClient, operation: str) -> None:
    sandbox.faults.add("ignore_offset", operation)
    with pytest.raises(PagingError, match="ignores the offset") as caught:
        await LISTINGS[operation](sms)(page_size=4).to_list()
    assert caught.value.resume_token
    assert len(sandbox.journal) < 15
