"""A file that appears whole or not at all, written in a thread while more of it is read."""

from __future__ import annotations

import os
import threading
from io import FileIO
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from ac_sms_async.background import Bell

__all__ = ["PartFile", "PartWriter"]

_GATHERED: Final = 1024
"""Pieces that Linux and macOS write in one step."""


class PartFile:
    """The file beside the target that is written until it is whole. Its methods block.

    A plain `Task.cancel()` leaves a step behind that still runs in its thread; the lock lets `discard` wait for it.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
        self._lock = threading.Lock()
        self._discarded = False
        self._file: FileIO | None = None
        self._size = 0

    def open(self) -> None:
        """Make the file; `OSError` where that can't be done."""
        with self._lock:
            if not self._discarded:
                self._file = self._path.open("xb", buffering=0)

    def write(self, pieces: list[bytes]) -> None:
        """Append to it."""
        with self._lock:
            if self._file is not None:
                size = _append(self._file, pieces)
                if hasattr(os, "posix_fadvise"):
                    # Linux begins to write out what it is told of like this. Begun while more is read, that leaves next
                    # to nothing for `finish` to wait for, and what is being written stays in the cache.
                    os.posix_fadvise(self._file.fileno(), self._size, size, os.POSIX_FADV_DONTNEED)
                self._size += size

    def finish(self) -> None:
        """It is whole: give it its name."""
        with self._lock:
            if self._file is not None:
                # The bytes first, the name afterwards, so that a crash can't leave the name on half of them.
                os.fsync(self._file.fileno())
                self._file.close()
                self._path.replace(self._target)

    def discard(self) -> None:
        """Remove what isn't finished."""
        with self._lock:
            self._discarded = True
            if self._file is not None:
                self._file.close()
                self._file = None
                self._path.unlink(missing_ok=True)


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


class PartWriter:
    """Writes one batch in a thread while the next one is read: `run` is a job beside the one that reads.

    Waiting for each batch instead would cost a third of the speed of a fast connection.
    """

    def __init__(self, part: PartFile) -> None:
        self._part = part
        self._batch: list[bytes] = []
        self._failure: Exception | None = None
        self._bell = Bell()

    async def run(self) -> None:
        """Write what is put, until cancelled."""
        while True:
            while not self._batch:
                await self._bell.wait()
            try:
                await anyio.to_thread.run_sync(self._part.write, self._batch)
            except Exception as error:  # noqa: BLE001 - kept for the one who waits in `drain`
                self._failure = error
            self._batch = []
            self._bell.ring()

    def put(self, pieces: list[bytes]) -> None:
        """Hand over the next batch, after `drain`."""
        self._batch = pieces
        self._bell.ring()

    async def drain(self) -> None:
        """Wait until what was put is written. Raises what writing it raised."""
        while self._batch:
            await self._bell.wait()
        if self._failure is not None:
            raise self._failure
