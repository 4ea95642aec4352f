"""Faults of the connection: late, slow, broken."""

from __future__ import annotations

from typing import ClassVar

import anyio
from attrs import field, frozen, validators

from ac_sms_async.sandbox.faults.kind import Exchange, Kind
from ac_sms_async.sandbox.reply import Reply
from ac_sms_async.sandbox.wire import Wire


@frozen
class Slow(Kind):
    """The right answer, after `seconds`."""

    name: ClassVar[str] = "slow"
    seconds: float = field(default=1.0, validator=validators.ge(0))

    async def before(self, exchange: Exchange) -> None:
        await anyio.sleep(self.seconds)


@frozen
class Stall(Kind):
    """No answer ever, or (`after` = bytes of the body) one that stops in the middle; the connection stays open."""

    name: ClassVar[str] = "stall"
    after: int = field(default=-1, validator=validators.ge(-1))

    @property
    def silent(self) -> bool:
        return self.after < 0

    @property
    def instead(self) -> bool:
        return self.silent

    async def deliver(self, reply: Reply, wire: Wire) -> bool:
        if self.after >= 0:
            await _begin(reply, wire, self.after)
        await wire.hold()
        return True


@frozen
class Drip(Kind):
    """The right answer, `bytes` at a time, `seconds` apart: never silent for long, never done."""

    name: ClassVar[str] = "drip"
    bytes: int = field(default=1, validator=validators.ge(1))
    seconds: float = field(default=0.05, validator=validators.ge(0))

    async def deliver(self, reply: Reply, wire: Wire) -> bool:
        body = await reply.whole()
        await wire.start(Reply(reply.status, reply.headers, body))
        for place in range(0, len(body), self.bytes):
            await wire.write(body[place : place + self.bytes])
            await anyio.sleep(self.seconds)
            if wire.gone:
                await wire.hold()
                return True
        await wire.write(b"", more=False)
        return True


@frozen
class Reset(Kind):
    """A reset of the connection: before any answer, or (`after`) so many bytes into the body."""

    name: ClassVar[str] = "reset"
    after: int = field(default=-1, validator=validators.ge(-1))

    @property
    def silent(self) -> bool:
        return self.after < 0

    @property
    def instead(self) -> bool:
        return self.silent

    async def deliver(self, reply: Reply, wire: Wire) -> bool:
        if self.after >= 0:
            await _begin(reply, wire, self.after)
            # What was written must be on its way before a reset that throws away all that was not.
            await anyio.sleep(0.05)
        await wire.reset()
        return True


@frozen
class HangUp(Kind):
    """The connection is closed without an answer."""

    name: ClassVar[str] = "hang_up"

    @property
    def silent(self) -> bool:
        return True

    @property
    def instead(self) -> bool:
        return self.silent

    async def deliver(self, reply: Reply, wire: Wire) -> bool:
        await wire.hang_up()
        return True


@frozen
class Cut(Kind):
    """
    The body ends too early: after `after` bytes (half of it, if left out).

    `framing`: "length" promises all of it in Content-Length, "chunked" never sends the last chunk, and "close" has
    neither, so that nothing but the content tells that something is missing.
    """

    name: ClassVar[str] = "cut"
    framing: str = field(default="length", validator=validators.in_(("length", "chunked", "close")))
    after: int = field(default=-1, validator=validators.ge(-1))

    async def deliver(self, reply: Reply, wire: Wire) -> bool:
        body = await reply.whole()
        kept = body[: len(body) // 2 if self.after < 0 else self.after]
        if self.framing == "close":
            wire.start_until_close(reply)
            wire.write_raw(kept)
        else:
            await wire.start(Reply(reply.status, reply.headers, body), length=self.framing == "length")
            await wire.write(kept)
        await wire.hang_up()
        return True


@frozen
class CloseAfter(Kind):
    """The right answer, after which the connection is closed without a word: the next request on it finds it gone."""

    name: ClassVar[str] = "close_after"

    async def deliver(self, reply: Reply, wire: Wire) -> bool:
        await wire.answer(reply)
        if wire.connected:
            await wire.hang_up()
        return True


async def _begin(reply: Reply, wire: Wire, length: int) -> None:
    body = await reply.whole()
    await wire.start(Reply(reply.status, reply.headers, body))
    await wire.write(body[:length])


DELIVERIES: tuple[type[Kind], ...] = (Slow, Stall, Drip, Reset, HangUp, Cut, CloseAfter)
