"""A program that ends after a storm ends in silence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.server import FaultServer

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_no_warning_at_exit(server: FaultServer, loop: str) -> None:
    program = [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.storm.exit_after_storm", server.url, loop]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
