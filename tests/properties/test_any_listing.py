"""Whatever pages come: each row that stays comes exactly once, or there is an error; and it costs few requests."""

from __future__ import annotations

import os
from contextlib import nullcontext

import anyio
import pytest
from hypothesis import HealthCheck, assume, event, given, note, settings
from hypothesis import strategies as st

from ac_sms_async.errors import PagingError
from ac_sms_async.paging.pager import Pager
from tests.properties.any_listing import AnyListing, Change, listings

EXAMPLES = 3000 if os.environ.get("AC_SMS_DEEP") else 60
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pager(listing: AnyListing, page_size: int, prefetch: int, resume: str | None = None) -> Pager[int]:
    return Pager(listing.fetch, key=int, name="rows", page_size=page_size, prefetch=prefetch, resume=resume)


async def read(pages: Pager[int], live: bool, into: list[int]) -> PagingError | None:
    async with pages if live else nullcontext():
        iterator = aiter(pages)
        try:
            while (row := await anext(iterator, None)) is not None:
                into.append(row)
        except PagingError as error:
            return error
    return None


def check(listing: AnyListing, listed: list[int], error: PagingError | None) -> None:
    note(f"asked {listing.asked}, listed {listed}, {error!r}")
    assert len(listed) == len(set(listed)), "a row came twice"
    # Such an answer is believed: nothing tells it from the whole of a listing.
    assume(not listing.lied_well)
    if error is not None:
        event("an error")
        assert error.resume_token is not None
        assert listing.may_fail, "an error, though the pages can be made sense of"
        return
    kept = [row for row in listed if row in listing.stayed]
    assert kept == sorted(listing.stayed), "a row that was there all along is missing, or out of order"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("live", [False, True])
@often
@given(listings(), st.integers(1, 9) | st.just(100), st.integers(1, 5))
def test_each_row_that_stays_comes_once_or_there_is_an_error(
    backend: str, live: bool, listing: AnyListing, page_size: int, prefetch: int
) -> None:
    assume(listing.fits(page_size))
    listed: list[int] = []
    error = anyio.run(read, pager(listing, page_size, prefetch), live, listed, backend=backend)
    check(listing, listed, error)
    assert len(listing.asked) <= listing.most_requests(page_size, prefetch)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@often
@given(
    listings(),
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 4), st.booleans()), min_size=1, max_size=4),
)
def test_so_it_does_where_it_is_left_and_taken_up_again(
    backend: str, listing: AnyListing, sittings: list[tuple[int, int, int, bool]]
) -> None:
    assume(all(listing.fits(page_size) for _, page_size, _, _ in sittings))
    listed: list[int] = []
    most = 0

    async def sit(token: str | None) -> PagingError | None:
        nonlocal most
        for pages, page_size, prefetch, live in sittings:
            # To find its place again it may read what was read before, once.
            most += 2 * listing.most_requests(page_size, prefetch)
            sitting = pager(listing, page_size, prefetch, token)
            async with sitting if live else nullcontext():
                iterator = sitting.pages()
                for _ in range(pages):
                    page = await anext(iterator, None)
                    if page is not None:
                        listed.extend(page.items)
                        token = page.resume_token
        _, page_size, prefetch, live = sittings[-1]
        most += 2 * listing.most_requests(page_size, prefetch)
        return await read(pager(listing, page_size, prefetch, token), live, listed)

    async def main() -> PagingError | None:
        try:
            return await sit(None)
        except PagingError as error:
            return error

    error = anyio.run(main, backend=backend)
    if error is not None and "are gone" in str(error):
        note(f"asked {listing.asked}, listed {listed}")
        assert listing.were_empty or not set(listing.rows) & set(listed[-50:])
        return
    check(listing, listed, error)
    # What happened since adds to what each sitting may ask for.
    assert len(listing.asked) <= most + len(sittings) * 2 * listing.most_requests(9, 4) * bool(listing.happened)


@often
@given(st.integers(0, 40), st.integers(2, 9), st.integers(0, 1000), st.integers(2, 9), st.integers(1, 4))
def test_where_the_order_changes_all_the_time_no_row_comes_twice_and_it_ends(
    size: int, cap: int, place: int, page_size: int, prefetch: int
) -> None:
    listing = AnyListing(
        size, cap, changes={number: [Change("move", place * number % 1000, 3)] for number in range(4000)}
    )
    listed: list[int] = []
    anyio.run(read, pager(listing, page_size, prefetch), False, listed)
    assert len(listed) == len(set(listed))
    assert len(listing.asked) < 2000


def test_rows_that_move_by_a_page_are_no_server_that_ignores_the_offset() -> None:
    # What comes next, from a server that begins pages at multiples, is by then the same rows as those before.
    listing = AnyListing(5, cut="limit", changes={5: [Change("insert", 0, 2), Change("insert", 572, 1)]})
    listed: list[int] = []
    assert anyio.run(read, pager(listing, 1, 1), False, listed) is None
    assert sorted(listing.stayed.intersection(listed)) == [1, 2, 3, 4, 5]
    assert len(listing.asked) <= 20
