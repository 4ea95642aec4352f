"""Waiting well: how near the client comes to what latency and concurrency allow."""

from __future__ import annotations

import math
from functools import partial

from ac_sms_async import SMSClient
from benchmarks.competitors import Call, raw_httpx
from benchmarks.lab import BACKENDS, Lab
from benchmarks.report import Figure
from benchmarks.rounds import Sample, Watch, calls, race
from benchmarks.server import SMALL_ID

LATENCY = 0.05
LATE = "/latency-50"
REQUESTS = 500
PAGES = 100
TARGETS = {10: 0.95, 20: 0.93}


async def concurrency(lab: Lab) -> list[Figure]:
    """500 requests at 50 ms latency, 10 and 20 at a time, against the ideal ceil(500 / C) x 50 ms."""
    figures: list[Figure] = []
    for limit, target in TARGETS.items():
        ideal = math.ceil(REQUESTS / limit) * LATENCY
        async with (
            lab.client(LATE, max_concurrency=limit) as ours,
            lab.client(LATE, max_concurrency=limit, backend="httptools") as fast,
            raw_httpx(f"{lab.server}{LATE}/api/3") as raw,
        ):
            contestants: dict[str, Call] = {
                "ours (httpx)": partial(ours.broadcasts.get, SMALL_ID),
                "ours (httptools)": partial(fast.broadcasts.get, SMALL_ID),
                "httpx": raw.small,
            }
            turns = {name: partial(calls, REQUESTS, call, workers=limit) for name, call in contestants.items()}
            result = await race(turns, rounds=2 if lab.quick else 5)
        figures += [
            Figure(
                "concurrency",
                f"{REQUESTS} requests at 50 ms, {limit} at a time, {backend} backend, against the ideal",
                result.rate(f"ours ({backend})") * ideal / REQUESTS,
                target=target,
                details=result.details() if backend == "httpx" else {},
            )
            for backend in BACKENDS
        ]
    return figures


async def prefetch(lab: Lab) -> list[Figure]:
    """100 pages at 50 ms with up to k pages fetched ahead, against 50 ms x (1 + ceil(99 / k))."""
    figures: list[Figure] = []
    path = f"{LATE}/pages-{PAGES}"
    async with lab.client(path) as ours, lab.client(path, backend="httptools") as fast:
        for ahead in (1, 2, 4, 8):
            ideal = LATENCY * (1 + math.ceil((PAGES - 1) / ahead))
            turns = {"httpx": partial(_walk, ours, ahead), "httptools": partial(_walk, fast, ahead)}
            result = await race(turns, rounds=1 if lab.quick else 3)
            figures += [
                Figure(
                    "prefetch",
                    f"{PAGES} pages at 50 ms, {ahead} ahead, {backend} backend, against the ideal",
                    result.rate(backend) * ideal,
                    target=0.9,
                    details=result.details() if backend == "httpx" else {},
                )
                for backend in BACKENDS
            ]
    return figures


async def _walk(sms: SMSClient, ahead: int) -> Sample:
    """All rows of all pages; the unit is a walk."""
    watch = Watch()
    rows = 0
    async with sms.broadcasts.list(page_size=100, prefetch=ahead) as pager:
        async for _ in pager:
            rows += 1
    assert rows == PAGES * 100
    return watch.sample(1)
