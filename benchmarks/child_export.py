"""A process of its own: one large export to a file. Prints the memory it took as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import cast

from ac_sms_async import SMSClient
from benchmarks.competitors import TOKEN
from benchmarks.lab import Backend
from benchmarks.memory import forget_peak, peak_mb


async def main(url: str, backend: Backend, path: Path) -> dict[str, float]:
    async with SMSClient(url, TOKEN, rate_limit=None, backend=backend) as sms:
        await sms.credits.get()
        forget_peak()
        before = peak_mb()
        async with sms.exports.metrics([1, 2, 3]) as export:
            await export.save(path)
        return {"memory_mb": round(peak_mb() - before, 2)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], cast("Backend", sys.argv[2]), Path(sys.argv[3])))))
