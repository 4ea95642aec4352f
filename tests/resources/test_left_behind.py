"""What somebody leaves behind: a reader whose stream's owner has gone, a generator that a web server never closed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from ac_sms_async import ConfigurationError, DeadlineExceededError, SMSClient
from tests.spinning import no_spinning
from tests.transport.raw_server import RawServer, Say, Seen, ok

pytestmark = pytest.mark.anyio

ROW = b"42,+15550100\r\n"
ENDLESS = Say(
    [b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"]
    + [b"%x\r\n%b\r\n" % (len(ROW), ROW)] * 3,
    then="hang",
)


def answer(seen: Seen) -> Say:
    if "export" in seen.line:
        return ENDLESS
    if "metrics" in seen.line:
        first = b"[1," in seen.body or b"[1]" in seen.body
        return ok(b'{"metrics": [{"id": 1, "sends": 5}]}') if first else Say(then="hang")
    return ok(b'{"smsCredits": {"available": 7}}')


def client(server: RawServer, **options: Any) -> SMSClient:
    return SMSClient(server.url, "token-of-the-tests", rate_limit=None, trust_env=False, **options)


READ_ON: dict[str, Callable[[SMSClient], Any]] = {
    "metrics.stream": lambda sms: sms.metrics.stream([1, 2, 3, 4], chunk_size=1),
    "metrics.stream_failures": lambda sms: sms.metrics.stream_failures([2, 3, 4]),
    "broadcasts.list": lambda sms: sms.broadcasts.list(),
}


@pytest.mark.parametrize("name", list(READ_ON))
async def test_who_reads_on_after_a_time_out_has_ended_the_block_is_told(name: str) -> None:
    """The owner cleans up under a shield meanwhile, inside the block, and the workers go with the block."""

    async def read_on(items: AsyncIterator[Any]) -> None:
        for _ in range(4):
            try:
                await anext(items)
            except ConfigurationError as error:
                told.append(str(error))

    told: list[str] = []
    hang = Say(then="hang")
    with no_spinning(), RawServer(lambda seen: answer(seen) if "POST" in seen.line else hang) as server:
        async with client(server) as sms, anyio.create_task_group() as tasks:
            with anyio.move_on_after(0.1) as time_out:
                async with READ_ON[name](sms) as stream:
                    tasks.start_soon(read_on, aiter(stream))
                    try:
                        await anyio.sleep_forever()
                    finally:
                        with anyio.CancelScope(shield=True):
                            await anyio.sleep(0.1)
            assert time_out.cancelled_caught
    assert len(told) >= 3
    assert all(text.endswith("belongs to an `async with` block that was cancelled or has ended") for text in told)


async def export(sms: SMSClient) -> AsyncGenerator[object]:
    """As most people write the body of a streaming answer."""
    async with sms.exports.metrics([1]) as export:
        async for chunk in export.bytes():
            yield chunk


async def stream(sms: SMSClient) -> AsyncGenerator[object]:
    async with sms.metrics.stream([1, 2, 3], chunk_size=1) as stream:
        async for outcome in stream:
            yield outcome


@pytest.mark.parametrize("body", [export, stream])
async def test_a_generator_that_is_closed_in_another_task_leaves_nothing(
    body: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with RawServer(answer) as server:
        async with client(server, max_concurrency=1) as sms:
            for _ in range(5):
                generator = body(sms)
                await anext(generator)
                async with anyio.create_task_group() as closing:
                    closing.start_soon(generator.aclose)
            assert (await sms.credits.get()).available == 7
        assert await server.settles(0)
    assert (caplog.text, capfd.readouterr().err) == ("", "")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("body", [export, stream])
async def test_a_generator_that_nobody_closes_goes_with_the_garbage(
    body: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """asyncio closes it in a task of its own. Until then it holds its slot, and a call that wants it says so."""
    others = asyncio.all_tasks()
    with RawServer(answer) as server:
        async with client(server, max_concurrency=1) as sms:
            generator = body(sms)
            await anext(generator)
            with pytest.raises(DeadlineExceededError, match=r"0\.3 s in line for a slot"):
                await sms.with_options(deadline=0.3).credits.get()
            del generator
            gc.collect()
            with anyio.fail_after(5):
                while asyncio.all_tasks() != others:  # noqa: ASYNC110  # nobody tells
                    await anyio.sleep(0.005)
            assert (await sms.credits.get()).available == 7
        assert await server.settles(0)
    assert (caplog.text, capfd.readouterr().err) == ("", "")
