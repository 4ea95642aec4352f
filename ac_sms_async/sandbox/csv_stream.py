"""CSV in pieces: rows are written as they are asked for, so memory stays flat however long the file is."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

import anyio.lowlevel

_PIECE = 32_768


async def csv_pieces(header: Sequence[str], rows: Iterable[Sequence[object]]) -> AsyncIterator[bytes]:
    """The file in pieces of about 32 kB, with other requests served in between."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() >= _PIECE:
            yield _take(buffer)
            await anyio.lowlevel.checkpoint()
    yield _take(buffer)


def _take(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    # Lone surrogates are fine in JSON, but not in UTF-8.
    return text.encode("utf-8", "replace")
