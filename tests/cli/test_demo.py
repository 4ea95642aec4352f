"""The demo: all of it, on a sandbox of its own, which ends with it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ac_sms_async.cli import demo


@pytest.fixture(autouse=True)
def no_environment(beside: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ACTIVECAMPAIGN_URL", "ACTIVECAMPAIGN_API_TOKEN"):
        # So that what the demo sets there is taken away again.
        monkeypatch.setenv(name, "")


def run_demo(*arguments: str) -> str:
    ran = CliRunner().invoke(demo.main, arguments, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_the_demo(tmp_path: Path) -> None:
    run_demo("--broadcasts", "1")
    shown = run_demo("--broadcasts", "4", "--recipients", "30")
    for name in ("metrics.sqlite", "broadcasts.csv", "monthly_rates.csv", "report.html"):
        assert (tmp_path / "demo" / name).stat().st_size > 0
    assert "demo\tcomplete\t4\t4" in shown
    assert re.search(r"saw \d+ requests, and never more than [1-5] in any second", shown)
    [root] = set(re.findall(r"is at (http://\S+);", shown))
    host, _, port = root.removeprefix("http://").partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_a_sandbox_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_SANDBOX", ("-c", "print('no')"))
    ran = CliRunner().invoke(demo.main)
    assert ran.exit_code == 1


def test_a_step_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(arguments: object) -> int:
        return 3

    monkeypatch.setattr(demo, "run", fails)
    ran = CliRunner().invoke(demo.main, ["--broadcasts", "1"])
    assert ran.exit_code == 3


def test_as_a_module() -> None:
    command = [sys.executable, "-m", "ac_sms_async.cli.demo", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    assert "--broadcasts" in shown
