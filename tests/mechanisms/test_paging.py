"""What a pager promises to those who iterate over it."""

from __future__ import annotations

import contextlib
import json
import logging
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ac_sms_async.errors import (
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    PagingError,
    ServerError,
    SMSError,
    TransportError,
)
from ac_sms_async.paging.pager import FetchedPage, Page, Pager

pytestmark = pytest.mark.anyio


class Server:
    """Rows by offset; keeps what was asked, and may answer an offset with an error, or in a way of its own."""

    def __init__(self, rows: list[int], *, total: bool = True) -> None:
        self.rows = rows
        self.total = total
        self.asked: list[tuple[int, int]] = []
        self.errors: dict[int, Exception] = {}
        self.answer: Callable[[int, int], list[int]] = lambda offset, limit: self.rows[offset : offset + limit]
        self.running = 0
        self.most_running = 0

    async def fetch(self, offset: int, limit: int) -> FetchedPage[int]:
        self.asked.append((offset, limit))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await anyio.lowlevel.checkpoint()
        finally:
            self.running -= 1
        if offset in self.errors:
            raise self.errors[offset]
        return FetchedPage(self.answer(offset, limit), len(self.rows) if self.total else None)

    @property
    def offsets(self) -> list[int]:
        return [offset for offset, _ in self.asked]

    def pager(self, **options: Any) -> Pager[int]:
        return Pager(self.fetch, key=lambda row: row, name="numbers", **options)


def rows(count: int) -> list[int]:
    return list(range(1, count + 1))


async def listed(pager: Pager[int], live: bool, into: list[int] | None = None) -> list[int]:
    """All rows, in the one or the other way; `into` holds those before an error."""
    into = [] if into is None else into
    async with pager if live else contextlib.nullcontext():
        iterator = aiter(pager)
        while (row := await anext(iterator, None)) is not None:
            into.append(row)
    return into


@pytest.mark.parametrize("prefetch", [0, 1, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 99, 100, 101, 250])
async def test_all_rows_in_order_and_again_from_the_start(count: int, prefetch: int) -> None:
    pager = Server(rows(count)).pager(prefetch=prefetch)
    assert [row async for row in pager] == rows(count)
    assert [row async for row in pager] == rows(count)
    async with pager as same:
        assert same is pager
        assert [row async for row in pager] == rows(count)
        assert await pager.to_list() == rows(count)
    assert await pager.to_list() == rows(count)


@pytest.mark.parametrize(("total", "prefetch", "most"), [(True, 1, 11), (False, 1, 11), (True, 8, 11), (False, 8, 11)])
async def test_requests_stay_few(total: bool, prefetch: int, most: int) -> None:
    server = Server(rows(800), total=total)
    assert await server.pager(prefetch=prefetch).to_list() == rows(800)
    assert len(server.asked) == most
    assert server.most_running <= prefetch


async def test_in_the_background_requests_stay_few_too() -> None:
    server = Server(rows(800))
    async with server.pager(prefetch=8) as pager:
        assert await pager.to_list() == rows(800)
    assert len(server.asked) == 11
    assert server.most_running == 8


@pytest.mark.parametrize("prefetch", [1, 8])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 19, 21, 99])
async def test_a_listing_that_fits_into_a_page_costs_one_request(count: int, prefetch: int) -> None:
    server = Server(rows(count))
    assert await server.pager(prefetch=prefetch).to_list() == rows(count)
    assert server.asked == [(0, 100)]


@pytest.mark.parametrize("prefetch", [1, 8])
@pytest.mark.parametrize("count", [5, 10, 20, 95])
async def test_where_the_rows_are_as_many_as_a_cap_may_be_it_asks_once_more(count: int, prefetch: int) -> None:
    server = Server(rows(count))
    assert await server.pager(prefetch=prefetch).to_list() == rows(count)
    assert [offset for offset in server.offsets if offset < count] == [0, count - 1]
    assert len(server.asked) <= 2 + (prefetch > 1)
    # What it asks for: a server that sends 20 at most, and counts those.
    server = Server(rows(count + 3))

    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        page = server.rows[offset : offset + min(limit, count)]
        return FetchedPage(page, offset + len(page))

    assert await Pager(fetch, key=int, name="numbers").to_list() == rows(count + 3)


@pytest.mark.parametrize("off", [None, 1, -1])
@pytest.mark.parametrize("count", [18, 20, 150])
async def test_without_a_total_that_agrees_nothing_but_an_empty_page_ends_a_listing(
    count: int, off: int | None
) -> None:
    asked: list[int] = []

    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        asked.append(offset)
        return FetchedPage(rows(count)[offset : offset + limit], None if off is None else count + off)

    assert await Pager(fetch, key=int, name="numbers", prefetch=1).to_list() == rows(count)
    assert asked[-1] == count


@pytest.mark.parametrize("count", [1, 3])
async def test_a_mock_of_one_page_that_is_always_the_same(count: int) -> None:
    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        return FetchedPage(rows(count), count)

    pager = Pager(fetch, key=int, name="numbers")
    assert await pager.to_list() == rows(count)
    async with pager:
        assert [page.items async for page in pager.pages()] == [rows(count)]
    assert await pager.first() == 1


async def test_a_mock_that_has_nothing_behind_its_page() -> None:
    asked: list[int] = []

    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        asked.append(offset)
        return FetchedPage(rows(20) if offset == 0 else [], 20)

    assert await Pager(fetch, key=int, name="numbers", prefetch=1).to_list() == rows(20)
    assert asked == [0, 19]


async def test_a_server_that_caps_its_pages_is_read_to_the_end() -> None:
    server = Server(rows(120), total=False)
    server.answer = lambda offset, limit: server.rows[offset : offset + min(limit, 50)]
    assert await server.pager(prefetch=2).to_list() == rows(120)
    # Not before the second page is it known that 50 is a full one.
    assert sorted(server.offsets) == [0, 49, 98, 119, 120, 147]


async def test_a_server_that_sends_one_row_at_a_time_is_read_to_the_end() -> None:
    server = Server(rows(5))
    server.answer = lambda offset, _: server.rows[offset : offset + 1]
    assert await server.pager(prefetch=4).to_list() == rows(5)
    token = [page.resume_token async for page in server.pager().pages()][2]
    assert await server.pager(resume=token).to_list() == [4, 5]


async def test_a_page_size_of_one_gives_out_one_row_a_page() -> None:
    server = Server(rows(3))
    pager = server.pager(page_size=1, prefetch=1)
    assert [page.items async for page in pager.pages()] == [[1], [2], [3]]
    assert server.asked == [(0, 1), (0, 2), (1, 2), (2, 2), (3, 2)]
    token = (await anext(pager.pages())).resume_token
    server.asked.clear()
    resumed = server.pager(page_size=1, prefetch=1, resume=token)
    assert [page.items async for page in resumed.pages()] == [[2], [3]]
    assert server.asked[0] == (0, 2)


async def test_the_first_row_is_the_only_one_asked_for() -> None:
    server = Server(rows(300))
    pages = [page async for page in server.pager(page_size=10).pages()]
    server.asked.clear()
    assert await server.pager(page_size=10, resume=pages[0].resume_token).first() == 11
    assert server.asked == [(9, 10)]

    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        server.asked.append((offset, limit))
        # The first row of all has no id.
        return FetchedPage([row for row in (2, 3) if offset < row <= offset + limit], 3, ["x"] if offset == 0 else [])

    server.asked.clear()
    assert await Pager(fetch, key=int, name="numbers").first() == 2
    assert server.asked == [(0, 1), (0, 100)]


@pytest.mark.parametrize("lie", [0, 1, 60, 10**6])
@pytest.mark.parametrize("live", [False, True])
async def test_a_total_that_lies_changes_nothing_but_the_guesses(lie: int, live: bool) -> None:
    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        await anyio.lowlevel.checkpoint()
        return FetchedPage(rows(250)[offset : offset + limit], lie)

    pager = Pager(fetch, key=int, name="numbers", prefetch=4)
    assert await listed(pager, live) == rows(250)


async def test_short_pages_in_the_middle_are_no_end() -> None:
    server = Server(rows(300))
    lengths = iter([100, 3, 40, 2, 100, 100, 5, 100, 100, 100, 100, 100])
    server.answer = lambda offset, limit: server.rows[offset : offset + next(lengths, limit)]
    assert await server.pager(prefetch=1).to_list() == rows(300)


@pytest.mark.parametrize("live", [False, True])
async def test_tasks_that_share_the_rows_take_turns(live: bool) -> None:
    pager = Server(rows(50)).pager(page_size=7)
    got: list[int] = []

    async def take(iterator: AsyncIterator[int]) -> None:
        while (row := await anext(iterator, None)) is not None:
            got.append(row)
            await anyio.lowlevel.checkpoint()

    async with pager if live else contextlib.nullcontext(), anyio.create_task_group() as readers:
        iterator = aiter(pager)
        for _ in range(3):
            readers.start_soon(take, iterator)
    assert sorted(got) == rows(50)


async def test_an_iterator_whose_block_has_ended_says_so() -> None:
    pager = Server(rows(50)).pager(page_size=7)
    async with pager:
        begun, not_begun = aiter(pager), aiter(pager)
        assert await anext(begun) == 1
        with pytest.raises(ConfigurationError, match="already in an `async with` block"):
            await pager.__aenter__()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="block that has ended"):
            await anext(not_begun)
    # What was there already is given out, and then it is told.
    told = ""
    while not told:
        try:
            await anext(begun)
        except ConfigurationError as error:
            told = str(error)
    assert told.endswith("block that was cancelled or has ended")
    await pager.__aexit__(None, None, None)


async def test_pages_say_where_they_stood_and_how_to_go_on() -> None:
    server = Server(rows(150))
    pages = [page async for page in server.pager().pages()]
    assert [(page.items, page.offset, page.total, page.unreadable) for page in pages] == [
        (rows(100), 0, 150, []),
        (rows(150)[100:], 100, 150, []),
    ]
    server.asked.clear()
    assert await server.pager(resume=pages[0].resume_token, prefetch=1).to_list() == rows(150)[100:]
    assert server.offsets == [99, 149, 150]
    assert await server.pager(resume=pages[1].resume_token).to_list() == []
    server.rows += [777]
    assert await server.pager(resume=pages[1].resume_token).to_list() == [777]


async def test_to_list_asks_for_no_more_than_it_needs() -> None:
    server = Server(rows(1000))
    assert await server.pager(prefetch=8).to_list(max_items=250) == rows(250)
    assert sorted(server.offsets) == [0, 99, 198]
    server.asked.clear()
    assert await server.pager().to_list(max_items=0) == []
    assert server.asked == []
    async with server.pager(prefetch=2) as pager:
        assert await pager.to_list(max_items=3) == [1, 2, 3]
        assert await pager.to_list(max_items=3) == [1, 2, 3]
        assert await pager.to_list(max_items=5000) == rows(1000)


async def test_first_and_count_cost_one_request() -> None:
    server = Server(rows(300))
    assert await server.pager(prefetch=8).first() == 1
    assert await server.pager().count() == 300
    assert server.asked == [(0, 1), (0, 1)]
    empty = Server([], total=False)
    assert await empty.pager().first() is None
    assert await empty.pager().count() is None


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("prefetch", [1, 4])
async def test_an_error_comes_in_its_turn_with_a_token_to_go_on(live: bool, prefetch: int) -> None:
    server = Server(rows(600))
    server.errors = {198: ServerError("down", status=503)}
    seen: list[int] = []
    pager = server.pager(prefetch=prefetch)

    async def read() -> SMSError:
        iterator = aiter(pager)

        async def exhaust() -> None:
            while True:
                seen.append(await anext(iterator))

        with pytest.raises(ServerError) as caught:
            await exhaust()
        # The iterator stands where it stood: it asks for the same page again.
        with pytest.raises(ServerError):
            await anext(iterator)
        return caught.value

    if live:
        async with pager:
            error = await read()
    else:
        error = await read()
    assert seen == rows(199)
    assert error.resume_token is not None
    assert json.loads(error.resume_token)["offset"] == 198
    server.errors = {}
    assert await server.pager(resume=error.resume_token).to_list() == rows(600)[199:]


@pytest.mark.parametrize("live", [False, True])
async def test_an_error_of_a_guess_that_was_wrong_is_nobodys(live: bool) -> None:
    server = Server(rows(110), total=False)
    server.errors = {198: BadRequestError("no such offset", status=400)}
    pager = server.pager(prefetch=2)
    assert await listed(pager, live) == rows(110)


@pytest.mark.parametrize("live", [False, True])
async def test_what_is_no_error_of_ours_comes_out_as_it_is(live: bool) -> None:
    server = Server(rows(300))
    server.errors = {99: ZeroDivisionError("a bug")}
    pager = server.pager(prefetch=3)
    with pytest.raises(ZeroDivisionError):
        await listed(pager, live)


async def test_an_error_before_the_first_row_resumes_at_the_start() -> None:
    server = Server(rows(3))
    server.errors = {0: TransportError("cut")}
    with pytest.raises(TransportError) as caught:
        await server.pager().to_list()
    server.errors = {}
    assert await server.pager(resume=caught.value.resume_token).to_list() == rows(3)


@pytest.mark.parametrize("prefetch", [1, 8])
@pytest.mark.parametrize(
    ("count", "total"), [(1, False), (3, False), (20, True), (20, False), (100, True), (300, True)]
)
@pytest.mark.parametrize("live", [False, True])
async def test_a_server_that_ignores_the_offset_is_found_out(
    count: int, total: bool, prefetch: int, live: bool
) -> None:
    server = Server(rows(count), total=total)
    server.answer = lambda _, limit: server.rows[:limit]
    pager = server.pager(prefetch=prefetch)
    seen: list[int] = []
    with pytest.raises(PagingError, match="ignores the offset") as caught:
        await listed(pager, live, seen)
    assert seen == rows(min(count, 100))
    assert caught.value.resume_token is not None
    assert len(server.asked) <= 5 + prefetch
    # It won't make sense when it is asked again.
    async with pager if live else contextlib.nullcontext():
        iterator = aiter(pager)
        for _ in seen:
            await anext(iterator)
        with pytest.raises(PagingError):
            await anext(iterator)
        asked = len(server.asked)
        for _ in range(3):
            with pytest.raises(PagingError, match="ignores the offset") as again:
                await anext(iterator)
            assert again.value.resume_token == caught.value.resume_token
    assert len(server.asked) == asked


@pytest.mark.parametrize("error", [None, BadRequestError("x", status=400), NotFoundError("x", status=404)])
async def test_rows_inserted_before_the_known_ones_are_not_taken_for_that(error: Exception | None) -> None:
    server = Server(rows(10))

    def answer(offset: int, limit: int) -> list[int]:
        # Always as many rows more in front as the walk advances: every page looks like the first one.
        page = server.rows[offset : offset + limit]
        if len(server.rows) < 40 and offset < 1000:
            server.rows[:0] = [1000 + len(server.rows) + index for index in range(limit - 1)]
        return page

    server.answer = answer
    if error is not None:
        server.errors = dict.fromkeys(range(1_000_000, 1_000_100), error)
    listed = await server.pager(page_size=4, prefetch=1).to_list()
    assert [row for row in listed if row <= 10] == rows(10)
    assert max(server.offsets) > 1000


async def test_a_probe_that_fails_otherwise_is_an_error() -> None:
    server = Server(rows(10))
    server.answer = lambda _, limit: server.rows[:limit]
    server.errors = {offset: TransportError("cut") for offset in range(1_000_000, 1_000_200)}
    with pytest.raises(TransportError):
        await server.pager().to_list()


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("prefetch", [1, 3])
async def test_a_server_that_has_nothing_where_it_just_had_a_row_is_asked_three_times_more(
    prefetch: int, total: bool
) -> None:
    server = Server(rows(100), total=total)
    # One page at the start, and never again one that fits to it.
    server.answer = lambda offset, limit: server.rows[:limit] if offset == 0 else []
    with pytest.raises(PagingError, match="contradicts itself: 3 times a row was not where") as caught:
        await server.pager(page_size=10, prefetch=prefetch).to_list()
    assert json.loads(caught.value.resume_token or "")["tail"] == rows(10)
    assert server.offsets.count(9) == (3 if total else 4)
    assert len(server.asked) <= 8 * prefetch


@pytest.mark.parametrize("prefetch", [1, 4])
@pytest.mark.parametrize("limit", [2, 7, 100])
@pytest.mark.parametrize("cap", [1000, 40])
@pytest.mark.parametrize("total", [True, False])
async def test_a_server_that_begins_its_pages_at_multiples_is_read_without_an_overlap(
    total: bool, cap: int, limit: int, prefetch: int
) -> None:
    server = Server(rows(250), total=total)

    def answer(offset: int, limit: int) -> list[int]:
        sent = min(limit, cap)
        return server.rows[offset // sent * sent :][:sent]

    server.answer = answer
    assert await server.pager(page_size=limit, prefetch=prefetch).to_list() == rows(250)
    ideal = -(-250 // min(cap, limit)) + 1
    # Two to find out how it pages, and what was asked for beside those; where nothing else says so, the end twice.
    assert len(server.asked) <= ideal + 2 + (not total) + 2 * (prefetch - 1)


async def test_a_place_in_a_server_that_begins_its_pages_at_multiples_is_found_again() -> None:
    server = Server(rows(250))
    server.answer = lambda offset, limit: server.rows[offset // limit * limit :][:limit]
    pages = [page async for page in server.pager(page_size=50).pages()]
    for page in pages:
        for size in (50, 30, 100):
            rest = await server.pager(page_size=size, resume=page.resume_token).to_list()
            assert rest == rows(250)[page.items[-1] :]


async def test_a_server_that_rounds_the_offset_down_is_read_with_the_overlap_it_makes() -> None:
    server = Server(rows(250))
    server.answer = lambda offset, limit: server.rows[offset // 20 * 20 :][:limit]
    assert await server.pager(prefetch=1).to_list() == rows(250)
    assert server.offsets == [0, 99, 179, 249]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(("total", "last"), [(300, 1684), (0, 1090)])
async def test_a_listing_that_never_ends_is_bounded_by_its_total(live: bool, total: int, last: int) -> None:
    asked = 0

    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        nonlocal asked
        asked += 1
        await anyio.lowlevel.checkpoint()
        return FetchedPage(range(offset, offset + limit), total)

    seen: list[int] = []
    pager = Pager(fetch, key=int, name="numbers")
    with pytest.raises(PagingError, match=f"row {last}, where the server says there are {total}") as caught:
        await listed(pager, live, seen)
    assert seen == list(range(last - 99))
    assert asked <= 22
    assert caught.value.resume_token is not None


async def test_many_pages_without_anything_new_need_no_stack() -> None:
    server = Server(rows(3))
    inserted = iter(range(400))

    def answer(offset: int, limit: int) -> list[int]:
        page = server.rows[offset : offset + limit]
        if next(inserted, None) is not None and offset < 1_000_000:
            server.rows.insert(0, 1000 + len(server.rows))
        return page

    server.answer = answer
    listed = await server.pager(page_size=2, prefetch=1).to_list()
    assert sorted(row for row in listed if row <= 3) == rows(3)
    assert len(server.asked) > 400


async def test_rows_without_an_id_are_kept_raw_once_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    everything: list[Any] = [1, {"a": 1}, 2, 3, {"b": 2}, {"c": 3}, 4, 5, {"d": 4}]

    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        part = everything[offset : offset + min(limit, 5)]
        return FetchedPage([row for row in part if type(row) is int], None, [row for row in part if type(row) is dict])

    pager = Pager(fetch, key=int, name="numbers", prefetch=1)
    with caplog.at_level(logging.WARNING, "ac_sms_async"):
        pages: list[Page[int]] = [page async for page in pager.pages()]
    assert [row for page in pages for row in page.items] == [1, 2, 3, 4, 5]
    assert [row for page in pages for row in page.unreadable] == [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]
    assert "numbers: 2 rows without a usable id at offset 0" in caplog.text


async def test_nothing_but_rows_without_an_id() -> None:
    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        return FetchedPage([], 7, [{"row": row} for row in range(7)[offset : offset + 3]])

    pager = Pager(fetch, key=int, name="numbers")
    pages = [page async for page in pager.pages()]
    assert [row["row"] for page in pages for row in page.unreadable] == list(range(7))
    assert await pager.to_list() == []
    assert json.loads(pages[-1].resume_token)["offset"] == 0


async def test_ids_seen_cost_at_most_100_bytes_each() -> None:
    count = 60_000

    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        return FetchedPage(list(range(10**6 + offset, 10**6 + min(count, offset + limit))), count)

    pager = Pager(fetch, key=int, name="numbers", page_size=1000, prefetch=1)
    iterator = aiter(pager)
    await anext(iterator)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        async for _ in iterator:
            pass
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown / count <= 100
