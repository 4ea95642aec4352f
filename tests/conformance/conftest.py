"""What Node.js runs there, installed once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def modules() -> Path:
    """A folder in which the packages of package.json are: this one, where a run before this has done that."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js is not at hand")
    # npm writes this file last: where it is, and isn't older than what was asked for, all is there.
    done = HERE / "node_modules/.package-lock.json"
    if not done.exists() or done.stat().st_mtime < (HERE / "package.json").stat().st_mtime:
        install = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        subprocess.run(install, cwd=HERE, check=True, timeout=300)
    return HERE
