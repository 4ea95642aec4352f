"""What every kind of fault can do to an exchange, and what it is given."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, frozen

from ac_sms_async.sandbox.account import Account
from ac_sms_async.sandbox.operations import Call
from ac_sms_async.sandbox.reply import Reply
from ac_sms_async.sandbox.wire import Wire


@define
class Exchange:
    """One request on its way: who asks what. `call` is None where the path leads nowhere."""

    account: Account
    operation: str | None
    call: Call | None


@frozen
class Kind:
    """
    One kind of fault; its parameters are the fields of the attrs class.

    The hooks are called in this order. What a kind doesn't override leaves the exchange as it is.
    """

    name: ClassVar[str]

    @property
    def instead(self) -> bool:
        """Whether the operation isn't carried out at all (unless the fault says applied)."""
        return False

    @property
    def silent(self) -> bool:
        """Whether the other side gets no status at all."""
        return False

    async def before(self, exchange: Exchange) -> None:
        """Before the operation: wait, move rows, bend the request."""

    def payload(self, value: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        """The JSON of a success, bent."""
        return value

    async def answer(self, reply: Reply, exchange: Exchange) -> Reply:
        """The whole answer, bent or replaced."""
        return reply

    async def deliver(self, reply: Reply, wire: Wire) -> bool:
        """Send it in a way of its own; False leaves that to the usual way."""
        return False
