"""A dripping answer is right in the end, and stops once the other side has left, however that races with a drop."""

from __future__ import annotations

from typing import cast

import pytest

from ac_sms_async.sandbox.faults.delivery import Drip
from ac_sms_async.sandbox.reply import Reply
from ac_sms_async.sandbox.wire import Wire

pytestmark = pytest.mark.anyio


class Other:
    """A wire whose other side listens to the end, or is gone after the first drop."""

    def __init__(self, *, gone: bool) -> None:
        self.gone = gone
        self.said: list[str] = []

    async def start(self, reply: Reply) -> None:
        self.said.append(f"start {reply.status}")

    async def write(self, piece: bytes, *, more: bool = True) -> None:
        self.said.append(f"write {piece!r}")

    async def hold(self) -> None:
        self.said.append("hold")


async def test_nobody_is_dripped_upon_who_has_left() -> None:
    wire = Other(gone=True)
    assert await Drip(seconds=0).deliver(Reply(200, {}, b"abc"), cast("Wire", wire))
    assert wire.said == ["start 200", "write b'a'", "hold"]


async def test_who_stays_gets_all_of_it() -> None:
    wire = Other(gone=False)
    assert await Drip(bytes=2, seconds=0).deliver(Reply(200, {}, b"abc"), cast("Wire", wire))
    assert wire.said == ["start 200", "write b'ab'", "write b'c'", "write b''"]
