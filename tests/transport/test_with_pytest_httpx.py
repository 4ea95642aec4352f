"""Users' own tests: pytest-httpx answers for the default backend as it does for plain httpx."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from pytest_httpx import HTTPXMock, IteratorStream

from ac_sms_async import __version__
from ac_sms_async.errors import ConnectError, TransportError
from ac_sms_async.options import RetryPolicy
from ac_sms_async.transport import Transport
from tests.transport.pieces import Pieces
from tests.transport.requests import TOKEN, URL, reading, writing

pytestmark = pytest.mark.anyio

QUICK = RetryPolicy(3, initial=0)


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport(URL, TOKEN, retry=QUICK, rate_limit=None) as transport:
        yield transport


async def test_the_exact_request(transport: Transport, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{URL}/api/3/sms/credits?limit=2", method="GET", json={"ok": 1})
    httpx_mock.add_response(
        url=f"{URL}/api/3/sms/broadcasts",
        method="POST",
        match_json={"name": "Sale"},
        match_headers={"Api-Token": TOKEN, "Content-Type": "application/json"},
        status_code=201,
        json={"id": 3},
    )
    assert (await transport.send(reading(query="limit=2"))).parsed == {"ok": 1}
    assert (await transport.send(writing())).parsed == {"id": 3}
    get, post = httpx_mock.get_requests()
    assert sorted(get.headers) == ["accept", "accept-encoding", "api-token", "host", "user-agent"]
    assert get.headers["user-agent"] == f"ac-sms-async/{__version__}"
    assert post.content == b'{"name":"Sale"}'


async def test_errors_that_a_test_makes_up(transport: Transport, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ReadTimeout("slow"))
    with pytest.raises(TransportError, match="nothing came from the server for 30 s") as caught:
        await transport.send(writing())
    assert caught.value.maybe_applied
    for error in (httpx.WriteTimeout(""), httpx.RemoteProtocolError("odd")):
        httpx_mock.add_exception(error)
        with pytest.raises(TransportError):
            await transport.send(writing())
    for never in (httpx.ConnectError("refused"), httpx.PoolTimeout(""), httpx.ConnectTimeout("")):
        httpx_mock.add_exception(never, is_reusable=True)
        with pytest.raises(ConnectError) as refused:
            await transport.send(writing())
        assert (refused.value.attempts, refused.value.maybe_applied) == (3, False)
        httpx_mock.reset()
    httpx_mock.add_exception(httpx.ReadError(f"broke with {TOKEN}"))
    httpx_mock.add_response(json=2)
    assert (await transport.send(reading())).parsed == 2


async def test_streams(transport: Transport, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(stream=IteratorStream([b"id\n", b"", b"1\n"]))
    async with transport.stream(reading()) as response:
        assert [chunk async for chunk in response.chunks()] == [b"id\n", b"1\n"]
    httpx_mock.add_response(stream=Pieces(b"id\n", b"1\n"))
    async with transport.stream(reading()) as response:
        assert await response.receive() == b"id\n"
    httpx_mock.add_response(text="id\n")
    async with transport.stream(reading()):
        pass


async def test_a_connection_whose_socket_cannot_be_asked_any_more_is_not_used_again(
    transport: Transport, httpx_mock: HTTPXMock
) -> None:
    asked: list[str] = []

    class Gone:
        """As trio's streams are once they are closed."""

        def get_extra_info(self, info: str) -> bool:
            asked.append(info)
            raise ValueError("file descriptor cannot be a negative integer")

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=1, extensions={"network_stream": Gone()})

    httpx_mock.add_callback(answer)
    httpx_mock.add_response(json=2)
    assert (await transport.send(reading())).parsed == 1
    assert (await transport.send(reading())).parsed == 2
    assert asked == ["is_readable"]
