"""Rows come and go while a listing is read: each that is there all along comes exactly once."""

from __future__ import annotations

import itertools
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_sms_async.errors import PagingError
from ac_sms_async.paging import FetchedPage, Pager

BACKENDS = ("asyncio", "trio")


@define
class Drift:
    """What happens to the rows before one request: rows inserted or deleted at a place (in thousandths of the list)."""

    insert: bool
    place: int
    count: int


@define
class DriftingServer:
    """Rows in a total and stable order, of which some come and go: before each request the next thing happens."""

    size: int
    drifts: list[Drift]
    cap: int = 1000
    unreadable: frozenset[int] = frozenset()
    total: int | str | None = "true"
    rows: list[int] = field(init=False)
    throughout: set[int] = field(init=False)
    requests: int = 0

    def __attrs_post_init__(self) -> None:
        self.rows = list(range(1, self.size + 1))
        self.throughout = set(self.rows) - self.unreadable
        self._fresh = itertools.count(10_000)

    _fresh: Any = field(init=False, default=None)

    def drift(self) -> None:
        if not self.drifts:
            return
        drift = self.drifts.pop(0)
        at = drift.place * len(self.rows) // 1000
        if drift.insert:
            self.rows[at:at] = [next(self._fresh) for _ in range(drift.count)]
        else:
            self.throughout -= set(self.rows[at : at + drift.count])
            del self.rows[at : at + drift.count]

    async def fetch(self, offset: int, limit: int) -> FetchedPage[int]:
        # The server sees requests that are under way at once in any order, and the rows change between any two.
        await anyio.lowlevel.checkpoint()
        self.requests += 1
        self.drift()
        page = self.rows[offset : offset + min(limit, self.cap)]
        total = len(self.rows) if isinstance(self.total, str) else self.total
        await anyio.lowlevel.checkpoint()
        return FetchedPage(
            [row for row in page if row not in self.unreadable],
            total,
            [{"name": row} for row in page if row in self.unreadable],
        )


def check(server: DriftingServer, listed: list[int]) -> None:
    assert len(listed) == len(set(listed)), "a row came twice"
    kept = [row for row in listed if row in server.throughout]
    assert kept == sorted(server.throughout), "a row that was there all along is missing, or out of order"


DRIFTS = st.lists(
    st.builds(Drift, insert=st.booleans(), place=st.integers(0, 1000), count=st.integers(1, 6)), max_size=30
)
TOTALS = st.sampled_from(["true", None, 0, 1, 7, 10_000])


@st.composite
def servers(draw: st.DrawFn) -> DriftingServer:
    cap = draw(st.integers(2, 9))
    size = draw(st.integers(0, 40))
    # A page has to hold two rows with an id: that is the promise's condition.
    unreadable = draw(st.frozensets(st.integers(1, max(1, size)), max_size=min(cap - 2, 2)))
    return DriftingServer(size, draw(DRIFTS), cap, unreadable, draw(TOTALS))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("live", [False, True])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(servers(), st.integers(5, 9), st.integers(1, 8))
def test_each_row_that_stays_comes_exactly_once(
    backend: str, live: bool, server: DriftingServer, page_size: int, prefetch: int
) -> None:
    pager = Pager(server.fetch, key=int, name="rows", page_size=page_size, prefetch=prefetch)

    async def main() -> list[int]:
        if live:
            async with pager:
                return [row async for row in pager]
        return [row async for row in pager]

    check(server, anyio.run(main, backend=backend))


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(servers(), st.integers(5, 9), st.integers(1, 4), st.integers(0, 6))
def test_resuming_loses_and_repeats_nothing(
    backend: str, server: DriftingServer, page_size: int, prefetch: int, stop: int
) -> None:
    async def main() -> list[int]:
        pager = Pager(server.fetch, key=int, name="rows", page_size=page_size, prefetch=prefetch)
        listed: list[int] = []
        token: str | None = None
        pages = pager.pages()
        for _ in range(stop):
            async for page in pages:
                listed += page.items
                token = page.resume_token
                break
        again = Pager(server.fetch, key=int, name="rows", page_size=page_size, prefetch=prefetch, resume=token)
        try:
            return listed + [row async for row in again]
        except PagingError:
            gone = not set(server.rows) & set(listed[-50:])
        # All the rows that the token remembers are gone: it says so rather than repeat or lose any.
        assert gone
        server.throughout.clear()
        return []

    check(server, anyio.run(main, backend=backend))
