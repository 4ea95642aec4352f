"""Starting: the import, the way to the first answer, and a second client."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from benchmarks.competitors import TOKEN
from benchmarks.lab import Lab
from benchmarks.report import Figure
from benchmarks.rounds import Contestant, Race, Sample, race
from benchmarks.server import SMALL_ID

IMPORTS = "import {}"
FIRST_ANSWER_OURS = """
import asyncio
from ac_sms_async import SMSClient
async def main():
    async with SMSClient("{url}", "{token}") as sms:
        await sms.broadcasts.get({id})
asyncio.run(main())
"""
FIRST_ANSWER_HTTPX = """
import asyncio, httpx
async def main():
    async with httpx.AsyncClient(headers={{"Api-Token": "{token}"}}) as client:
        (await client.get("{url}/api/3/sms/broadcasts/{id}")).json()
asyncio.run(main())
"""


async def imports(lab: Lab) -> list[Figure]:
    """`import ac_sms_async` against `import httpx, attrs`; and up to the first answer: httpx puts much off."""
    imported = await _in_fresh_interpreters(
        lab, {"ours": IMPORTS.format("ac_sms_async"), "httpx, attrs": IMPORTS.format("httpx, attrs")}
    )
    known = {"url": lab.server, "token": TOKEN, "id": SMALL_ID}
    answered = await _in_fresh_interpreters(
        lab, {"ours": FIRST_ANSWER_OURS.format(**known), "httpx": FIRST_ANSWER_HTTPX.format(**known)}
    )
    return [
        Figure(
            "import",
            "import ac_sms_async, against import httpx, attrs: CPU",
            imported.expense("ours", "httpx, attrs"),
            target=1.4,
            bound="at most",
            details=imported.details(),
        ),
        Figure(
            "import",
            "from a fresh interpreter to the first answer, against raw httpx: CPU",
            answered.expense("ours", "httpx"),
            details=answered.details(),
        ),
    ]


async def _in_fresh_interpreters(lab: Lab, codes: dict[str, str]) -> Race:
    """Each code in interpreters of its own, with warm bytecode; the unit is one run."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(lab.folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def runner(code: str) -> Contestant:
        timed = f"import time\nbegan = time.process_time()\n{code}\nprint(time.process_time() - began)"
        command = [sys.executable, "-c", timed]

        async def take_turn() -> Sample:
            output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)  # noqa: ASYNC221
            seconds = float(output.stdout)
            return Sample(1, seconds, seconds)

        return take_turn

    return await race({name: runner(code) for name, code in codes.items()}, rounds=5 if lab.quick else 21)


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
