"""Pagers at their edges: how much runs at once and is asked for, and what they call wrong."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import anyio
import pytest

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.paging.pager import FetchedPage, Pager

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


class Server:
    """Answers after a second; counts what is under way."""

    def __init__(self, count: int) -> None:
        self.rows = list(range(count))
        self.asked: list[int] = []
        self.running = 0
        self.most_running = 0

    async def fetch(self, offset: int, limit: int) -> FetchedPage[int]:
        self.asked.append(offset)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await anyio.sleep(1)
        finally:
            self.running -= 1
        return FetchedPage(self.rows[offset : offset + limit], len(self.rows))

    def pager(self, **options: Any) -> Pager[int]:
        return Pager(self.fetch, key=int, name="numbers", **options)


@pytest.mark.parametrize("live", [False, True])
async def test_two_pages_of_a_hundred_are_fetched_at_once(live: bool) -> None:
    server = Server(500)
    pager = server.pager()
    async with pager if live else nullcontext():
        assert await pager.to_list() == server.rows
    assert server.most_running == 2
    assert sorted(server.asked) == [0, 99, 198, 297, 396, 495, 499, 500]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("resumed", [False, True])
async def test_the_first_rows_are_asked_for_at_once_and_no_page_beyond_them(live: bool, resumed: bool) -> None:
    server = Server(2000)
    token = (await anext(server.pager(prefetch=1).pages())).resume_token if resumed else None
    server.asked.clear()
    start = anyio.current_time()
    pager = server.pager(prefetch=8, resume=token)
    async with pager if live else nullcontext():
        assert await pager.to_list(max_items=250) == (server.rows[100:350] if resumed else server.rows[:250])
        await anyio.sleep(10)
    assert sorted(server.asked) == ([99, 198, 297] if resumed else [0, 99, 198])
    assert server.most_running == 2
    assert anyio.current_time() - start == pytest.approx(12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"page_size": 1001}, "page_size must be a whole number, 1 to 1000, not 1001"),
        ({"page_size": 10**5000}, "page_size must be a whole number, 1 to 1000, not a number of too many digits (int)"),
        ({"page_size": 0}, "page_size must be a whole number, 1 to 1000, not 0"),
        ({"prefetch": 33}, "prefetch must be a whole number, 0 to 32, not 33"),
        ({"prefetch": "2"}, "prefetch must be a whole number, 0 to 32, not '2'"),
    ],
)
async def test_what_is_wrong_is_called_by_its_name_and_bounds(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Server(1).pager(**options)
    assert str(caught.value) == said


async def test_a_second_block_at_the_same_time_says_what_is_wrong_with_it() -> None:
    async with Server(1).pager() as pager:
        with pytest.raises(ConfigurationError) as caught:
            await pager.__aenter__()
    assert str(caught.value) == "this pager is already in an `async with` block"


async def test_rows_without_an_id_are_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        return FetchedPage([1, 2, 3][offset:], 3, ["a", "b"] if offset == 0 else [])

    assert await Pager(fetch, key=int, name="numbers").to_list() == [1, 2, 3]
    assert [record.getMessage() for record in caplog.records] == ["numbers: 2 rows without a usable id at offset 0"]
