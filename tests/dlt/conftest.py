"""dlt as it is tested: at home in a folder of the test, and without telling anybody of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("dlt", reason="dlt can't be had for this Python")

# Before anything of it runs: it reports what is done with it to its makers, unless it is told not to.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

from ac_sms_async.sandbox import Clock, Sandbox


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that dlt takes for that of the user and of the project."""
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def still() -> Clock:
    """Time that passes only when it is told to."""
    return Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), speed=0)


@pytest.fixture
def sandbox(still: Clock) -> Iterator[Sandbox]:
    with Sandbox(seed=7, broadcasts=12, recipients=110, rate_limit=None, clock=still) as running:
        yield running
