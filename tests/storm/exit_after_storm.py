"""A program that goes through a storm and ends: run by a test with `-X dev -W error`, it has to say nothing."""

from __future__ import annotations

import logging
import random
import sys
from collections.abc import Awaitable, Callable

import anyio

from ac_sms_async import SMSClient
from tests.storm.storm import storm


async def main(url: str, loop: str) -> None:
    async with SMSClient(url, "token", rate_limit=None, max_concurrency=5) as sms:

        async def pages() -> None:
            async with sms.broadcasts.list(page_size=1) as pager:
                await pager.to_list()

        calls: list[Callable[[], Awaitable[object]]] = [sms.credits.get, pages]

        def choose(draw: random.Random) -> Callable[[], Awaitable[object]]:
            return draw.choice(calls)

        await storm(choose, calls=300, callers=20, seed=1, native=loop == "asyncio")
        await sms.credits.get()


if __name__ == "__main__":
    # The loop's debug mode remarks on slow steps, which a busy machine has.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    anyio.run(main, sys.argv[1], sys.argv[2], backend=sys.argv[2])
