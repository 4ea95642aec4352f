"""The bar of `ac-sms collect` on a real terminal of 80 columns, as its user sees it."""

from __future__ import annotations

import os
import re
import struct
import sys
from pathlib import Path

import pytest

from ac_sms_async.sandbox import Sandbox

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

import fcntl
import pty
import termios

ROOT = Path(__file__).parents[2]
FRAME = re.compile(
    r"(?P<name>\S+) +(?P<bar>[━╸╺]+) +(?P<percent>\d+%|) +(?P<left>(\d+:\d\d|-:--) left|\d+:\d\d) +(?P<what>.*)"
)
"""A line of it: whose, how far, for how long still, and what there is to count."""


def frames(command: list[str], columns: int, environment: dict[str, str]) -> tuple[int, list[str]]:
    """The lines that a command draws on a terminal of so many columns, one after the other, and its exit code."""
    process, terminal = pty.fork()
    if process == 0:
        os.execve(command[0], command, environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    said = b""
    try:
        while piece := os.read(terminal, 65536):
            said += piece
    except OSError:
        # So Linux says that nobody has the other end any more.
        pass
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said.decode())
    return os.waitstatus_to_exitcode(status), [line for line in re.split(r"[\r\n]+", text) if line.strip()]


@pytest.mark.parametrize("columns", [80, 100])
def test_bar_percent_and_time_left_have_their_place(tmp_path: Path, columns: int) -> None:
    with Sandbox(seed=7, broadcasts=30, recipients=600, rate_limit=None, faults=["*:slow:seconds=0.05"]) as sandbox:
        access = sandbox.accounts["acme"]
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "ACTIVECAMPAIGN_URL": access.url,
            "ACTIVECAMPAIGN_API_TOKEN": access.token,
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8",
        }
        command = [sys.executable, "-m", "ac_sms_async", "collect", "--db", str(tmp_path / "it.sqlite")]
        code, lines = frames([*command, "--include", "recipients,failures"], columns, environment)
    assert code == 0, lines
    assert max(map(len, lines)) <= columns
    drawn = [found for line in lines if (found := FRAME.fullmatch(line.rstrip()))]
    assert len(drawn) > 3, lines
    assert {len(found["bar"]) for found in drawn} == {16}
    name = access.url.partition("://")[2]
    assert {found["name"] for found in drawn} == {f"{name[:17]}…" if len(name) > 18 else name}
    known = [int(found["percent"].rstrip("%")) for found in drawn if found["percent"]]
    assert known == sorted(known)
    assert (known[-1], drawn[-1]["left"][-4:] != "left") == (100, True)
    assert any(found["what"].startswith("30 broadcasts") for found in drawn)
