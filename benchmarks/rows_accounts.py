"""Many accounts in one process, each at its own full pace."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from ac_sms_async import RateLimit, SMSClient
from benchmarks.lab import BACKENDS, Backend, Lab
from benchmarks.report import Figure
from benchmarks.rounds import Watch

ACCOUNTS = 100
LIMIT = RateLimit(5, per=1.0)
CPU_TARGETS: dict[Backend, float] = {"httpx": 0.5, "httptools": 0.3}
ROWS = 20
"""A page of 20 broadcasts: about 18 KB."""


async def accounts(lab: Lab) -> list[Figure]:
    """100 accounts at 5 requests/s and 100 ms latency."""
    figures: list[Figure] = []
    for backend in BACKENDS:
        share, cpu = await _at_full_pace(lab, backend)
        what = f"{ACCOUNTS} accounts x 5 requests/s at 100 ms, {backend} backend: "
        figures.append(Figure("accounts", what + "of the limiter's own rate", share, target=0.97))
        figures.append(
            Figure("accounts", what + "of a core", cpu, unit="cores", target=CPU_TARGETS[backend], bound="at most")
        )
    return figures


async def _at_full_pace(lab: Lab, backend: Backend) -> tuple[float, float]:
    """The share of the limiters' own rate that was reached, and of a core that it took, once all is warm."""
    done = 0
    settling = 3 * LIMIT.window
    measured = LIMIT.window * (5 if lab.quick else 20)

    async def work(sms: SMSClient) -> None:
        nonlocal done
        while True:
            async for _ in sms.broadcasts.list(page_size=ROWS).pages():
                break
            done += 1

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(lab.client(f"/latency-100/account-{n}", backend=backend, rate_limit=LIMIT))
            for n in range(ACCOUNTS)
        ]
        workers = [asyncio.create_task(work(sms)) for sms in clients for _ in range(2)]
        await asyncio.sleep(settling)
        before, watch = done, Watch()
        await asyncio.sleep(measured)
        sample = watch.sample(done - before)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    allowed = ACCOUNTS * LIMIT.requests * sample.seconds / LIMIT.window
    return sample.units / allowed, sample.cpu / sample.seconds
