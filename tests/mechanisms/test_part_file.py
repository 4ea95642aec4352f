"""Files that appear whole or not at all, written while more is read."""

from __future__ import annotations

import errno
import os
import threading
from io import FileIO
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


@pytest.mark.skipif(not hasattr(os, "writev"), reason="Windows writes all it is given")
async def test_a_system_that_writes_less_than_it_was_given_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_vectors = os.writev
    steps: list[int] = []

    def half(file: int, pieces: list[bytes]) -> int:
        steps.append(len(pieces))
        return write_vectors(file, [b"".join(pieces)[: sum(map(len, pieces)) // 2]])

    monkeypatch.setattr(os, "writev", half)
    part = PartFile(tmp_path / "file")
    part.open()
    pieces = [b"%d," % number for number in range(1500)]
    part.write(pieces)
    part.write([b"end"])
    part.finish()
    assert (tmp_path / "file").read_bytes() == b"".join(pieces) + b"end"
    assert steps == [1024, 476, 1]


async def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(FileIO):
        def write(self, _data: object) -> int:
            raise OSError(errno.ENOSPC, "disk full")

    def nothing(_file: int, _pieces: list[bytes]) -> int:
        return 0

    def opened(path: Path, mode: str, *, buffering: int) -> Full:
        assert buffering == 0
        return Full(path, mode)

    monkeypatch.setattr(os, "writev", nothing, raising=False)
    monkeypatch.setattr(Path, "open", opened)
    part = PartFile(tmp_path / "file")
    part.open()
    with pytest.raises(OSError, match="disk full"):
        part.write([b"much"])
    part.discard()
    assert list(tmp_path.iterdir()) == []


async def test_it_does_without_what_only_some_systems_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(FileIO):
        def write(self, data: memoryview) -> int:  # type: ignore[override]
            return super().write(data[:3])

    def opened(path: Path, mode: str, *, buffering: int) -> Slow:
        assert buffering == 0
        return Slow(path, mode)

    monkeypatch.delattr(os, "writev", raising=False)
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    monkeypatch.setattr(Path, "open", opened)
    part = PartFile(tmp_path / "file")
    part.open()
    part.write([b"one,", b"two,"])
    part.write([b"three"])
    part.finish()
    monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"one,two,three"


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="only Linux takes the advice")
async def test_the_disk_begins_with_each_batch_and_nothing_is_told_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int, int]] = []

    def advise(_file: int, start: int, length: int, advice: int) -> None:
        told.append((start, length, advice))

    monkeypatch.setattr(os, "posix_fadvise", advise)
    part = PartFile(tmp_path / "file")
    part.open()
    for pieces in ([b"one,", b"two,"], [b"three,"], [b"four"]):
        part.write(pieces)
    part.finish()
    assert told == [(start, length, os.POSIX_FADV_DONTNEED) for start, length in ((0, 8), (8, 6), (14, 4))]


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
