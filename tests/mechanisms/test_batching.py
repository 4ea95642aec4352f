"""Outcomes for many ids: one each, whatever the server refuses, and bounded in time and space."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import anyio
import pytest
from attrs import define, frozen

from ac_sms_async.batching.outcome import Found, Outcome
from ac_sms_async.batching.stream import OutcomeStream, collect
from ac_sms_async.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    SMSError,
    TransportError,
    UnprocessableError,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.fixture(params=["plain", "live"])
def live(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "live")


class Server:
    """Knows a word for each id but those that are missing, and refuses what holds a bad id."""

    def __init__(self) -> None:
        self.missing: set[int] = set()
        self.bad: dict[int, SMSError] = {}
        self.asked: list[list[int]] = []
        self.running = 0
        self.most_running = 0
        self.takes: Callable[[list[int]], float] = lambda ids: 1

    async def fetch(self, ids: list[int]) -> Mapping[int, str]:
        self.asked.append(ids)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await anyio.sleep(self.takes(ids))
        finally:
            self.running -= 1
        for id in ids:
            if id in self.bad:
                raise self.bad[id]
        return {id: f"word {id}" for id in [*ids, 999_999] if id not in self.missing}

    def stream(self, ids: Any, **options: Any) -> OutcomeStream[str, Found[str]]:
        return OutcomeStream(ids, self.fetch, found=Found[str], **options)


def bad_request() -> SMSError:
    return BadRequestError("not like this", status=400)


async def outcomes(
    stream: OutcomeStream[str, Found[str]], live: bool, into: list[Outcome[str]] | None = None
) -> list[Outcome[str]]:
    into = [] if into is None else into
    async with stream if live else contextlib.nullcontext():
        while (outcome := await anext(stream, None)) is not None:
            into.append(outcome)
    return into


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("chunk_size", [1, 3, 100])
async def test_every_id_gets_one_outcome(chunk_size: int, ordered: bool, live: bool) -> None:
    server = Server()
    server.missing = {3, 8}
    server.takes = lambda ids: 1 / ids[0]
    got = await outcomes(server.stream(range(1, 12), chunk_size=chunk_size, ordered=ordered), live)
    assert sorted(outcome.id for outcome in got) == list(range(1, 12))
    for outcome in got:
        if outcome.id in server.missing:
            assert (outcome.status, outcome.value, outcome.error) == ("missing", None, None)
        else:
            assert (outcome.status, outcome.value, outcome.error) == ("ok", f"word {outcome.id}", None)
    if ordered:
        assert [outcome.id for outcome in got] == list(range(1, 12))


async def test_as_they_come_the_quick_ones_come_first() -> None:
    server = Server()
    server.takes = lambda ids: 10 - ids[0]
    stream = server.stream([1, 2, 3, 4], chunk_size=1, ordered=False)
    assert [outcome.id for outcome in await outcomes(stream, live=True)] == [4, 3, 2, 1]


async def test_nothing_is_asked_for_no_ids(live: bool) -> None:
    server = Server()
    assert await outcomes(server.stream([]), live) == []
    assert server.asked == []


async def test_duplicates_are_asked_for_once(live: bool) -> None:
    server = Server()
    for ids in ([5, 5, 1, 5, 1], iter([5, 5, 1, 5, 1]), {5: 1, 1: 2}):
        server.asked.clear()
        got = await outcomes(server.stream(ids, chunk_size=2), live)
        assert [outcome.id for outcome in got] == [5, 1]
        assert server.asked == [[5, 1]]


async def test_ids_may_come_asynchronously(live: bool) -> None:
    async def ids() -> AsyncIterator[int]:
        for id in (4, 2, 4, 9):
            await anyio.sleep(1)
            yield id

    server = Server()
    assert [outcome.id for outcome in await outcomes(server.stream(ids(), chunk_size=2), live)] == [4, 2, 9]
    assert sorted(server.asked) == [[4, 2], [9]]


async def test_endless_ids_are_pulled_as_needed(live: bool) -> None:
    pulled = 0

    def ids() -> Iterator[int]:
        nonlocal pulled
        while True:
            pulled += 1
            yield pulled

    server = Server()
    stream = server.stream(ids(), chunk_size=10, max_concurrency=3)
    async with stream if live else contextlib.nullcontext():
        async for outcome in stream:
            if outcome.id == 35:
                break
        await anyio.sleep(100)
        # Twice as many chunks as workers, beside the two that were taken in part or whole since.
        assert pulled <= (100 if live else 60)
    assert server.most_running == 3
    assert server.running == 0


async def test_time_is_that_of_the_workers(live: bool) -> None:
    server = Server()
    start = anyio.current_time()
    await outcomes(server.stream(range(1, 1001), chunk_size=100, max_concurrency=5), live)
    assert anyio.current_time() - start == pytest.approx(2)
    assert server.most_running == 5


async def test_workers_run_all_the_time_only_in_the_block() -> None:
    server = Server()
    plain = server.stream(range(1, 100), chunk_size=10, max_concurrency=2)
    await anext(plain)
    await anyio.sleep(50)
    assert len(server.asked) == 2
    assert server.running == 0
    server.asked.clear()
    async with server.stream(range(1, 100), chunk_size=10, max_concurrency=2) as stream:
        await anext(stream)
        await anyio.sleep(0.1)
        assert server.running == 2
        await anyio.sleep(50)
        # One chunk was taken, and two for each worker wait.
        assert len(server.asked) == 5
    assert server.running == 0


async def test_leaving_the_block_ends_the_requests() -> None:
    server = Server()
    stream = server.stream(range(1, 100), chunk_size=1)

    async def body() -> None:
        async with stream:
            await anext(stream)
            await anyio.sleep(0.1)
            assert server.running > 0
            raise KeyError("the body's own")

    with pytest.raises(KeyError):
        await body()
    assert server.running == 0
    assert [outcome.id for outcome in [await anext(stream) for _ in range(3)]] == [2, 3, 4]
    with pytest.raises(ConfigurationError, match="has ended"):
        await anext(stream)
    with pytest.raises(ConfigurationError, match="already"):
        await stream.__aenter__()


async def test_a_stream_can_go_on_in_a_block() -> None:
    server = Server()
    stream = server.stream(range(1, 30), chunk_size=4, max_concurrency=2)
    first = [await anext(stream) for _ in range(2)]
    with anyio.move_on_after(0.5):
        while True:
            first.append(await anext(stream))
    rest = await outcomes(stream, live=True)
    assert [outcome.id for outcome in first + rest] == list(range(1, 30))


async def test_a_wait_that_is_cancelled_loses_no_id(live: bool) -> None:
    async def ids() -> AsyncIterator[int]:
        for id in range(1, 41):
            yield id

    server = Server()
    server.takes = lambda chunk: 0.9 if len(server.asked) % 3 else 0.2
    for source in (ids(), range(1, 41)):
        got: list[int] = []
        stream = server.stream(source, chunk_size=3, max_concurrency=2)
        async with stream if live else contextlib.nullcontext():
            for _ in range(1000):
                with anyio.move_on_after(0.5):
                    outcome = await anext(stream, None)
                    if outcome is None:
                        break
                    got.append(outcome.id)
        assert got == list(range(1, 41))


async def test_several_tasks_can_share_a_stream(live: bool) -> None:
    server = Server()
    stream = server.stream(range(1, 50), chunk_size=5, max_concurrency=2)
    got: list[int] = []

    async def work() -> None:
        async for outcome in stream:
            got.append(outcome.id)
            await anyio.sleep(0.1)

    async with stream if live else contextlib.nullcontext(), anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(work)
    assert sorted(got) == list(range(1, 50))
    assert sum(map(len, server.asked)) == 49


async def test_an_error_reaches_every_task_that_shares_a_stream() -> None:
    server = Server()
    server.bad = {1: AuthenticationError("x", status=401)}
    server.takes = lambda ids: 1 if 1 in ids else 5
    stream = server.stream(range(1, 50), chunk_size=5, max_concurrency=2)
    errors: list[SMSError] = []

    async def work() -> None:
        with pytest.raises(AuthenticationError) as caught:
            await anext(stream)
        errors.append(caught.value)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(work)
    assert errors == [server.bad[1]] * 3
    assert len(server.asked) == 2


async def test_leaving_a_block_that_was_not_entered_does_nothing() -> None:
    server = Server()
    stream = server.stream([1])
    await stream.__aexit__()
    assert server.asked == []


@pytest.mark.parametrize("error_class", [BadRequestError, NotFoundError, UnprocessableError])
async def test_a_refused_chunk_is_split_until_the_bad_ids_are_alone(
    error_class: type[BadRequestError], live: bool
) -> None:
    server = Server()
    server.bad = {id: error_class(f"bad {id}", status=400) for id in (7, 40)}
    got = await outcomes(server.stream(range(1, 101), chunk_size=50), live)
    assert [outcome.id for outcome in got] == list(range(1, 101))
    failed = {outcome.id: outcome.error for outcome in got if outcome.status == "failed"}
    assert failed == server.bad
    assert sum(outcome.status == "ok" for outcome in got) == 98
    # Two chunks, and about twice the logarithm of the chunk for each bad id.
    assert len(server.asked) <= 2 + 2 * 2 * 6


@pytest.mark.parametrize("max_concurrency", [1, 4])
async def test_two_chunks_refused_to_the_last_id_end_the_run(max_concurrency: int, live: bool) -> None:
    server = Server()
    server.bad = {id: bad_request() for id in range(9, 1000)}
    stream = server.stream(range(1, 1000), chunk_size=8, max_concurrency=max_concurrency)
    got: list[Outcome[str]] = []
    with pytest.raises(BadRequestError):
        await outcomes(stream, live, got)
    assert [outcome.id for outcome in got if outcome.status == "ok"] == list(range(1, 9))
    assert [outcome.id for outcome in got if outcome.status == "failed"] == list(range(9, 25))
    # One good chunk, two that are split to the end, and those that were on their way.
    assert len(server.asked) <= 1 + 2 * 15 + max_concurrency
    with pytest.raises(BadRequestError):
        await anext(stream)


async def test_chunks_refused_with_a_good_one_in_between_do_not(live: bool) -> None:
    server = Server()
    server.bad = {id: bad_request() for id in range(1, 101) if (id - 1) // 5 % 2}
    got = await outcomes(server.stream(range(1, 101), chunk_size=5), live)
    assert Counter(outcome.status for outcome in got) == {"ok": 50, "failed": 50}


async def test_how_many_chunks_in_a_row_can_be_set(live: bool) -> None:
    server = Server()
    server.bad = {id: bad_request() for id in (*range(1, 10), *range(20, 100))}
    got: list[Outcome[str]] = []
    stream = server.stream(range(1, 100), chunk_size=1, give_up_after=10, max_concurrency=3)
    with pytest.raises(BadRequestError):
        await outcomes(stream, live, got)
    assert 29 <= len(got) <= 31


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("x", status=401),
        PaymentRequiredError("x", status=402),
        PermissionDeniedError("x", status=403),
        ConfigurationError("closed"),
        ZeroDivisionError("a bug"),
    ],
)
async def test_what_no_other_chunk_would_fare_better_with_ends_the_run_at_once(error: Any, live: bool) -> None:
    server = Server()
    server.bad = {12: error}
    server.takes = lambda ids: {1: 1, 11: 1.5}.get(ids[0], 5)
    got: list[Outcome[str]] = []
    with pytest.raises(Exception, match=str(error)) as caught:
        await outcomes(server.stream(range(1, 1000), chunk_size=10, max_concurrency=3), live, got)
    assert caught.value is error
    # What was finished by then comes first; what was under way ends.
    assert [outcome.id for outcome in got] == list(range(1, 11))
    assert len(server.asked) <= 4
    assert server.running == 0


async def test_a_fatal_error_while_splitting_ends_the_run_too(live: bool) -> None:
    server = Server()
    server.bad = {2: bad_request(), 3: PermissionDeniedError("x", status=403)}
    got: list[Outcome[str]] = []
    with pytest.raises(PermissionDeniedError):
        await outcomes(server.stream([1, 2, 3, 4], chunk_size=4), live, got)
    assert got == []


@pytest.mark.parametrize(
    "error",
    [
        RateLimitedError("x", status=429),
        ServerError("x", status=503),
        TransportError("x"),
        InvalidResponseError("x"),
    ],
)
async def test_other_errors_fail_their_chunk_and_no_more(error: SMSError, live: bool) -> None:
    server = Server()
    server.bad = {12: error}
    got = await outcomes(server.stream(range(1, 31), chunk_size=10), live)
    assert [outcome.id for outcome in got if outcome.error is error] == list(range(11, 21))
    assert Counter(outcome.status for outcome in got) == {"ok": 20, "failed": 10}
    assert len(server.asked) == 3


async def test_other_errors_while_splitting_fail_their_part(live: bool) -> None:
    server = Server()
    server.bad = {1: bad_request(), 8: ServerError("x", status=500)}
    got = await outcomes(server.stream(range(1, 9), chunk_size=8), live)
    assert [outcome.status for outcome in got] == ["failed", "ok", "ok", "ok", *["failed"] * 4]
    assert isinstance(got[7].error, ServerError)


@pytest.mark.parametrize("bad", [0, -1, True, False, "5", 1.0, None])
async def test_bad_ids_are_refused(bad: Any, live: bool) -> None:
    server = Server()
    with pytest.raises(ConfigurationError, match="positive whole number"):
        server.stream([1, bad])
    # Those that are pulled one by one are found out when their turn comes, behind the outcomes before them.
    got: list[Outcome[str]] = []
    with pytest.raises(ConfigurationError, match="positive whole number"):
        await outcomes(server.stream(iter([1, 2, 3, bad, 4]), chunk_size=2), live, got)
    assert [outcome.id for outcome in got] == [1, 2, 3]


async def test_an_id_of_a_kind_of_its_own_is_taken_as_the_number_it_is() -> None:
    class Id(int):
        pass

    class Numpy:
        def __index__(self) -> int:
            return 7

    server = Server()
    ids: Any = [Id(5), Numpy(), 7]
    await outcomes(server.stream(ids), live=False)
    assert server.asked == [[5, 7]]
    assert {type(id) for id in server.asked[0]} == {int}
    sizes: Any = Numpy()
    server = Server()
    await outcomes(server.stream(range(1, 9), chunk_size=sizes, max_concurrency=sizes, give_up_after=sizes), live=True)
    assert server.asked == [[1, 2, 3, 4, 5, 6, 7], [8]]


async def test_an_id_of_more_digits_than_are_written_is_refused_in_words() -> None:
    for ids in ([-(10**5000)], iter([-(10**5000)])):
        with pytest.raises(ConfigurationError, match="not a number of too many digits"):
            await outcomes(Server().stream(ids), live=False)


@pytest.mark.parametrize("ids", ["123", b"123", bytearray(b"1"), 5, None])
def test_what_is_no_collection_of_ids_is_refused(ids: Any) -> None:
    with pytest.raises(ConfigurationError, match="iterable of positive whole numbers"):
        Server().stream(ids)


@pytest.mark.parametrize("options", [{"chunk_size": 0}, {"chunk_size": True}, {"max_concurrency": -1}])
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Server().stream([1], **options)


async def test_an_error_of_the_ids_themselves_comes_behind_the_outcomes(live: bool) -> None:
    def ids() -> Iterator[int]:
        yield from (1, 2, 3)
        raise OSError("the file ended")

    got: list[Outcome[str]] = []
    with pytest.raises(OSError, match="the file ended"):
        await outcomes(Server().stream(ids(), chunk_size=2), live, got)
    assert [outcome.id for outcome in got] == [1, 2, 3]


async def test_progress_is_told(live: bool) -> None:
    server = Server()
    server.bad = {4: ServerError("x", status=500)}
    told: list[tuple[int, int, int | None]] = []

    def tell(done: int, failed: int, total: int | None) -> None:
        told.append((done, failed, total))

    stream = server.stream([1, 2, 3, 4, 5, 5], chunk_size=2, max_concurrency=1, on_progress=tell)
    await outcomes(stream, live)
    assert told == [(2, 0, 5), (4, 2, 5), (5, 2, 5)]
    told.clear()
    await outcomes(server.stream(iter([1]), on_progress=tell), live)
    assert told == [(1, 0, None)]


async def test_an_error_of_the_callback_is_not_swallowed(live: bool) -> None:
    def fail(*numbers: object) -> None:
        raise KeyError("callback")

    with pytest.raises(KeyError):
        await outcomes(Server().stream([1], on_progress=fail), live)


@frozen
class Word(Found[str]):
    @property
    def word(self) -> str:
        return self.value


async def test_what_is_found_may_have_a_class_of_its_own() -> None:
    async for outcome in OutcomeStream([3], Server().fetch, found=Word):
        assert outcome.status == "ok"
        assert outcome.word == "word 3"


@define
class Batch:
    words: dict[int, str]
    missing: list[int]
    failed: dict[int, SMSError]


async def test_a_batch_is_collected() -> None:
    server = Server()
    server.missing = {2}
    server.bad = {3: bad_request()}
    batch = await collect(server.stream(range(1, 6)), Batch)
    assert batch.words == {1: "word 1", 4: "word 4", 5: "word 5"}
    assert batch.missing == [2]
    assert batch.failed == server.bad


async def test_an_error_with_a_batch_that_holds_its_like_can_be_copied() -> None:
    server = Server()
    server.bad = {id: bad_request() for id in range(1, 100)}
    with pytest.raises(BadRequestError) as caught:
        await collect(server.stream(range(1, 100), chunk_size=4, max_concurrency=1), Batch)
    batch: Any = deepcopy(caught.value).batch
    assert list(batch.failed) == list(range(1, 9))
    assert caught.value.__cause__ is server.bad[8]


async def test_an_error_carries_the_batch_so_far() -> None:
    server = Server()
    server.missing = {2}
    server.bad = {9: AuthenticationError("x", status=401)}
    with pytest.raises(AuthenticationError) as caught:
        await collect(server.stream(range(1, 20), chunk_size=4, max_concurrency=1), Batch)
    batch: Any = caught.value.batch
    assert isinstance(batch, Batch)
    assert list(batch.words) == [1, 3, 4, 5, 6, 7, 8]
    assert batch.missing == [2]
    assert batch.failed == {}
