"""Files that appear whole or not at all, written while more is read."""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import stat
import threading
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from ac_sms_async.downloads.part_file import PartFile, whole_file
from ac_sms_async.downloads.part_writer import PartWriter
from ac_sms_async.tasks import Background

pytestmark = pytest.mark.anyio


async def test_batches_are_written_in_order_while_the_next_is_read(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "file")
    part.open()
    async with Background() as background:
        writer = PartWriter(part)
        background.start(writer.run, writer.end)
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
        background.start(writer.run, writer.end)
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
        background.start(writer.run, writer.end)
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

    monkeypatch.setattr(os, "writev", nothing, raising=False)
    monkeypatch.setattr("ac_sms_async.downloads.part_file.FileIO", Full)
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

    monkeypatch.delattr(os, "writev", raising=False)
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    monkeypatch.delattr(os, "chown", raising=False)
    monkeypatch.setattr("ac_sms_async.downloads.part_file.FileIO", Slow)
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


async def write(path: Path, *pieces: bytes, private: bool = False) -> None:
    async with whole_file(path, private=private) as part:
        for piece in pieces:
            await anyio.to_thread.run_sync(part.write, [piece])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[None]:
    """The usual one, whatever the tests run with."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(("private", "wanted"), [(False, 0o644), (True, 0o600)])
@pytest.mark.usefixtures("umask")
async def test_a_new_file_is_as_the_umask_says_or_for_the_user_alone(
    tmp_path: Path, private: bool, wanted: int
) -> None:
    await write(tmp_path / "file", b"new", private=private)
    assert mode(tmp_path / "file") == wanted


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o644, 0o666, 0o444])
@pytest.mark.parametrize("private", [False, True])
@pytest.mark.usefixtures("umask")
async def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, kept: int, private: bool) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    target.chmod(kept)
    await write(target, b"new", private=private)
    assert target.read_bytes() == b"new"
    assert mode(target) == kept


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.usefixtures("umask")
async def test_what_is_not_whole_yet_is_nobody_elses_business(tmp_path: Path) -> None:
    """A process that dies, by SIGKILL or SIGHUP, leaves its draft behind."""
    part = PartFile(tmp_path / "file")
    part.open()
    part.write([b"half"])
    [draft] = tmp_path.iterdir()
    assert (draft.name == "file", mode(draft)) == (False, 0o600)
    part.finish()
    part.discard()
    assert mode(tmp_path / "file") == 0o644


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("allowed", [True, False])
async def test_root_leaves_a_file_to_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    target = tmp_path / "file"
    target.write_text("old")
    os.chown(target, 12345, 23456)
    if not allowed:
        monkeypatch.setattr(os, "chown", refuse)
    await write(target, b"new")
    assert (target.stat().st_uid, target.stat().st_gid) == ((12345, 23456) if allowed else (0, 0))


@pytest.mark.parametrize("there", [True, False])
async def test_links_are_followed_and_stay_links(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    if there:
        (folder / "file").write_text("old")
    (tmp_path / "second").symlink_to("folder/file")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    await write(tmp_path / "first", b"new")
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert (folder / "file").read_bytes() == b"new"
    assert len(list(folder.iterdir())) == 1


async def test_as_many_links_are_followed_as_the_system_follows(tmp_path: Path) -> None:
    target = tmp_path / "0"
    target.write_bytes(b"old")
    for number in range(40):
        (tmp_path / str(number + 1)).symlink_to(str(number))
    await write(tmp_path / "40", b"new")
    assert target.read_bytes() == b"new"
    assert sum(path.is_symlink() for path in tmp_path.iterdir()) == 40


async def test_a_link_that_leads_back_to_itself_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        await write(tmp_path / "loop", b"new")
    assert (tmp_path / "loop").is_symlink()


@pytest.mark.parametrize("length", [249, 255])
async def test_a_name_may_be_as_long_as_the_system_takes(tmp_path: Path, length: int) -> None:
    target = tmp_path / ("f" * length)
    await write(target, b"new")
    assert target.read_bytes() == b"new"


async def test_what_cannot_be_made_is_an_error_that_names_the_target(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing/file"):
        await write(tmp_path / "missing" / "file", b"new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        await write(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


async def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    for path in (Path("/dev/null"), null):
        await write(path, b"new", private=True)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OSError, match="space"):
        await write(Path("/dev/full"), b"new")
    ours, theirs = pty.openpty()
    name = Path(os.ttyname(theirs))
    await write(name, b"hello")
    assert os.read(ours, 100) == b"hello"
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
async def test_an_open_file_is_written_to_and_not_replaced(tmp_path: Path, folder: str) -> None:
    """As `/dev/stdout` behind `>> file`, and `>(gzip > file)`, which is a pipe."""
    log = tmp_path / "log"
    log.write_bytes(b"before,")
    with log.open("ab") as file:
        link = tmp_path / "link"
        link.symlink_to(f"{folder}/{file.fileno()}")
        inode = log.stat().st_ino
        await write(Path(f"{folder}/{file.fileno()}"), b"one,")
        await write(link, b"two")
    assert log.read_bytes() == b"before,one,two"
    assert log.stat().st_ino == inode
    read, written = os.pipe()
    await write(Path(f"{folder}/{written}"), b"through")
    assert os.read(read, 100) == b"through"
    os.close(read)
    os.close(written)


async def test_a_pipe_gets_all_of_it_and_its_reader_may_come_late_and_be_slow(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # More than the system keeps for a reader that sleeps.
    data = b"0123456789" * 100_000
    got: list[bytes] = []

    def read() -> None:
        with pipe.open("rb") as file:
            got.append(file.read(10))
            threading.Event().wait(0.1)
            got.append(file.read())

    async with anyio.create_task_group() as group:
        group.start_soon(write, pipe, data[:500_000], data[500_000:])
        await anyio.sleep(0.1)
        group.start_soon(anyio.to_thread.run_sync, read)
    assert b"".join(got) == data
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("reader", [False, True])
async def test_a_pipe_that_nobody_reads_from_holds_up_nobody_who_is_cancelled(tmp_path: Path, reader: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    sleeper = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) if reader else None
    with anyio.fail_after(5), anyio.move_on_after(0.1) as scope:
        await write(pipe, bytes(1 << 20))
    assert scope.cancelled_caught
    if sleeper is not None:
        os.close(sleeper)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("reader", [False, True])
async def test_nor_who_is_cancelled_the_plain_way(tmp_path: Path, reader: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    sleeper = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) if reader else None
    task = asyncio.create_task(write(pipe, bytes(1 << 20)))
    await asyncio.sleep(0.1)
    task.cancel()
    with anyio.fail_after(5), pytest.raises(asyncio.CancelledError):
        await task
    if sleeper is not None:
        os.close(sleeper)


async def test_a_pipe_whose_reader_goes_is_an_error(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    async with whole_file(pipe) as part:
        os.close(reader)
        with pytest.raises(BrokenPipeError):
            await anyio.to_thread.run_sync(part.write, [b"new"])


async def test_text_is_utf_8_and_keeps_its_line_ends(tmp_path: Path) -> None:
    async with whole_file(tmp_path / "file") as part:
        file = part.text()
        file.write("é\r\n\n")
        file.flush()
    assert (tmp_path / "file").read_bytes() == "é\r\n\n".encode()


async def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")

    async def fail() -> None:
        async with whole_file(target) as part:
            part.write([b"half"])
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
