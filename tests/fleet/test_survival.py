"""What a fleet survives, with real processes: the work completes, and no account sees more than 5 requests a second."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import psutil
import psycopg
import pytest

from tests.fleet.conftest import embedded
from tests.fleet.drill import STALLED_AFTER, drill
from tests.fleet.proxy import CuttableProxy

pytestmark = pytest.mark.anyio


async def test_kill_9_of_a_worker_in_the_middle_of_its_accounts(fleet_dsn: str, key: str, tmp_path: Path) -> None:
    async with drill(fleet_dsn, key, tmp_path) as fleet:
        first, second = fleet.start_worker(), fleet.start_worker()
        await fleet.until_ready(first, second)
        await fleet.until_requests(60)
        first.send_signal(signal.SIGKILL)
        await fleet.until_done()
        assert first.wait(5) == -signal.SIGKILL
        assert "2 jobs of dead workers are back in the queue" in fleet.log(second)
        undisturbed = await fleet.check()
        # What was under way is asked for again, and the page that the lists go on from.
        assert undisturbed <= fleet.requests() <= undisturbed + 2 * 12


async def test_a_worker_that_is_told_to_end_beside_one_with_room(fleet_dsn: str, key: str, tmp_path: Path) -> None:
    async with drill(fleet_dsn, key, tmp_path) as fleet:
        first = fleet.start_worker()
        await fleet.until(lambda: len({arrival.account for arrival in fleet.origin.arrivals}) == 2)
        second = fleet.start_worker(concurrency=4)
        await fleet.until_requests(50)
        first.send_signal(signal.SIGTERM)
        await fleet.until_done()
        first.wait(5)
        # Its accounts went back into the queue at once: nobody had to count it as dead.
        assert "back in the queue" not in fleet.log(second)
        assert await fleet.check() <= fleet.requests()


async def test_kill_9_of_postgresql_in_the_middle_of_a_run(key: str, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="ac-sms-postgres-") as folder:
        server = await anyio.to_thread.run_sync(embedded, Path(folder))
        try:
            async with drill(server.get_uri(), key, tmp_path) as fleet:
                first, second = fleet.start_worker(), fleet.start_worker()
                await fleet.until_ready(first, second)
                await fleet.until_requests(50)
                await anyio.to_thread.run_sync(kill_all, server.get_pid())
                await anyio.sleep(1)
                await anyio.to_thread.run_sync(server.ensure_postgres_running)
                await fleet.until_done()
                # Nobody had to start them again.
                assert first.poll() is None
                assert second.poll() is None
                assert fleet.log(first).count("is ready") >= 2
                await fleet.check()
        finally:
            await anyio.to_thread.run_sync(server.cleanup)


def kill_all(pid: int) -> None:
    """SIGKILL to a process and its children; returns when they are gone."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [(int(child), int(parent)) for child, parent in (line.split() for line in listed.splitlines())]
    everyone = [pid, *(child for child, parent in pairs if parent == pid)]
    for process in everyone:
        # Some end by themselves when they see that the first one has gone.
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    while any(is_there(process) for process in everyone):
        time.sleep(0.05)


def is_there(pid: int) -> bool:
    """Whether a process of this number still is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_network_cut_between_a_worker_and_the_database(fleet_dsn: str, key: str, tmp_path: Path) -> None:
    with CuttableProxy(address_of(fleet_dsn)) as proxy:
        async with drill(fleet_dsn, key, tmp_path) as fleet:
            far = fleet.start_worker(f"postgresql://postgres@127.0.0.1:{proxy.port}{urlsplit(fleet_dsn).path}")
            near = fleet.start_worker()
            await fleet.until_ready(far, near)
            await fleet.until_requests(50)
            proxy.cut()
            # It notices by itself, and stops, before the other one may take over.
            await fleet.until(lambda: "silent for too long" in fleet.log(far), STALLED_AFTER)
            await fleet.until(lambda: "back in the queue" in fleet.log(near))
            proxy.heal()
            await fleet.until_done()
            await fleet.until(lambda: fleet.log(far).count("is ready") == 2)
            assert far.poll() is None
            await fleet.check()


def address_of(dsn: str) -> str | tuple[str, int]:
    """Where the server of a DSN listens."""
    with psycopg.connect(dsn) as connection:
        info = connection.info
        return f"{info.host}/.s.PGSQL.{info.port}" if info.host.startswith("/") else (info.host, info.port)


async def test_a_frozen_worker_that_wakes_beside_its_replacement(fleet_dsn: str, key: str, tmp_path: Path) -> None:
    async with drill(fleet_dsn, key, tmp_path) as fleet:
        frozen = fleet.start_worker()
        # Once it has its two accounts, the other one, which would have room for them.
        await fleet.until(lambda: len({arrival.account for arrival in fleet.origin.arrivals}) == 2)
        other = fleet.start_worker(concurrency=4)
        await fleet.until_requests(50)
        # Not in the middle of a burst, some of which would be on its way then.
        await fleet.until_silent(0.03)
        frozen.send_signal(signal.SIGSTOP)
        ports = {connection.laddr.port for connection in psutil.Process(frozen.pid).net_connections("tcp")}
        assert ports
        await fleet.until(lambda: "back in the queue" in fleet.log(other))
        taken_over = fleet.requests()
        # However far the frozen one had come, what it had left takes at least one more.
        await fleet.until_requests(taken_over + 1)
        woken = len(fleet.origin.arrivals)
        frozen.send_signal(signal.SIGCONT)
        await fleet.until(lambda: "silent for too long" in fleet.log(frozen))
        await fleet.until_done()
        # A loop starts requests one by one, so one may have been between the look at the lease and the wire.
        late = [arrival for arrival in fleet.origin.arrivals[woken:] if arrival.port in ports]
        assert len(late) <= 1
        await fleet.check(without=late)
