"""A server that takes 10 ms for everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.answers import minimal
from tests.faults.http11 import Answer, Request
from tests.faults.server import FaultServer, ServerThread

LATENCY = 0.01


async def _slowly(request: Request) -> Answer:
    await asyncio.sleep(LATENCY)
    return await minimal(request)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    thread = ServerThread()
    with thread.serve(_slowly) as server:
        yield server
    thread.stop()
