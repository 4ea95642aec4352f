"""Files that appear whole or not at all, written while more is read."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import anyio
import pytest

from ac_sms_async.background import Background
from ac_sms_async.part_file import PartFile, PartWriter

pytestmark = pytest.mark.anyio


async def test_batches_are_written_in_order_while_the_next_is_read(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "file")
    part.open()
    async with Background() as background:
        writer = PartWriter(part)
        background.start(writer.run)
        for number in range(5):
            await writer.drain()
            writer.put([b"%d" % number, b","])
        await writer.drain()
    part.finish()
    assert (tmp_path / "file").read_bytes() == b"0,1,2,3,4,"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


async def test_a_batch_is_handed_over_without_waiting_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_write = threading.Event()

    def write(_part: PartFile, _pieces: list[bytes]) -> None:
        may_write.wait(10)

    monkeypatch.setattr(PartFile, "write", write)
    async with Background() as background:
        writer = PartWriter(PartFile(tmp_path / "file"))
        background.start(writer.run)
        writer.put([b"slow"])
        with anyio.move_on_after(0.01) as scope:
            await writer.drain()
        assert scope.cancelled_caught
        may_write.set()
        await writer.drain()


async def test_what_writing_raises_comes_out_of_drain_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_part: PartFile, _pieces: list[bytes]) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(PartFile, "write", full)
    async with Background() as background:
        writer = PartWriter(PartFile(tmp_path / "file"))
        background.start(writer.run)
        writer.put([b"much"])
        with pytest.raises(OSError, match="disk full"):
            await writer.drain()


async def test_steps_that_come_after_the_end_do_nothing(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "file")
    part.discard()
    part.open()
    part.write([b"late"])
    part.finish()
    assert list(tmp_path.iterdir()) == []


async def test_what_is_not_finished_is_removed(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "file")
    part.open()
    part.write([b"half"])
    part.discard()
    part.discard()
    assert list(tmp_path.iterdir()) == []
