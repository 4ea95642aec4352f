"""Whoever forgets the `async` is told what to write, at run time and by type checkers; and reprs say what is listed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ac_sms_async import ConfigurationError, Pager, SMSClient
from ac_sms_async.paging.page import FetchedPage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sms() -> Any:
    async with SMSClient("https://acme.api-us1.com", "token") as client:
        yield client


THINGS: dict[str, tuple[Callable[[SMSClient], Any], str]] = {
    "a pager": (lambda sms: sms.broadcasts.list(status="sent"), "async for row in pager"),
    "a pager of recipients": (lambda sms: sms.recipients.list(3), "await pager.to_list()"),
    "a stream of metrics": (lambda sms: sms.metrics.stream([1]), "async for outcome in stream"),
    "a stream of failures": (lambda sms: sms.metrics.stream_failures([1]), "async for outcome in stream"),
    "an export": (lambda sms: sms.exports.metrics([1]), "async with ... as export"),
}


@pytest.mark.parametrize("name", THINGS)
async def test_awaiting_it_says_what_to_write(sms: SMSClient, name: str) -> None:
    make, hint = THINGS[name]
    with pytest.raises(TypeError) as caught:
        await make(sms)
    assert "can't be awaited" in str(caught.value)
    assert hint in str(caught.value)


def loop(thing: Any) -> None:
    for _ in thing:
        raise AssertionError


def unpack(thing: Any) -> Any:
    first, *_ = thing
    return first


USES: list[Callable[[Any], Any]] = [loop, unpack, list, iter, dict.fromkeys]


@pytest.mark.parametrize("name", THINGS)
@pytest.mark.parametrize("use", USES)
async def test_a_plain_for_says_what_to_write(sms: SMSClient, name: str, use: Callable[[Any], Any]) -> None:
    make, hint = THINGS[name]
    with pytest.raises(TypeError) as caught:
        use(make(sms))
    assert "plain `for`" in str(caught.value)
    assert hint in str(caught.value)


async def test_an_export_says_how_its_rows_are_read(sms: SMSClient) -> None:
    export: Any = sms.exports.metrics([1])
    with pytest.raises(TypeError, match=r"async for row in export\.rows\(\)"):
        [row async for row in export]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_gathering_pagers_says_so_too(anyio_backend: str, sms: SMSClient) -> None:
    pager: Any = sms.lists.list()
    with pytest.raises(TypeError, match="can't be awaited"):
        await asyncio.gather(pager)


async def test_it_is_not_taken_for_a_list_of_ids(sms: SMSClient) -> None:
    pager: Any = sms.broadcasts.list()
    with pytest.raises(ConfigurationError, match=r"ids must be a list such as \[42, 43\], not Pager"):
        await sms.metrics.get(pager)
    with pytest.raises(ConfigurationError, match=r"list_ids must be a list"):
        await sms.broadcasts.create(name="n", body="b", list_ids=pager)


async def test_reprs_say_what_is_listed(sms: SMSClient) -> None:
    assert repr(sms.broadcasts.list()) == "<Pager of broadcasts>"
    assert repr(sms.lists.list()) == "<Pager of lists>"
    filtered = sms.broadcasts.list(status="sent", name="Sale")
    assert repr(filtered) == "<Pager of broadcasts by name, status>"
    people = repr(sms.recipients.list(42, search="Ada Lovelace", order="sentDate"))
    assert people == "<Pager of recipients of 42 by order, search>"
    assert repr(sms.metrics.stream(range(1, 4))) == "<OutcomeStream: 0 ids done, 0 failed>"
    assert repr(sms.metrics.stream([1, 2, 1])) == "<OutcomeStream: 0 of 2 ids done, 0 failed>"
    assert repr(sms.exports.recipients(42)) == "<Export by POST /sms/broadcasts/42/recipients/export>"


async def test_a_repr_says_where_it_goes_on() -> None:
    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        return FetchedPage(range(offset, min(offset + limit, 9)), 9)

    pager = Pager(fetch, key=int, name="numbers", page_size=4)
    tokens = [page.resume_token async for page in pager.pages()]
    resumed = Pager(fetch, key=int, name="numbers", resume=tokens[0])
    assert repr(resumed).startswith("<Pager of numbers, from offset ")
