"""Files for the user: whole or not at all, never readable for more people than they should be, and through links."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import select
import stat
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import FileIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import anyio.from_thread
import anyio.to_thread

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["PartFile", "whole_file"]

_GATHERED: Final = 1024
"""Pieces that Linux and macOS write in one step."""
_LOOK_SECONDS: Final = 0.05
"""How often one who waits for the other end of a pipe looks whether it is still wanted."""
_DESCRIPTORS = re.compile(r"/dev/fd|/proc/(self|\d+)(/task/\d+)?/fd")
_LINKS: Final = 40
"""Links after links that are followed; the system doesn't follow more either."""


@asynccontextmanager
async def whole_file(path: str | os.PathLike[str], *, private: bool = False) -> AsyncGenerator[PartFile]:
    """`async with whole_file(path) as part`, then `part.write(...)` in threads: whole when the block ends well.

    A link is followed, and what it leads to is replaced; its mode stays. With `private` a new file is for the user
    alone. What is no plain file (a pipe, a device, `/dev/stdout`) is never replaced, but written to as it comes.
    Raises `OSError` where the file can't be made.
    """
    part = PartFile(Path(path), private=private)
    try:
        await anyio.to_thread.run_sync(part.open)
        yield part
        await anyio.to_thread.run_sync(part.finish)
    finally:
        # Not in a thread: a plain Task.cancel() could keep it from ever starting.
        part.discard()


class PartFile:
    """The file beside the target that is written until it is whole. Its methods block: call them by `anyio.to_thread`.

    A plain `Task.cancel()` leaves a step behind that still runs in its thread; the lock lets `discard` wait for it.
    """

    def __init__(self, target: Path, *, private: bool = False) -> None:
        self._target = target
        self._private = private
        self._lock = threading.Lock()
        self._discarded = threading.Event()
        self._file: FileIO | None = None
        # The draft and the mode that it gets; no draft where the target itself is written to.
        self._draft: Path | None = None
        self._mode = 0
        self._size = 0

    def open(self) -> None:
        """Make the file; `OSError` where that can't be done."""
        with self._lock:
            if self._discarded.is_set():
                return
            try:
                old = self._target.stat()
            except FileNotFoundError:
                old = None
            if old is not None and (not stat.S_ISREG(old.st_mode) or _is_descriptor(self._target)):
                self._file = _open_straight(self._target, self._discarded)
                return
            # Where links lead to. (`strict=False`: the last one may lead to a file that has yet to be made.)
            self._target = Path(os.path.realpath(self._target))
            # A name of its own, as one made from the target's could be too long.
            draft = self._target.with_name(f".ac-sms-{os.urandom(6).hex()}.part")
            try:
                number = os.open(
                    draft, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600 if self._private or old is not None else 0o666
                )
            except OSError as error:
                # Nobody knows the draft.
                error.filename = str(self._target)
                raise
            self._draft = draft
            self._file = FileIO(number, "wb")
            self._mode = stat.S_IMODE(os.fstat(number).st_mode if old is None else old.st_mode)
            # Until it is whole it is nobody else's business, whatever becomes of it.
            draft.chmod(0o600)
            if old is not None:
                _keep_owner(draft, old)

    def write(self, pieces: list[bytes]) -> None:
        """Append to it."""
        with self._lock:
            if self._file is None:
                return
            if self._draft is None:
                _write_straight(self._file, pieces, self._discarded)
                return
            size = _append(self._file, pieces)
            if hasattr(os, "posix_fadvise"):
                # Linux begins to write out what it is told of like this. Begun while more is read, that leaves next
                # to nothing for `finish` to wait for, and what is being written stays in the cache.
                os.posix_fadvise(self._file.fileno(), self._size, size, os.POSIX_FADV_DONTNEED)
            self._size += size

    def text(self) -> IO[str]:
        """It as a text file in UTF-8, for who writes text; to be flushed at the end. Line ends stay as they are."""
        return io.TextIOWrapper(io.BufferedWriter(_Raw(self), 1 << 20), encoding="utf-8", newline="")

    def finish(self) -> None:
        """It is whole: give it its name."""
        with self._lock:
            if self._file is not None and self._draft is not None:
                # The bytes first, the name afterwards, so that a crash can't leave the name on half of them.
                os.fsync(self._file.fileno())
                self._file.close()
                self._draft.chmod(self._mode)
                self._draft.replace(self._target)
                self._draft = None

    def discard(self) -> None:
        """Remove what isn't finished."""
        self._discarded.set()
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
            if self._draft is not None:
                self._draft.unlink(missing_ok=True)
                self._draft = None


_FLAGS: Final = os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class _Raw(io.RawIOBase):
    """A `PartFile` as a file of Python's."""

    def __init__(self, part: PartFile) -> None:
        self._part = part

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        piece = bytes(data)
        self._part.write([piece])
        return len(piece)


def _is_descriptor(path: Path) -> bool:
    """Whether it is a name for an open file, as `/dev/stdout` is: replaced, it would not reach who reads."""
    for _ in range(_LINKS):
        if _DESCRIPTORS.fullmatch(os.path.realpath(path.parent)):
            return True
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return False


def _keep_owner(draft: Path, old: os.stat_result) -> None:
    """Who replaces somebody else's file, as root does, leaves it to them."""
    new = draft.stat()
    if hasattr(os, "chown") and (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        # Others than root may not, and then the file is theirs.
        with contextlib.suppress(PermissionError):
            os.chown(draft, old.st_uid, old.st_gid)


def _open_straight(path: Path, discarded: threading.Event) -> FileIO:
    """Open what is no plain file. A pipe without a reader is waited for, as long as it is wanted."""
    # Appended, since `>> file` may stand behind `/dev/stdout`.
    flags = _FLAGS | os.O_APPEND | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    while True:
        try:
            return FileIO(os.open(path, flags), "wb")
        except OSError as error:
            if error.errno != errno.ENXIO or not stat.S_ISFIFO(path.stat().st_mode):
                raise
        if discarded.wait(_LOOK_SECONDS):
            raise BrokenPipeError(errno.EPIPE, "nobody reads from it", str(path))
        anyio.from_thread.check_cancelled()


def _write_straight(file: FileIO, pieces: list[bytes], discarded: threading.Event) -> None:
    """Write to what may take its time, such as a pipe whose reader sleeps, as long as it is wanted."""
    rest = memoryview(b"".join(pieces))
    while rest and not discarded.is_set():
        # None says that there is no room right now.
        written = file.write(rest)
        if written is None:
            select.select([], [file], [], _LOOK_SECONDS)
            anyio.from_thread.check_cancelled()
        else:
            rest = rest[written:]


def _append(file: FileIO, pieces: list[bytes]) -> int:
    """Write them, in as few steps as the system allows, and return their size.

    After each step a thread waits for the interpreter's lock, which the event loop holds most of the time.
    """
    size = 0
    for at in range(0, len(pieces), _GATHERED):
        some = pieces[at : at + _GATHERED]
        length = sum(map(len, some))
        done = os.writev(file.fileno(), some) if hasattr(os, "writev") else 0
        if done < length:
            # On Windows, or because the disk is nearly full.
            rest = memoryview(b"".join(some))[done:]
            while rest:
                rest = rest[file.write(rest) :]
        size += length
    return size
