"""`kill -9` of a real process that collects from a real socket into a real file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from ac_sms_async.collect import Row, open_store
from ac_sms_async.sandbox import Clock, Sandbox
from tests.collect.fakes import contents

SLOW = "*:slow:seconds=0.03"
OPTIONS: dict[str, Any] = {"seed": 7, "broadcasts": 45, "recipients": 210, "rate_limit": None, "faults": [SLOW]}
KILLS = 3
ROUNDS = 67 if os.environ.get("AC_SMS_DEEP") else 1
MOST_UNDER_WAY = 10
"""The client's max_concurrency."""


def still() -> Clock:
    """One moment, so that two sandboxes have the same data."""
    return Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), speed=0)


def start(sandbox: Sandbox, database: Path) -> subprocess.Popen[bytes]:
    access = sandbox.accounts["acme"]
    command = [sys.executable, "-m", "tests.collect.job_process", access.url, access.token, str(database)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2])


def stored(database: Path) -> dict[str, list[Row]]:
    async def read() -> dict[str, list[Row]]:
        async with await open_store(database) as store:
            found = await contents(store)
            # The sandboxes are on different ports.
            del found["accounts"]
            return found

    return anyio.run(read)


def requests(sandbox: Sandbox) -> Counter[tuple[str | None, str, str, str]]:
    return Counter((entry.operation, entry.path, entry.query, entry.body) for entry in sandbox.journal)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("seed", range(5, 5 + ROUNDS))
def test_killed_again_and_again_it_ends_as_if_never_disturbed(seed: int, tmp_path: Path) -> None:
    with Sandbox(**OPTIONS, clock=still()) as calm:
        assert start(calm, tmp_path / "calm.sqlite").wait(60) == 0
        once = requests(calm)
    assert set(once.values()) == {1}
    wanted = stored(tmp_path / "calm.sqlite")
    assert wanted["recipients"]

    chance = random.Random(seed)
    with Sandbox(**OPTIONS, clock=still()) as sandbox:
        killed = 0
        while True:
            # At a moment that is counted from the first request of this process, not from its start.
            seen, process = sandbox.journal.seen, start(sandbox, tmp_path / "metrics.sqlite")
            until = seen + chance.randint(1, sum(once.values()) // KILLS) if killed < KILLS else sys.maxsize
            while process.poll() is None and sandbox.journal.seen < until:
                time.sleep(0.002)
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        assert (killed, process.returncode) == (KILLS, 0)
        twice = requests(sandbox)
    assert stored(tmp_path / "metrics.sqlite") == wanted
    # Failure groups whose counts are the same are not fetched again, but for those that were under way.
    repeated = sum(count - 1 for what, count in twice.items() if what[0] == "getBroadcastFailures")
    assert repeated <= KILLS * MOST_UNDER_WAY
