"""The sandbox under attack by schemathesis: `make conformance`. Not among the tests, for it takes half a minute."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ac_sms_async.sandbox import Pace, Sandbox
from tests.conformance.sandbox_document import sandbox_document


def attack(sandbox: Sandbox, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Let schemathesis loose on a sandbox; it ends with 0 where it finds nothing."""
    document = folder / "document.json"
    document.write_text(json.dumps(sandbox_document()), "utf-8")
    command = [str(Path(sys.executable).with_name("st")), "run", str(document), "--url", f"{sandbox.url}/api/3"]
    usual = ("--header", f"Api-Token: {sandbox.token}", "--seed", "1", "--workers", "1", "--continue-on-failure")
    run = [*command, *usual, *options]
    return subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(autouse=True)
def _some_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search through two million takes ten seconds, which is when Schemathesis goes. What it asks stays the same."""
    monkeypatch.setattr("ac_sms_async.sandbox.account.LARGEST_AUDIENCE", 100_000)


def roomy() -> Sandbox:
    # Random broadcasts to so many people each must not fail for want of credits.
    return Sandbox(rate_limit=None, recipients=300, extra_credits=10**15, pace=Pace(0.1, 0.1, 0.1, 0.1))


def test_it_finds_nothing(tmp_path: Path) -> None:
    with roomy() as sandbox:
        ended = attack(sandbox, tmp_path, "--max-examples", "15", "--max-time", "60")
        seen = {entry.operation for entry in sandbox.journal}
    assert ended.returncode == 0, ended.stdout
    assert "17 selected / 17 total" in ended.stdout
    assert re.search(r"Stateful \(.*\n\n +Scenarios: +[1-9]", ended.stdout), ended.stdout
    assert len(seen - {None}) == 17


def test_it_finds_what_was_planted(tmp_path: Path) -> None:
    with roomy() as sandbox:
        sandbox.faults.add("getSmsCreditData:types:form=strings")
        only = ("--include-operation-id", "getSmsCreditData", "--phases", "fuzzing", "--max-examples", "1")
        ended = attack(sandbox, tmp_path, *only)
    assert ended.returncode == 1
    assert "is not of type" in ended.stdout
