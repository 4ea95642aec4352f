"""A client within a loop that ends as dlt ends its own: tasks are cancelled, and nobody waits for them."""

from __future__ import annotations

import asyncio

import pytest

from ac_sms_async import SMSClient
from ac_sms_async.dlt.connected import Connected


class Slow(SMSClient):
    """A client whose connections take a while to close."""

    closed = 0

    async def aclose(self) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        await super().aclose()
        self.closed += 1


@pytest.mark.parametrize("cancelled_while_closing", [False, True])
def test_the_loop_waits_until_it_is_closed(cancelled_while_closing: bool) -> None:
    async def main() -> None:
        sms = Slow("https://acme.api-us1.com", "token", budget="loop")
        leave = asyncio.Event()

        async def block() -> None:
            async with Connected(sms):
                await leave.wait()

        task = asyncio.create_task(block())
        await asyncio.sleep(0)
        if cancelled_while_closing:
            leave.set()
            for _ in range(10):
                await asyncio.sleep(0)
        assert sms.closed == 0
        task.cancel()
        await asyncio.get_running_loop().shutdown_asyncgens()
        assert sms.closed == 1
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
