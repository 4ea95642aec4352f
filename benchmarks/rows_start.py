"""Starting: the import, and a second client."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.lab import Lab
from benchmarks.report import Figure
from benchmarks.rounds import Sample, race

TIMED = "import time; began = time.process_time(); import {}; print(time.process_time() - began)"


async def imports(lab: Lab) -> list[Figure]:
    """`import ac_sms_async` against `import httpx, attrs`, each in fresh interpreters with warm bytecode."""

    def fresh(modules: str) -> Sample:
        command = [sys.executable, "-c", TIMED.format(modules)]
        seconds = float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        return Sample(1, seconds, seconds)

    async def ours() -> Sample:
        return fresh("ac_sms_async")

    async def bare() -> Sample:
        return fresh("httpx, attrs")

    result = await race({"ours": ours, "httpx, attrs": bare}, rounds=5 if lab.quick else 21)
    what = "import ac_sms_async, against import httpx, attrs: CPU"
    ratio = result.expense("ours", "httpx, attrs")
    return [Figure("import", what, ratio, target=1.4, bound="at most", details=result.details())]


async def second_client(lab: Lab) -> list[Figure]:
    """Making and opening another client, and closing it, when there was one before."""
    took: list[float] = []
    for _ in range(50):
        began = time.process_time()
        async with lab.client():
            pass
        took.append((time.process_time() - began) * 1000)
    what = "a second SMSClient, made, opened and closed: CPU"
    return [Figure("second client", what, statistics.median(took[1:]), unit="ms", target=1.0, bound="at most")]
