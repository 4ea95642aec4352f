"""What reading a page, a call, a walk and a stream cost in function calls: machines differ, counts don't.

Counted are calls of our functions and calls that our functions make. Where a change makes one of these dearer on
purpose, the number here changes with it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

import ac_sms_async
from ac_sms_async import SMSClient
from ac_sms_async.lowlevel.api.broadcasts import list_broadcasts
from ac_sms_async.lowlevel.api.recipients import get_broadcast_recipients

OURS = str(Path(ac_sms_async.__file__).parent)
PAYLOADS = Path(__file__).parents[2] / "benchmarks" / "payloads"
ZONE = ZoneInfo("America/Chicago")
TOLERANCE = 1.05
"""Versions of Python differ a little: comprehensions are calls up to 3.11."""


class Counter:
    """The interpreter's profile function while it counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "c_call":
            self.calls += _is_ours(frame)
        elif event == "call":
            self.calls += _is_ours(frame) or _is_ours(frame.f_back)


def _is_ours(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(OURS)


@contextmanager
def counting() -> Generator[Counter]:
    counter = Counter()
    before = sys.getprofile()
    sys.setprofile(counter)
    try:
        yield counter
    finally:
        sys.setprofile(before)


@pytest.fixture
def anyio_backend() -> str:
    """One is enough: the counted code is the same on both."""
    return "asyncio"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[httpx.Request], Any]], None]:
    """Answers every request of the default backend with the JSON that a function makes of it."""

    def use(make: Callable[[httpx.Request], Any]) -> None:
        async def answer(_transport: object, request: httpx.Request) -> httpx.Response:
            await request.aread()
            return httpx.Response(200, json=make(request))

        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer)

    return use


@pytest.mark.parametrize(
    ("payload", "decode", "per_row"),
    [
        ("broadcasts", list_broadcasts.request().decode, 8.1),
        ("recipients", get_broadcast_recipients.request(1).decode, 16.0),
    ],
)
def test_reading_a_page(payload: str, decode: Callable[[Any, tzinfo], object], per_row: float) -> None:
    page = json.loads((PAYLOADS / f"{payload}.json").read_bytes())
    # Once before: what other tests left for the first one to do is not counted.
    decode(page, ZONE)
    with counting() as counter:
        decode(page, ZONE)
    assert counter.calls / len(page[payload]) <= per_row * TOLERANCE


@pytest.mark.anyio
async def test_one_call(answers: Callable[[Callable[[httpx.Request], Any]], None]) -> None:
    answers(lambda _: {"id": 42, "name": "Spring sale"})
    async with SMSClient("https://acme.api-us1.com", "token") as sms:
        await sms.broadcasts.get(42)
        with counting() as counter:
            await sms.broadcasts.get(42)
    # 55 of them are for being served under overload: the usual answer, the line's length, what took the time.
    assert counter.calls <= 195 * TOLERANCE


@pytest.mark.anyio
async def test_a_walk_through_pages(answers: Callable[[Callable[[httpx.Request], Any]], None]) -> None:
    def page(request: httpx.Request) -> Any:
        offset = int(request.url.params["offset"])
        return {"broadcasts": [{"id": row} for row in range(offset + 1, min(offset + 100, 1000) + 1)]}

    answers(page)
    async with SMSClient("https://acme.api-us1.com", "token", rate_limit=None) as sms:
        with counting() as counter:
            rows = await sms.broadcasts.list().to_list()
    assert len(rows) == 1000
    assert counter.calls / len(rows) <= 14 * TOLERANCE


@pytest.mark.anyio
async def test_a_stream_of_metrics(answers: Callable[[Callable[[httpx.Request], Any]], None]) -> None:
    answers(lambda request: {"metrics": [{"id": row, "sends": 1} for row in json.loads(request.content)["ids"]]})
    ids = list(range(1, 1001))
    async with SMSClient("https://acme.api-us1.com", "token", rate_limit=None) as sms:
        with counting() as counter:
            async with sms.metrics.stream(ids) as outcomes:
                found = [outcome async for outcome in outcomes]
    assert [outcome.status for outcome in found] == ["ok"] * 1000
    assert counter.calls / len(ids) <= 14.8 * TOLERANCE
