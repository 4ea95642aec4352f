"""The crontab and the units of systemd that the documentation prints work as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from ac_sms_async.sandbox import Sandbox

if sys.platform == "win32":
    pytest.skip("Windows has neither", allow_module_level=True)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "every-day.md"
SCRIPT_PAGE = ROOT / "docs" / "how-to" / "other-workers.md"
JOB = re.compile(r"(?:[\d*/,-]+ ){5} *(\S.*)")
"""A line of a crontab: when, and what."""
PLACEHOLDER, FOLDER = "https://acme.api-us1.com", "/srv/sms"


def block(title: str, page: Path = PAGE) -> str:
    """The block of the page with this title."""
    found = re.search(
        rf'^```\w+ title="{re.escape(title)}"\n(.*?)^```$', page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found is not None, title
    return found[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What stands for /srv/sms, with a command in its virtual environment."""
    command = tmp_path / ".venv" / "bin" / "ac-sms"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec /usr/bin/env PYTHONPATH={ROOT} {sys.executable} -m ac_sms_async "$@"\n')
    command.chmod(0o755)
    return tmp_path


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, broadcasts=20, recipients=60, rate_limit=None) as running:
        yield running


@frozen
class Crontab:
    variables: list[str]
    jobs: list[str]

    def run(self, number: int, home: Path) -> subprocess.CompletedProcess[str]:
        """What cron does with a line: a shell, and next to nothing in the environment."""
        environment = [f"HOME={home}", "LOGNAME=sms", "SHELL=/bin/sh", "PATH=/usr/bin:/bin", *self.variables]
        return subprocess.run(
            ["/usr/bin/env", "-i", *environment, "/bin/sh", "-c", self.jobs[number]],
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def crontab(folder: Path, sandbox: Sandbox) -> Crontab:
    token = folder / "token"
    token.touch(0o600)
    token.write_text(f"{sandbox.token}\n")
    return read_crontab(PAGE, folder, sandbox)


def read_crontab(page: Path, folder: Path, sandbox: Sandbox) -> Crontab:
    text = block("crontab -e", page).replace(FOLDER, str(folder)).replace(PLACEHOLDER, sandbox.url)
    lines = [line.replace("TOKEN=...", f"TOKEN={sandbox.token}") for line in text.splitlines() if line]
    jobs = [job for line in lines if (job := JOB.fullmatch(line))]
    variables = [line for line in lines if re.match(r"[A-Z_]+=", line)]
    assert len(jobs) + len(variables) == len(lines)
    return Crontab(variables, [job[1] for job in jobs])


def test_nothing_is_said_when_all_is_well(crontab: Crontab, folder: Path) -> None:
    for number in range(len(crontab.jobs)):
        ran = crontab.run(number, folder)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", ""), crontab.jobs[number]
    assert "SMS broadcasts" in (folder / "week.html").read_text(encoding="utf-8")


def test_there_is_a_report_although_an_id_is_owed(crontab: Crontab, folder: Path, sandbox: Sandbox) -> None:
    sandbox.faults.add("422", "getBroadcastFailures", nth=1)
    ran = crontab.run(0, folder)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "owed: failures of 1 broadcasts" in ran.stderr
    assert crontab.run(1, folder).returncode == 0
    # Its first words are about what is missing.
    assert "owed is <bdi>failures (1 id)</bdi>" in (folder / "week.html").read_text(encoding="utf-8")


def test_what_is_wrong_is_said(crontab: Crontab, folder: Path) -> None:
    ran = crontab.run(1, folder)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "there is no store" in ran.stderr
    (folder / "token").write_text("wrong\n")
    ran = crontab.run(0, folder)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "Check the token" in ran.stderr


def test_a_script_of_ones_own(folder: Path, sandbox: Sandbox) -> None:
    (folder / "collect_all.py").write_text(block("collect_all.py", SCRIPT_PAGE))
    python = folder / ".venv" / "bin" / "python"
    python.write_text((folder / ".venv" / "bin" / "ac-sms").read_text().replace("-m ac_sms_async ", ""))
    python.chmod(0o755)
    ran = read_crontab(SCRIPT_PAGE, folder, sandbox).run(0, folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith(" complete 20\n")


def test_every_line_for_cron_names_its_command_by_an_absolute_path() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    jobs = [job[1] for page in pages for line in page.read_text("utf-8").splitlines() if (job := JOB.fullmatch(line))]
    assert len(jobs) >= 5
    assert [job for job in jobs if not job.startswith("/")] == []
    # To cron a percent sign is the end of the line.
    assert [job for job in jobs if "%" in job] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_its_units(folder: Path, tmp_path: Path) -> None:
    for kind in ("service", "timer"):
        unit = block(f"/etc/systemd/system/ac-sms.{kind}").replace(FOLDER, str(folder))
        (tmp_path / f"ac-sms.{kind}").write_text(unit.replace("User=sms", "User=root"))
    units = [str(tmp_path / f"ac-sms.{kind}") for kind in ("timer", "service")]
    ran = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in ran.stderr.splitlines() if "ac-sms." in line]
    assert (ran.returncode, said) == (0, []), ran.stderr


def test_the_units_do_what_cron_does(crontab: Crontab) -> None:
    service = block("/etc/systemd/system/ac-sms.service")
    lines = re.findall(r"(/srv/\S+/ac-sms .*)$", block("crontab -e"), re.MULTILINE)
    assert re.findall(r"^ExecStart=(.*)$", service, re.MULTILINE) == lines[:2]
    # A report is made also where something is owed.
    assert "SuccessExitStatus=3" in service
