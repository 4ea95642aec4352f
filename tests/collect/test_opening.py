"""How a store is opened: by `async with`, or awaited and closed by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import assert_type

import pytest

from ac_sms_async.collect import Statement, Store, StoreError, open_store

pytestmark = pytest.mark.anyio

WRITE = Statement(
    "INSERT INTO accounts (account, url, first_seen_at, sitting) VALUES (?, ?, ?, ?)",
    [("acme", "https://acme.api-us1.com", "2026-01-01T00:00:00Z", 1)],
)


async def is_closed(store: Store) -> bool:
    try:
        await store.read("SELECT account FROM accounts")
    except StoreError:
        return True
    return False


async def test_a_block_opens_and_closes_it(tmp_path: Path) -> None:
    async with open_store(tmp_path / "a.sqlite") as store:
        assert_type(store, Store)
        await store.write(WRITE)
        assert not await is_closed(store)
    assert await is_closed(store)
    async with open_store(tmp_path / "a.sqlite", read_only=True) as store:
        assert await store.read("SELECT account FROM accounts") == [("acme",)]


async def test_a_block_that_fails_closes_it(tmp_path: Path) -> None:
    stores: list[Store] = []

    async def fail() -> None:
        async with open_store(tmp_path / "a.sqlite") as store:
            stores.append(store)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await is_closed(stores[0])


async def test_awaited_it_stays_open(tmp_path: Path) -> None:
    opening = open_store(tmp_path / "a.sqlite")
    assert not (tmp_path / "a.sqlite").exists()
    store = await opening
    assert_type(store, Store)
    assert not await is_closed(store)
    async with store:
        pass
    assert await is_closed(store)
    # As before there was the shorter way.
    async with await open_store(tmp_path / "a.sqlite") as store:
        assert not await is_closed(store)


async def test_blocks_of_one_opening_have_a_store_each(tmp_path: Path) -> None:
    opening = open_store(tmp_path / "a.sqlite")
    async with opening as outer:
        async with opening as inner:
            assert inner is not outer
        assert await is_closed(inner)
        assert not await is_closed(outer)
    assert await is_closed(outer)


async def test_what_cannot_be_opened_says_so_at_the_block(tmp_path: Path) -> None:
    opening = open_store(tmp_path / "none.sqlite", create=False)
    with pytest.raises(StoreError, match="there is no store at"):
        async with opening:
            raise AssertionError


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_postgresql_too(new_database: Callable[[], str]) -> None:
    async with open_store(new_database()) as store:
        await store.write(WRITE)
    assert await is_closed(store)
