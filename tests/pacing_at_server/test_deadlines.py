"""Every call ends within its deadline plus a tenth of a second, whatever the server does: in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Self

import anyio
import httpx
import pytest

from ac_sms_async import DeadlineExceededError, RateLimit, RetryPolicy, ServerError, SMSClient, SMSError
from tests.faults.calls import CALLS

pytestmark = pytest.mark.anyio

DEADLINE = 7.0
GRACE = 0.1


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


class Drip(httpx.AsyncByteStream):
    """A body of which a byte comes every second, for ever."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        await anyio.sleep(1)
        return b" "


async def drips(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=Drip())


async def stalls(request: httpx.Request) -> httpx.Response:
    await anyio.sleep_forever()
    raise AssertionError


async def fails(request: httpx.Request) -> httpx.Response:
    await anyio.sleep(0.3)
    return httpx.Response(503, text="later")


Server = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]
Client = Callable[..., SMSClient]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    opened: list[httpx.AsyncClient] = []

    def make(server: Server, limit: RateLimit | None = None) -> SMSClient:
        inner = httpx.AsyncClient(transport=httpx.MockTransport(server))
        opened.append(inner)
        return SMSClient(
            "https://acme.api-us1.com",
            "token",
            http_client=inner,
            deadline=DEADLINE,
            retry=RetryPolicy(max_attempts=100),
            rate_limit=limit,
        )

    yield make
    for inner in opened:
        await inner.aclose()


async def _ends_with(call: Callable[[], Awaitable[Any]]) -> tuple[SMSError, float]:
    started = anyio.current_time()
    with pytest.raises(SMSError) as caught:
        await call()
    return caught.value, anyio.current_time() - started


@pytest.mark.parametrize("name", CALLS)
async def test_a_server_that_drips(client: Client, name: str) -> None:
    async with client(drips) as sms:
        error, took = await _ends_with(lambda: CALLS[name](sms))
    assert isinstance(error, DeadlineExceededError)
    assert took <= DEADLINE + GRACE
    assert error.attempts == 1


@pytest.mark.parametrize("name", CALLS)
async def test_a_server_that_stalls(client: Client, name: str) -> None:
    async with client(stalls) as sms:
        error, took = await _ends_with(lambda: CALLS[name](sms))
    assert isinstance(error, DeadlineExceededError)
    assert took == pytest.approx(DEADLINE, abs=GRACE)


@pytest.mark.parametrize("name", CALLS)
async def test_a_server_that_always_fails(client: Client, name: str) -> None:
    async with client(fails) as sms:
        error, took = await _ends_with(lambda: CALLS[name](sms))
    assert took <= DEADLINE + GRACE
    # Where no further attempt fits, the last failure is either what is raised or its cause.
    last = error.__cause__ if isinstance(error, DeadlineExceededError) else error
    assert isinstance(last, ServerError)
    assert last.status == 503
    assert error.attempts >= 1


async def test_waiting_for_a_turn_counts_too(client: Client) -> None:
    ended: list[float] = []
    late: list[DeadlineExceededError] = []

    async def answers(request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.01)
        return httpx.Response(200, json={"smsCredits": {"available": 1}})

    async with client(answers, RateLimit(5)) as sms:
        started = anyio.current_time()

        async def one() -> None:
            try:
                await sms.credits.get()
            except DeadlineExceededError as error:
                late.append(error)
            ended.append(anyio.current_time() - started)

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(one)
    assert len(ended) == 100
    assert max(ended) <= DEADLINE + GRACE
    assert len(late) > 50
    assert all(error.attempts == 0 and not error.maybe_applied for error in late)
