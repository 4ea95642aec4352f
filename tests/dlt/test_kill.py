"""`kill -9` of a real process: while it reads, and while it loads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ac_sms_async.sandbox import Sandbox
from tests.dlt.loading import duckdb_pipeline, loaded, said, select

ROOT = Path(__file__).parents[2]
KEYS = {
    "metrics": "broadcast_id, load_number",
    "broadcasts": "broadcast_id",
    "failures": "broadcast_id, error_code, error_source",
    "recipients": "broadcast_id, contact_id",
    "replies": "broadcast_id, contact_id, position",
}


class Loads:
    """Real processes that load a sandbox into a folder, one after the other."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.dlt.load_process", sandbox.url, sandbox.token, str(folder)]
        # What is killed writes no coverage.
        env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        pipe = subprocess.PIPE
        self._maker = subprocess.Popen(command, cwd=ROOT, env=env, stdin=pipe, stdout=pipe, text=True)

    def run(self, kill: Callable[[], bool] | None = None) -> int:
        """Let one load, and kill it as soon as `kill` says so; returns what it ended in."""
        assert self._maker.stdin is not None
        assert self._maker.stdout is not None
        print(file=self._maker.stdin, flush=True)
        pid = int(self._maker.stdout.readline())
        while kill is not None and not kill():
            time.sleep(0.001)
        if kill is not None:
            os.kill(pid, signal.SIGKILL)
        return int(self._maker.stdout.readline())

    def __enter__(self) -> Loads:
        return self

    def __exit__(self, *error: object) -> None:
        with self._maker:
            self._maker.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_as_it_reads_and_as_it_loads_the_next_one_is_whole(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add("slow", seconds=0.02)
    with Loads(sandbox, tmp_path) as loads:
        assert loads.run(lambda: sandbox.journal.seen >= 20) == -signal.SIGKILL
        assert not list(tmp_path.glob("work/sms/load/normalized/*"))
        is_loading = "work/sms/load/normalized/*/completed_jobs/*"
        assert loads.run(lambda: any(tmp_path.glob(is_loading))) == -signal.SIGKILL
        assert any(tmp_path.glob(is_loading))
        sandbox.clock.advance(days=1)
        assert loads.run() == 0

    pipeline = duckdb_pipeline(tmp_path)
    assert loaded(pipeline) == said(sandbox)
    # What the second one had read was loaded by the third, before its own; nothing of the first is there.
    assert select(pipeline, "SELECT COUNT(*), COUNT(DISTINCT load_id) FROM _dlt_loads WHERE status = 0") == [(2, 2)]
    assert select(pipeline, "SELECT DISTINCT load_number FROM metrics ORDER BY 1") == [(1,), (2,)]
    for name, key in KEYS.items():
        assert select(pipeline, f"SELECT {key} FROM {name} GROUP BY ALL HAVING COUNT(*) > 1") == []
