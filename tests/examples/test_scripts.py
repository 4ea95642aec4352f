"""The script of examples/ as its users run it: a worker fed through a pipe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from ac_sms_async.sandbox import Pace, Sandbox

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, rate_limit=None, end=date(2026, 1, 5)) as running:
        yield running


def start_worker(sandbox: Sandbox) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-X", "dev", EXAMPLES / "worker.py"],
        env=os.environ | {"ACTIVECAMPAIGN_URL": sandbox.url, "ACTIVECAMPAIGN_API_TOKEN": sandbox.token},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_worker_does_its_jobs(sandbox: Sandbox) -> None:
    jobs: list[dict[str, Any]] = [
        {"job": "metrics", "broadcast": 1},
        {"job": "metrics", "broadcast": 3},
        {"job": "wait", "broadcast": 1},
        {"job": "rename", "broadcast": 50, "name": "Renamed"},
        {"job": "rename", "broadcast": 999_999, "name": "Nobody"},
    ]
    lines = [json.dumps(job) for job in jobs]
    with start_worker(sandbox) as worker:
        out, err = worker.communicate("\n".join([*lines, "no job", "{}"]) + "\n", timeout=20)
    assert worker.returncode == 0, err
    done = {(line["job"], line["broadcast"]): line for line in map(json.loads, out.splitlines())}
    assert len(done) == len(jobs)
    assert isinstance(done["metrics", 1]["clicks"], int)
    assert done["wait", 1]["status"] == "sent"
    assert done["rename", 50]["name"] == "Renamed"
    assert done["rename", 999_999]["outcome"] == "failed"
    assert err.count("not a job") == 2
    assert "Traceback" not in err


def test_sigterm_lets_running_jobs_finish() -> None:
    with Sandbox(seed=7, pace=Pace(review=0.5, queue=0.5, sending=0.5)) as sandbox, start_worker(sandbox) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write('{"job": "metrics", "broadcast": 1}\n')
        worker.stdin.flush()
        assert json.loads(worker.stdout.readline())["job"] == "metrics"
        sent = httpx.put(
            f"{sandbox.url}/api/3/sms/broadcasts/50",
            headers={"Api-Token": sandbox.token},
            json={"status": "pending_review"},
        )
        assert sent.status_code == 200
        # It takes a second and a half to be sent, so the job is running when the signal comes.
        worker.stdin.write('{"job": "wait", "broadcast": 50}\n')
        worker.stdin.flush()
        while not any(entry.method == "GET" for entry in sandbox.journal):
            time.sleep(0.01)
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=20)
    assert json.loads(out) == {"job": "wait", "broadcast": 50, "outcome": "done", "status": "sent"}
    assert worker.returncode == 0
    assert "Traceback" not in err
    assert "Warning" not in err
