"""What the server answered, as it came, from where the facade is used: `with sms.capture() as answers:`."""

from __future__ import annotations

import gzip
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest
from pytest_httpx import HTTPXMock

from ac_sms_async import Answer, ConfigurationError, NotFoundError, RequestInfo, RetryPolicy, ServerError, SMSClient
from ac_sms_async.lowlevel.api.broadcasts import get_broadcast

pytestmark = pytest.mark.anyio

URL = "https://acme.api-us1.com"
TOKEN = "s3cret-t0ken-of-acme"
GET_7 = RequestInfo("GET", "/sms/broadcasts/7", "getBroadcast")


@pytest.fixture
async def sms() -> AsyncGenerator[SMSClient]:
    async with SMSClient(URL, TOKEN, rate_limit=None, retry=RetryPolicy(initial=0)) as client:
        yield client


async def test_status_headers_and_raw_body_of_an_answer(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    body = b'{ "id": "7",\n "name": "Sale" }'
    httpx_mock.add_response(content=gzip.compress(body), headers={"Content-Encoding": "gzip", "X-Some": "Thing"})
    with sms.capture() as answers:
        assert answers == []
        broadcast = await sms.broadcasts.get(7)
    (answer,) = answers
    assert (broadcast.id, answer.status, answer.body, answer.request) == (7, 200, body, GET_7)
    assert answer.headers["x-some"] == "Thing"
    assert "Sale" not in repr(answer)


async def test_attempts_that_were_tried_again_and_errors_are_there(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=503, text="busy")
    httpx_mock.add_response(status_code=404, json={"message": "No Result found"})
    with sms.capture() as answers, pytest.raises(NotFoundError):
        await sms.broadcasts.get(7)
    assert [(answer.status, answer.body) for answer in answers] == [
        (503, b"busy"),
        (404, b'{"message":"No Result found"}'),
    ]


async def test_only_what_is_called_in_the_block(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"id": 7}, is_reusable=True)
    await sms.broadcasts.get(7)
    with sms.capture() as outer:
        await sms.broadcasts.get(7)
        with sms.capture() as inner:
            await sms.with_options(timeout=3).broadcasts.get(7)
        await get_broadcast.asyncio(sms.transport, 7)
    await sms.broadcasts.get(7)
    assert (len(outer), len(inner)) == (3, 1)
    assert inner[0] is outer[1]


async def test_tasks_of_the_block_belong_to_it_and_others_don_t(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"id": 7}, is_reusable=True)
    began, go_on, ended = anyio.Event(), anyio.Event(), anyio.Event()
    answers: list[Answer] = []

    async def elsewhere() -> None:
        began.set()
        await go_on.wait()
        await sms.broadcasts.get(8)
        ended.set()

    async with anyio.create_task_group() as around:
        around.start_soon(elsewhere)
        await began.wait()
        with sms.capture() as answers:
            async with anyio.create_task_group() as group:
                for number in (1, 2, 3):
                    group.start_soon(sms.broadcasts.get, number)
            go_on.set()
            await ended.wait()
    assert sorted(answer.request.path for answer in answers) == [f"/sms/broadcasts/{n}" for n in (1, 2, 3)]


async def test_pages_and_batches_are_seen(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"broadcasts": [{"id": n} for n in (1, 2, 3)], "meta": {"total": 3}}, is_reusable=True)
    with sms.capture() as answers:
        assert len(await sms.broadcasts.list().to_list()) == 3
        async with sms.broadcasts.list() as pager:
            assert len([row async for row in pager]) == 3
    assert {answer.request.operation_id for answer in answers} == {"listBroadcasts"}
    assert len(answers) == len(httpx_mock.get_requests())


async def test_an_export_has_no_body_here(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(text="id\n1\n", headers={"Content-Type": "text/csv"})
    with sms.capture() as answers:
        async with sms.exports.metrics([1]) as export:
            assert [record async for record in export.records()] == [["id"], ["1"]]
    assert [(answer.status, answer.body) for answer in answers] == [(200, None)]


async def test_another_client_s_answers_are_its_own(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"id": 7}, is_reusable=True)
    async with SMSClient(URL, TOKEN, rate_limit=None) as other:
        with sms.capture() as mine, other.capture() as theirs:
            await sms.broadcasts.get(7)
            await other.broadcasts.get(7)
            await other.broadcasts.get(7)
    assert (len(mine), len(theirs)) == (1, 2)


async def test_the_token_is_not_in_it(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"id": 7, "name": f"x {TOKEN} y"}, headers={"X-Echo": TOKEN, "X-Request-Id": TOKEN})
    httpx_mock.add_response(status_code=400, text=f"no {TOKEN}", headers={"X-Request-Id": f"for {TOKEN}"})
    with sms.capture() as answers:
        await sms.broadcasts.get(7)
        with pytest.raises(Exception, match=r"^HTTP 400: no \*\*\* .*, request id for \*\*\*\)$") as caught:
            await sms.broadcasts.get(7)
    assert len(answers) == 2
    assert TOKEN not in "".join(f"{answer.headers} {answer.body!r}" for answer in answers)
    assert TOKEN not in repr(vars(caught.value))


async def test_a_block_may_be_left_in_another_context(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"id": 7}, is_reusable=True)

    async def step(capture: Any, name: str) -> Any:
        return getattr(capture, name)(*([None] * 3 if name == "__exit__" else []))

    capture: Any = sms.capture()
    answers: list[Answer] = []

    async def enter() -> None:
        nonlocal answers
        answers = await step(capture, "__enter__")
        await sms.broadcasts.get(7)

    async with anyio.create_task_group() as group:
        group.start_soon(enter)
    capture.__exit__(None, None, None)
    await sms.broadcasts.get(7)
    assert len(answers) == 1
    with pytest.raises(ConfigurationError, match="make another one"):
        capture.__enter__()


async def test_blocks_that_end_out_of_order_take_nothing_from_each_other(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"id": 7}, is_reusable=True)
    first: Any = sms.capture()
    second: Any = sms.capture()
    one, two = first.__enter__(), second.__enter__()
    first.__exit__(None, None, None)
    await sms.broadcasts.get(7)
    second.__exit__(None, None, None)
    await sms.broadcasts.get(7)
    assert (len(one), len(two)) == (0, 1)


@pytest.mark.parametrize("name", ["X-Request-Id", "Request-Id", "X-Correlation-Id", "CF-RAY"])
async def test_an_error_names_the_request_as_the_server_does(sms: SMSClient, httpx_mock: HTTPXMock, name: str) -> None:
    once = sms.with_options(retry=RetryPolicy(max_attempts=1))
    httpx_mock.add_response(status_code=503, headers={name: " 8f2a-DUB "})
    with pytest.raises(ServerError) as caught:
        await once.broadcasts.get(7)
    assert caught.value.request_id == "8f2a-DUB"
    assert str(caught.value) == "HTTP 503 (GET /sms/broadcasts/7, request id 8f2a-DUB)"
    httpx_mock.add_response(status_code=503)
    with pytest.raises(ServerError) as caught:
        await once.broadcasts.get(7)
    assert caught.value.request_id is None


async def test_the_name_is_that_of_the_last_answer(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    twice = sms.with_options(retry=RetryPolicy(max_attempts=2, initial=0))
    for number in (1, 2):
        httpx_mock.add_response(status_code=503, headers={"X-Request-Id": f"number {number}" + "x" * 1000})
    with pytest.raises(ServerError) as caught:
        await twice.broadcasts.get(7)
    assert caught.value.request_id == ("number 2" + "x" * 1000)[:200]


async def test_an_answer_that_cannot_be_read_is_named_too(sms: SMSClient, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(text="<p>no", headers={"X-Request-Id": "one"})
    with pytest.raises(Exception, match="request id one"):
        await sms.broadcasts.get(7)
    httpx_mock.add_response(text="{}", headers={"X-Request-Id": "two", "Content-Type": "application/json"})
    async with sms.exports.metrics([1]) as export:
        with pytest.raises(Exception, match="where CSV was promised") as caught:
            await read(export)
    assert getattr(caught.value, "request_id", None) == "two"


async def read(export: Any) -> None:
    async for _ in export.records():
        raise AssertionError
