"""A dripping answer stops once the other side has left, however that races with the next drop."""

from __future__ import annotations

from typing import cast

import pytest

from ac_sms_async.sandbox.faults.delivery import Drip
from ac_sms_async.sandbox.reply import Reply
from ac_sms_async.sandbox.wire import Wire

pytestmark = pytest.mark.anyio


class Left:
    """A wire whose other side is gone after the first drop."""

    gone = True

    def __init__(self) -> None:
        self.said: list[str] = []

    async def start(self, reply: Reply) -> None:
        self.said.append(f"start {reply.status}")

    async def write(self, piece: bytes, *, more: bool = True) -> None:
        self.said.append(f"write {piece!r}")

    async def hold(self) -> None:
        self.said.append("hold")


async def test_nobody_is_dripped_upon_who_has_left() -> None:
    wire = Left()
    assert await Drip(seconds=0).deliver(Reply(200, {}, b"abc"), cast("Wire", wire))
    assert wire.said == ["start 200", "write b'a'", "hold"]
