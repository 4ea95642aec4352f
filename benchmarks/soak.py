"""`python -m benchmarks.soak`: one client for hundreds of thousands of requests, and what it holds meanwhile.

Memory may grow by 5 MB at most after a warm-up; open files, tasks and threads not at all. Every shape of call takes
part, and some calls are cancelled, as in a program that runs for weeks.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import anyio
from attrs import frozen

from ac_sms_async import SMSClient
from benchmarks.server import load_server

ALLOWED_MB: Final = 5.0
CALLERS: Final = 20
WARM_UP: Final = 0.1
"""The share of the requests after which the first look is taken: by then every cache is as full as it gets."""


@frozen
class Held:
    """What the process holds at a moment."""

    requests: int
    memory_mb: float
    files: int
    tasks: int
    threads: int

    @classmethod
    def now(cls, requests: int) -> Held:
        gc.collect()
        _give_back()
        found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        assert found is not None
        return cls(
            requests,
            int(found[1]) * 1024 / 1e6,
            len(list(Path("/proc/self/fd").iterdir())),
            len(asyncio.all_tasks()),
            threading.active_count(),
        )


def _give_back() -> None:
    """Let glibc return what it keeps for later, so that only what is held is counted."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Counted:
    """Counts the requests that were started, by the client's own events."""

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self, event: Any) -> None:
        self.requests += type(event).__name__ == "AttemptFinished"


def shapes(sms: SMSClient, folder: Path) -> list[Callable[[], Awaitable[Any]]]:
    """Every shape of call: small, pages ahead, a batch, a file, a cancelled one."""

    async def pages() -> None:
        async with sms.broadcasts.list(prefetch=2) as pager:
            async for _ in pager:
                pass

    async def batch() -> None:
        await sms.metrics.fetch(range(1, 41), chunk_size=10)

    async def download() -> None:
        async with sms.exports.metrics([42]) as export:
            await export.save(folder / "metrics.csv")

    async def cancelled() -> None:
        with anyio.move_on_after(random.uniform(0, 0.002)):
            await sms.recipients.list(42).to_list(max_items=100)

    small: list[Callable[[], Awaitable[Any]]] = [sms.credits.get, lambda: sms.broadcasts.get(42)]
    return [*(small * 40), *([pages, batch, cancelled] * 2), download]


async def soak(url: str, requests: int, looks: int) -> list[Held]:
    """So many requests through one client, with so many looks at what it holds."""
    counted = Counted()
    seen: list[Held] = []
    marks = [WARM_UP + (1 - WARM_UP) * look / (looks - 1) for look in range(looks)]
    with tempfile.TemporaryDirectory() as folder:
        async with SMSClient(url, "soak-token", rate_limit=None, max_concurrency=10, on_event=counted) as sms:
            calls = shapes(sms, Path(folder))
            for mark in marks:
                goal = int(requests * mark)

                async def caller(goal: int = goal) -> None:
                    while counted.requests < goal:
                        await random.choice(calls)()

                async with anyio.create_task_group() as tasks:
                    for _ in range(CALLERS):
                        tasks.start_soon(caller)
                await _at_once(calls[-1])
                seen.append(Held.now(counted.requests))
                _tell(seen[-1])
    return seen


async def _at_once(download: Callable[[], Awaitable[Any]]) -> None:
    """Use all slots, and the threads that write files, so that every look finds as many connections and threads."""

    async def one() -> None:
        await download()

    async with anyio.create_task_group() as tasks:
        for _ in range(CALLERS):
            tasks.start_soon(one)


def _tell(held: Held) -> None:
    print(
        f"{held.requests:>9,} requests  {held.memory_mb:7.1f} MB  {held.files:>3} files  "
        f"{held.tasks:>2} tasks  {held.threads:>2} threads",
        flush=True,
    )


def problems(seen: list[Held]) -> list[str]:
    """What grew that must not."""
    first = seen[0]
    found: list[str] = []
    grown = max(held.memory_mb for held in seen) - first.memory_mb
    if grown > ALLOWED_MB:
        found.append(f"memory grew by {grown:.1f} MB")
    for name in ("files", "tasks", "threads"):
        numbers = [getattr(held, name) for held in seen]
        # Fewer connections may be open at a look, never more than at the first.
        if max(numbers) > numbers[0]:
            found.append(f"{name} grew from {numbers[0]} to {max(numbers)}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--looks", type=int, default=10)
    options = parser.parse_args()
    began = time.monotonic()
    with load_server() as url:
        seen = asyncio.run(soak(url, options.requests, options.looks))
    wrong = problems(seen)
    took = time.monotonic() - began
    grown = max(held.memory_mb for held in seen) - seen[0].memory_mb
    print(f"{took:.0f} s, {options.requests / took:,.0f} requests a second, memory grew by {grown:.1f} MB")
    print("\n".join(wrong) or "Nothing grew that must not.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
