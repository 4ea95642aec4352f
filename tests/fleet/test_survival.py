"""What a fleet survives, with real processes: the work completes, and no account sees more than 5 requests a second."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.fleet.drill import drill

pytestmark = pytest.mark.anyio


async def test_kill_9_of_a_worker_in_the_middle_of_its_accounts(dsn: str, key: str, tmp_path: Path) -> None:
    async with drill(dsn, key, tmp_path) as fleet:
        first, second = fleet.start_worker(), fleet.start_worker()
        await fleet.until_ready(first, second)
        await fleet.until_requests(60)
        first.send_signal(signal.SIGKILL)
        await fleet.until_done()
        assert first.wait(5) == -signal.SIGKILL
        assert "2 jobs of dead workers are back in the queue" in fleet.log(second)
        undisturbed = await fleet.check()
        # What was under way is asked for again, and the page that the lists go on from.
        print(fleet.requests() , undisturbed)
        assert undisturbed <= fleet.requests() <= undisturbed + 2 * 12
