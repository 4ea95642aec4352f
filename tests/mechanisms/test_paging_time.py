"""When a pager's requests run: how long a listing takes, and that nothing runs when nobody waits."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio
import pytest

from ac_sms_async.errors import ConfigurationError, TransportError
from ac_sms_async.paging.pager import FetchedPage, Page, Pager
from ac_sms_async.tasks import Background

pytestmark = pytest.mark.anyio

LATENCY = 0.05


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


def usual(offset: int) -> float:
    return LATENCY


class SlowServer:
    """Takes its time for each page, and counts what is under way."""

    def __init__(self, count: int, *, total: bool = True, latency: Callable[[int], float] | None = None) -> None:
        self.rows = list(range(count))
        self.total = total
        self.latency = latency or usual
        self.running = 0
        self.most_running = 0
        self.asked: list[int] = []

    async def fetch(self, offset: int, limit: int) -> FetchedPage[int]:
        self.asked.append(offset)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            await anyio.sleep(self.latency(offset))
        finally:
            self.running -= 1
        return FetchedPage(self.rows[offset : offset + limit], len(self.rows) if self.total else None)

    def pager(self, **options: Any) -> Pager[int]:
        return Pager(self.fetch, key=lambda row: row, name="numbers", **options)


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("prefetch", [1, 2, 3, 4, 5, 6, 7, 8])
async def test_a_hundred_pages_take_little_more_than_the_ideal(prefetch: int, live: bool, total: bool) -> None:
    server = SlowServer(10_000, total=total)
    start = anyio.current_time()
    if live:
        async with server.pager(prefetch=prefetch) as pager:
            listed = await pager.to_list()
    else:
        listed = await server.pager(prefetch=prefetch).to_list()
    assert listed == server.rows
    ideal = LATENCY * (1 + math.ceil(99 / prefetch))
    assert anyio.current_time() - start <= ideal / 0.9
    assert server.most_running == prefetch


async def test_pages_come_in_order_however_late_each_is() -> None:
    server = SlowServer(1000, latency=lambda offset: 1 / (1 + offset))
    assert await server.pager(prefetch=5).to_list() == server.rows
    async with server.pager(prefetch=5) as pager:
        assert await pager.to_list() == server.rows


async def test_iterated_plainly_nothing_runs_while_nobody_waits() -> None:
    server = SlowServer(1000)
    async for row in server.pager(prefetch=4):
        assert server.running == 0
        if row == 150:
            break
    asked = len(server.asked)
    assert asked == 5
    await anyio.sleep(10)
    assert len(server.asked) == asked


async def test_in_the_background_pages_are_fetched_while_the_body_works() -> None:
    server = SlowServer(2000)
    start = anyio.current_time()
    last: list[int] = []
    async with server.pager(prefetch=3) as pager:
        async for page in pager.pages():
            # As long as three requests at once take for a page each.
            await anyio.sleep(LATENCY / 3)
            last.append(page.items[-1])
    assert last[-1] == 1999
    # The body's own time, the first answer, and no more than a bit.
    assert anyio.current_time() - start <= 21 * LATENCY / 3 + 4 * LATENCY


async def test_one_task_drives_a_listing_however_often_its_reader_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    start = Background.start

    def counted(self: Background, job: Callable[[], Coroutine[Any, Any, None]], ended: Callable[[], None]) -> None:
        started.append(job)
        start(self, job, ended)

    monkeypatch.setattr(Background, "start", counted)
    server = SlowServer(1000)
    async with server.pager(prefetch=3) as pager:
        assert await pager.to_list() == server.rows
    assert len(started) == 1


async def test_a_failure_in_the_background_does_not_wait_for_the_pages_behind_it() -> None:
    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        await anyio.sleep(100 if offset == 18 else LATENCY)
        if offset == 9:
            raise TransportError("the connection broke")
        return FetchedPage(range(offset, offset + limit), 1000)

    begin = anyio.current_time()
    async with Pager(fetch, key=lambda row: row, name="numbers", page_size=10, prefetch=2) as pager:
        with pytest.raises(TransportError, match="broke"):
            await pager.to_list()
        assert anyio.current_time() - begin < 3 * LATENCY


async def test_the_background_stays_within_its_bounds_and_ends_with_the_block() -> None:
    server = SlowServer(10_000)
    async with server.pager(prefetch=3) as pager:
        async for _ in pager:
            break
        await anyio.sleep(10)
        assert server.running == 0
        # Three pages wait to be taken, and three more are there to follow them.
        assert len(server.asked) <= 1 + 6
        iterator = pager.pages()
        await anext(iterator)
        await anyio.sleep(LATENCY / 2)
        assert server.running > 0
    assert server.running == 0
    with pytest.raises(ConfigurationError, match="has ended"):
        await exhaust(iterator)


async def exhaust(iterator: AsyncIterator[Page[int]]) -> None:
    while True:
        await anext(iterator)


async def test_a_guess_that_turns_out_wrong_is_dropped_at_once() -> None:
    # The third page is short: the fourth, which is on its way and slow, is of no use.
    server = SlowServer(1000, total=False, latency=lambda offset: 100 if offset == 297 else LATENCY)
    fetch = server.fetch

    async def short(offset: int, limit: int) -> FetchedPage[int]:
        return await fetch(offset, 50 if offset == 198 else limit)

    start = anyio.current_time()
    async with Pager(short, key=int, name="numbers", prefetch=3) as pager:
        assert await pager.to_list() == server.rows
    assert anyio.current_time() - start < 2
    assert server.running == 0


async def test_a_wait_that_is_cancelled_loses_nothing() -> None:
    def uneven(offset: int) -> float:
        return LATENCY if len(server.asked) % 3 else LATENCY / 2

    server = SlowServer(500, latency=uneven)
    for live in (False, True):
        pager = server.pager(prefetch=2)
        listed: list[int] = []

        async def read(iterator: Any, listed: list[int]) -> None:
            while True:
                with anyio.move_on_after(LATENCY * 0.7):
                    try:
                        listed.append(await anext(iterator))
                    except StopAsyncIteration:
                        return

        if live:
            async with pager:
                await read(aiter(pager), listed)
        else:
            await read(aiter(pager), listed)
        assert listed == server.rows


async def test_the_bodys_error_leaves_the_block_as_it_is() -> None:
    server = SlowServer(1000)

    async def body() -> None:
        async with server.pager() as pager:
            async for _ in pager:
                raise KeyError("the body's own")

    with pytest.raises(KeyError):
        await body()
    assert server.running == 0


async def test_cancelling_the_block_ends_its_requests() -> None:
    server = SlowServer(10_000, latency=lambda offset: 1)
    with anyio.move_on_after(3.5) as scope:
        async with server.pager(prefetch=4) as pager:
            await pager.to_list()
    assert scope.cancelled_caught
    assert server.running == 0
    assert anyio.current_time() % 1 == pytest.approx(0.5)


async def test_one_block_at_a_time() -> None:
    pager = SlowServer(3).pager()
    async with pager:
        with pytest.raises(ConfigurationError, match="already"):
            await pager.__aenter__()
        assert await pager.to_list() == [0, 1, 2]
    async with pager:
        assert await pager.first() == 0


async def test_leaving_a_block_that_was_not_entered_does_nothing() -> None:
    pager = SlowServer(3).pager()
    await pager.__aexit__()
    assert await pager.to_list() == [0, 1, 2]


async def test_several_iterations_in_one_block() -> None:
    pager = SlowServer(300).pager(prefetch=2)
    async with pager:
        other = aiter(pager)
        both = [(row, await anext(other)) async for row in pager]
    assert both == [(row, row) for row in range(300)]


@pytest.mark.parametrize(
    "options",
    [
        {"page_size": 0},
        {"page_size": 10.0},
        {"page_size": 1001},
        {"page_size": True},
        {"page_size": "10"},
        {"prefetch": -1},
        {"prefetch": 33},
        {"prefetch": 1.5},
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        SlowServer(1).pager(**options)


@pytest.mark.parametrize("most", [-1, True, "3", 2.0])
async def test_a_bad_number_of_items_is_refused(most: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_items must be a whole number, 0 or more"):
        await SlowServer(1).pager().to_list(max_items=most)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "{",
        "[]",
        "7",
        "[" * 10_000,
        "x" * 200_000,
        5,
        b"{}",
        "{}",
        '{"v":3,"of":"numbers","asked":{},"offset":0,"tail":[]}',
        '{"v":2,"of":"numbers","offset":0,"tail":[]}',
        '{"v":2,"of":"numbers","asked":[],"offset":0,"tail":[]}',
        '{"v":2,"of":"numbers","asked":{},"offset":-1,"tail":[1]}',
        '{"v":2,"of":"numbers","asked":{},"offset":true,"tail":[1]}',
        '{"v":2,"of":"numbers","asked":{},"offset":1.0,"tail":[1]}',
        '{"v":2,"of":"numbers","asked":{},"offset":5,"tail":[]}',
        '{"v":2,"of":"numbers","asked":{},"offset":5,"tail":"ab"}',
        '{"v":2,"of":"numbers","asked":{},"offset":5,"tail":[null]}',
        '{"v":2,"of":"numbers","asked":{},"offset":5,"tail":[true]}',
        '{"v":2,"of":"numbers","asked":{},"offset":5,"tail":[1],"more":1}',
        '{"v":2,"of":"numbers","asked":{},"offset":99,"tail":[' + ",".join("1" * 51) + "]}",
    ],
)
def test_a_bad_token_is_refused(token: Any) -> None:
    with pytest.raises(ConfigurationError, match="resume="):
        SlowServer(1).pager(resume=token)


def test_a_token_of_the_first_form_is_refused_in_words() -> None:
    with pytest.raises(
        ConfigurationError, match="of an earlier version, which doesn't say to which question: list from"
    ):
        SlowServer(1).pager(resume='{"v":1,"of":"numbers","offset":5,"tail":[1,2]}')


@pytest.mark.parametrize(
    ("then", "now", "differs"),
    [
        ({"order": "ASC"}, {"order": "DESC"}, "another order:"),
        ({}, {"status": "sent"}, "another status:"),
        ({"status": "sent"}, {"status": None}, "another status:"),
        ({"a": 1, "b": [1, 2]}, {"a": 2, "b": [1, 3]}, "another a, b:"),
    ],
)
async def test_a_token_of_another_question_is_refused(then: Any, now: Any, differs: str) -> None:
    page = await anext(SlowServer(300).pager(question=then).pages())
    with pytest.raises(ConfigurationError, match=differs):
        SlowServer(300).pager(question=now, resume=page.resume_token)
    assert "sent" not in page.resume_token


async def test_a_token_fits_its_question_whatever_the_pages_are() -> None:
    question = {"order": "ASC", "name": None, "shown": ["a", "b"]}
    page = await anext(SlowServer(300).pager(question=question).pages())
    same = {"shown": ["b", "a"], "order": "ASC"}
    rest = await SlowServer(300).pager(question=same, page_size=7, prefetch=5, resume=page.resume_token).to_list()
    assert rest == list(range(100, 300))


async def test_a_token_of_another_listing_is_refused() -> None:
    page = await anext(SlowServer(3).pager().pages())
    with pytest.raises(ConfigurationError, match="belongs to 'numbers', not to 'letters'"):
        Pager(SlowServer(3).fetch, key=int, name="letters", resume=page.resume_token)


async def test_in_the_background_a_request_leaves_before_other_answers_are_decoded() -> None:
    trace: list[tuple[str, int]] = []

    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        trace.append(("asked", offset))
        await anyio.sleep(LATENCY)
        trace.append(("decoded", offset))
        return FetchedPage(range(offset, min(offset + limit, 1000)), 1000)

    async with Pager(fetch, key=int, name="numbers", prefetch=4) as pager:
        assert await pager.to_list() == list(range(1000))
    # Four answers came at one time. The one that was needed next made room for a request.
    assert trace[trace.index(("decoded", 99)) + 1][0] == "asked"


@pytest.mark.parametrize("beside", [0.3, 3600.0])
async def test_whoever_reads_on_when_the_block_was_cancelled_is_told_so(beside: float) -> None:
    fetched: list[int] = []

    async def fetch(offset: int, limit: int) -> FetchedPage[int]:
        fetched.append(offset)
        await anyio.sleep(beside)
        return FetchedPage(range(offset, offset + limit), 1000)

    said: list[str] = []
    pager = Pager(fetch, key=int, name="numbers")

    async def read() -> None:
        iterator = aiter(pager)
        for _ in range(3):
            try:
                while True:
                    await anext(iterator)
            except ConfigurationError as error:
                said.append(str(error))

    fetched_inside: list[int] = []
    async with anyio.create_task_group() as group:
        with anyio.move_on_after(0.1):
            async with pager:
                group.start_soon(read)
                try:
                    await anyio.sleep_forever()
                finally:
                    # The owner cleans up: the block is not left yet, and its requests go on until it is.
                    with anyio.CancelScope(shield=True):
                        await anyio.sleep(0.3)
        fetched_inside += fetched
    assert said == ["this iterator belongs to an `async with` block that was cancelled or has ended"] * 3
    assert fetched == fetched_inside
