"""Six processes of one account, each on real sockets and in real time: web apps, and bulk work beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.budget.distance import Distance
from tests.faults.server import ServerThread
from tests.pacing_at_server.observed import Account, most_in_a_second

if sys.platform != "linux":
    pytest.skip("what processes share is shared on Linux", allow_module_level=True)

SECONDS = 30.0 if os.environ.get("AC_SMS_DEEP") else 6.0
ROOT = Path(__file__).parents[2]
LOOPS = ("asyncio", "trio")


@pytest.fixture
def servers() -> Iterator[ServerThread]:
    thread = ServerThread()
    yield thread
    thread.stop()


def drill(servers: ServerThread, folder: Path, account: Account, plans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let processes with these plans begin at the same time; what each told."""
    with ExitStack() as stack:
        server = stack.enter_context(servers.serve(account))
        common = {"url": server.url, "seconds": SECONDS, "cold": 0.0, "thinks": 0.0, "tasks": 1, "budget": "machine"}
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.budget.sharer", json.dumps({**common, "seed": seed, **plan})],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=ROOT,
                    env={**os.environ, "AC_SMS_BUDGET_DIR": str(folder)},
                )
            )
            for seed, plan in enumerate(plans)
        ]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write(b"go\n")
            process.stdin.flush()
        return [json.loads(process.communicate(timeout=SECONDS + 60)[0]) for process in processes]


def started(told: list[dict[str, Any]]) -> list[float]:
    return sorted(start for one in told for start in one["starts"])


def never_a_sixth(told: list[dict[str, Any]], account: Account) -> None:
    starts = started(told)
    # By the senders' stamps it holds strictly. What comes together on the way to the server is the machine's doing.
    assert all(later - earlier > 1.0 for earlier, later in zip(starts, starts[5:], strict=False)), starts
    arrivals = [round(at - account.arrivals[0], 3) for at in account.arrivals]
    assert most_in_a_second(arrivals) <= 6, arrivals


@pytest.fixture(params=["machine", "database", "database 20 ms away"])
def budget(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the processes share."""
    if request.param == "machine":
        yield "machine"
        return
    dsn: str = request.getfixturevalue("new_database")()
    if request.param == "database":
        yield dsn
        return
    given = conninfo_to_dict(dsn)
    host = str(given.get("host"))
    if not host.startswith("/"):
        pytest.skip("this server has no socket in the file system")
    with Distance(f"{host}/.s.PGSQL.5432", 0.01) as far:
        yield f"postgresql://postgres@127.0.0.1:{far.port}/{given['dbname']}?sslmode=disable&gssencmode=disable"


def test_a_web_app_beside_bulk_work(servers: ServerThread, tmp_path: Path, budget: str) -> None:
    account = Account(jitter=0.0)
    common = {"budget": budget}
    web = [{"loop": loop, "priority": "interactive", "thinks": 2.0, "cold": 0.3, **common} for loop in LOOPS * 2]
    bulk = [{"loop": loop, "priority": "bulk", "tasks": 8, **common} for loop in LOOPS]
    told = drill(servers, tmp_path / "budget", account, [*web, *bulk])
    never_a_sixth(told, account)
    starts = started(told)
    late = [start for start in starts if start > starts[0] + 1.5]
    assert (len(late) - 1) / (late[-1] - late[0]) >= (0.9 if budget == "machine" else 0.85) * 5
    assert median(wait for one in told[:4] for wait in one["paced"]) < 0.25
    assert [one["failed"] for one in told] == [0] * 6


def test_bulk_work_beside_a_web_app_that_wants_everything(servers: ServerThread, tmp_path: Path) -> None:
    account = Account(jitter=0.0)
    web = [{"loop": loop, "priority": "interactive", "tasks": 4} for loop in LOOPS * 2]
    bulk = [{"loop": loop, "priority": "bulk", "tasks": 4} for loop in LOOPS]
    told = drill(servers, tmp_path / "budget", account, [*web, *bulk])
    never_a_sixth(told, account)
    starts = started(told)
    assert len(starts) >= 0.93 * 5 * SECONDS
    assert len(told[4]["starts"]) + len(told[5]["starts"]) >= 0.15 * len(starts)
    assert max(later - earlier for earlier, later in pairwise(starts)) < 1.2
