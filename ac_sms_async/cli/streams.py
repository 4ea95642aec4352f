"""The streams of the process, whatever stands behind them: closed, full, of another encoding."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import IO, TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["give_up_output", "prepare_streams"]


def prepare_streams() -> None:
    """Make the standard streams take what is written to them; to be called once, as the process begins.

    UTF-8 where nobody looks at a terminal. A closed stdin is empty, and a closed stdout refuses what is written. What
    stderr can't take is dropped, so that a line of progress stops nothing.
    """
    # In this order: the system gives the lowest free number, and nothing else should ever get one of these.
    sys.stdin = sys.stdin or _instead(os.O_RDONLY, "r")
    sys.stdout = sys.stdout or _instead(os.O_RDONLY, "w")
    sys.stderr = sys.stderr or _instead(os.O_WRONLY, "w")
    given: TextIO = sys.stdin
    out: TextIO = sys.stdout
    err: TextIO = sys.stderr
    if not given.isatty():
        _change(given, "utf-8-sig", "replace")
    if out.isatty():
        _change(out, None, "replace")
    else:
        _change(out, "utf-8", "backslashreplace")
    looked_at = err.isatty()
    if isinstance(err, io.TextIOWrapper):
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(_Patient(cast("TextIO", err))),
            encoding=err.encoding if looked_at else "utf-8",
            errors="replace" if looked_at else "backslashreplace",
            line_buffering=True,
        )


def give_up_output() -> None:
    """Send nowhere what is left for stdout, or Python would complain about it at the end."""
    # Without a number there is nothing of the system's behind it.
    with contextlib.suppress(io.UnsupportedOperation):
        number, nowhere = sys.stdout.fileno(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


def _instead(flags: int, mode: str) -> io.TextIOWrapper:
    """A stream for one that is closed. Where its file is only open for reading, it refuses what is written."""
    return cast("io.TextIOWrapper", os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))


def _change(stream: object, encoding: str | None, errors: str) -> None:
    # What is no file of the system's has no encoding.
    if isinstance(stream, io.TextIOWrapper):
        cast("io.TextIOWrapper", stream).reconfigure(encoding=encoding, errors=errors)


class _Patient(io.RawIOBase):
    """Passes on what can be written, and drops what can't."""

    def __init__(self, stream: TextIO) -> None:
        # Kept, since it closes its file once nobody has it.
        self._stream = stream
        self._raw = cast("IO[bytes]", getattr(stream.buffer, "raw", stream.buffer))

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._raw.isatty()

    def fileno(self) -> int:
        return self._raw.fileno()

    def write(self, data: ReadableBuffer, /) -> int:
        piece = bytes(data)
        try:
            # None says that there is no room right now.
            return self._raw.write(piece) or len(piece)
        except OSError:
            return len(piece)
