"""A process of its own: many ids through `metrics.stream` on a stub backend. Prints CPU and memory as JSON."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from ac_sms_async import SMSClient
from ac_sms_async.lowlevel.api.metrics import get_broadcast_metrics
from ac_sms_async.lowlevel.models import BroadcastIds
from benchmarks.memory import forget_peak, peak_mb
from benchmarks.rounds import Watch
from benchmarks.server import METRICS
from benchmarks.stub import stubbed

CHUNK = 100
ZONE = ZoneInfo("America/Chicago")


def answer(body: bytes | None) -> bytes:
    """The metrics of the ids asked for, each number a text in a ready-made row."""
    assert body is not None
    return b'{"metrics":[' + b",".join(ROW % row for row in orjson.loads(body)["ids"]) + b"]}"


ROW = b'{"id":%d,' + b",".join(b'"%s":7' % name.encode() for name in METRICS) + b"}"


async def through_stream(sms: SMSClient, ids: Sequence[int]) -> float:
    """CPU seconds for all ids."""
    watch = Watch()
    seen = 0
    async with sms.metrics.stream(ids, chunk_size=CHUNK, max_concurrency=4) as outcomes:
        async for outcome in outcomes:
            assert outcome.status == "ok"
            seen += 1
    assert seen == len(ids)
    return watch.sample(seen).cpu


async def memory_of(sms: SMSClient, ids: Sequence[int]) -> float:
    """Megabytes that the stream takes at most."""
    forget_peak()
    before = peak_mb()
    await through_stream(sms, ids)
    return round(peak_mb() - before, 2)


def decode_alone(ids: Sequence[int]) -> float:
    """CPU seconds to make the same answers, and to read them."""
    watch = Watch()
    for start in range(0, len(ids), CHUNK):
        asked = list(ids[start : start + CHUNK])
        body = answer(orjson.dumps({"ids": asked}))
        get_broadcast_metrics.request(body=BroadcastIds(ids=asked)).decode(orjson.loads(body), ZONE)
    return watch.sample(len(ids)).cpu


async def main(count: int, rounds: int) -> dict[str, Any]:
    # The caller's own list of ids is not the stream's memory.
    ids = list(range(1, count + 1))
    stream: list[float] = []
    decode: list[float] = []
    async with stubbed(answer) as sms:
        await through_stream(sms, ids[: CHUNK * 10])
        memory = await memory_of(sms, ids)
        memory_shuffled = await memory_of(sms, random.sample(ids, len(ids)))
        for _ in range(rounds):
            stream.append(await through_stream(sms, ids))
            decode.append(decode_alone(ids))
    return {
        "cpu_us_per_id": round(statistics.median(stream) / count * 1e6, 3),
        "decode_us_per_id": round(statistics.median(decode) / count * 1e6, 3),
        "memory_mb": memory,
        "memory_shuffled_mb": memory_shuffled,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))))
