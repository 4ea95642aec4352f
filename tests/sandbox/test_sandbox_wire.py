"""Faults of the connection, seen from the other end of a real socket, and without one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import httpx
import pytest

from ac_sms_async.sandbox import Sandbox
from tests.sandbox.served import Served

PATH = "/sms/broadcasts"


@contextmanager
def fault(served: Served, text: str) -> Generator[None]:
    made = served.sandbox.faults.add(text)
    yield
    served.sandbox.faults.remove(made)
    assert made.hits == 1


def test_slow_is_late_but_right(served: Served) -> None:
    right = served.get(PATH)
    began = time.monotonic()
    with fault(served, "*:slow:seconds=0.1"):
        assert served.get(PATH) == right
    assert time.monotonic() - began >= 0.1


def test_drip_is_right_in_the_end(served: Served) -> None:
    right = served.get(PATH)
    with fault(served, "*:drip:bytes=1000:seconds=0.001"), served.http.stream("GET", PATH) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 3
    assert b"".join(pieces) == httpx.Response(200, json=right).content or len(b"".join(pieces)) > 10_000


def test_a_dripping_answer_ends_where_nobody_listens(served: Served) -> None:
    with fault(served, "*:drip:seconds=0.001"), served.http.stream("GET", PATH) as answer:
        next(answer.iter_raw())
    assert served.get("/sms/credits")


@pytest.mark.parametrize(("text", "status"), [("*:stall", None), ("*:stall:after=5", 200)])
def test_stall_says_nothing_more(served: Served, text: str, status: int | None) -> None:
    with fault(served, text), pytest.raises(httpx.ReadTimeout):
        served.http.get(PATH, timeout=0.1)
    assert next(iter(served.sandbox.journal)).status == status


@pytest.mark.parametrize("text", ["*:reset", "*:reset:after=100"])
def test_reset_breaks_the_connection(served: Served, text: str) -> None:
    with fault(served, text), pytest.raises(httpx.ReadError, match="reset"):
        served.get(PATH)


def test_hang_up_closes_without_an_answer(served: Served) -> None:
    with fault(served, "*:hang_up"), pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        served.get(PATH)
    assert next(iter(served.sandbox.journal)).status is None


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_cut_is_noticed_where_a_length_was_promised(served: Served, framing: str) -> None:
    with fault(served, f"*:cut:framing={framing}"), pytest.raises(httpx.RemoteProtocolError, match="peer closed"):
        served.get(PATH)


def test_cut_is_not_noticed_where_no_length_was_promised(served: Served) -> None:
    right = served.http.get(PATH).content
    with fault(served, "*:cut:framing=close:after=1234"):
        answer = served.http.get(PATH)
    assert (answer.status_code, answer.content) == (200, right[:1234])
    assert "content-length" not in answer.headers


def test_a_cut_export(served: Served) -> None:
    whole = served.http.post("/sms/broadcasts/1/recipients/export", json={}).content
    with fault(served, "*:cut:framing=close"):
        part = served.http.post("/sms/broadcasts/1/recipients/export", json={}).content
    assert part == whole[: len(whole) // 2]


def test_close_after_answers_in_full(served: Served) -> None:
    with fault(served, "*:close_after"):
        assert served.get(PATH)["meta"] == {"total": 30}
    # On a connection of its own: the old one may not have heard yet that it is closed.
    with httpx.Client(base_url=served.http.base_url, headers=served.http.headers) as fresh:
        assert fresh.get(PATH).json()["meta"] == {"total": 30}


def test_a_reset_after_a_write_leaves_it_applied(served: Served) -> None:
    with fault(served, "createBroadcast:reset:applied=true"), pytest.raises(httpx.ReadError):
        served.post(PATH, 201, name="a", body="b")
    assert served.get(PATH)["meta"] == {"total": 31}


def test_a_large_export_comes_in_pieces_and_stops_where_nobody_listens(serve: Callable[..., Served]) -> None:
    served = serve(recipients=300_000, broadcasts=1)
    began = time.monotonic()
    with served.http.stream("POST", "/sms/broadcasts/1/recipients/export", json={}) as answer:
        first = next(answer.iter_raw())
    assert first.startswith(b"id,name,")
    # 30 MB would take seconds; that they are not written shows in that the next answer comes at once.
    assert served.get("/sms/credits")
    assert time.monotonic() - began < 5


def test_stopping_drops_whoever_still_waits() -> None:
    sandbox = Sandbox(faults=["*:stall"])
    errors: list[Exception] = []

    def ask() -> None:
        try:
            httpx.get(f"{sandbox.url}/api/3/sms/credits", headers={"Api-Token": sandbox.token})
        except httpx.HTTPError as error:
            errors.append(error)

    with sandbox:
        asking = threading.Thread(target=ask)
        asking.start()
        while not len(sandbox.journal):
            time.sleep(0.005)
        sandbox.stop()
        asking.join(5)
    assert len(errors) == 1


# --- without a socket -------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["*:reset", "*:reset:after=3", "*:hang_up", "*:cut", "*:cut:framing=close"])
async def test_a_connection_that_is_not_there_breaks_in_the_caller(text: str) -> None:
    sandbox = Sandbox(faults=[text])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(sandbox.app),
        base_url="http://sandbox/api/3",
        headers={"Api-Token": sandbox.token},
    ) as http:
        with pytest.raises(ConnectionResetError):
            await http.get(PATH)


@pytest.mark.anyio
async def test_only_http_is_spoken() -> None:
    async def never() -> dict[str, object]:
        raise AssertionError

    async def ignore(message: object) -> None:
        raise AssertionError

    with pytest.raises(ValueError, match="only HTTP"):
        await Sandbox().app({"type": "websocket"}, never, ignore)


@pytest.mark.anyio
async def test_where_there_is_no_connection_none_is_closed_after() -> None:
    sandbox = Sandbox(faults=["*:close_after"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app)) as http:
        answer = await http.get("http://sandbox/api/3/sms/credits", headers={"Api-Token": sandbox.token})
    assert answer.status_code == 200
