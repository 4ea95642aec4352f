"""No call that only Unix or Linux has is without a guard. It shows no more than that: nothing was tried there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_it_works_with_what_another_system_has(system: str, tmp_path: Path) -> None:
    script = Path(__file__).with_name("elsewhere.py")
    run = subprocess.run(
        [sys.executable, "-W", "error", script, system],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.endswith("whole\n")
    assert run.stderr.count("is shared with no other process: that works on Linux only") == 1
