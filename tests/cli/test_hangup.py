"""A terminal that is closed ends a command as Ctrl-C does, and leaves no half of a file."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import anyio
import pytest

from ac_sms_async.cli.running import Stopped, run_async
from ac_sms_async.downloads.part_file import whole_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def test_a_closed_terminal_leaves_no_draft(tmp_path: Path) -> None:
    drafts: list[Path] = []

    async def export() -> None:
        async with whole_file(tmp_path / "export.csv", private=True) as part:
            await anyio.to_thread.run_sync(part.write, [b"half"])
            drafts.extend(tmp_path.iterdir())
            os.kill(os.getpid(), signal.SIGHUP)
            await anyio.sleep(10)

    # Also where the tests themselves run under nohup.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(Stopped):
            run_async(export)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert len(drafts) == 1
    assert list(tmp_path.iterdir()) == []


def test_under_nohup_it_goes_on() -> None:
    async def go_on() -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        await anyio.sleep(0.01)
        return "done"

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run_async(go_on) == "done"
    finally:
        signal.signal(signal.SIGHUP, before)
