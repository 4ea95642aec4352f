"""Bodies as they were before the server compressed them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from ac_sms_async.errors import TransportError

__all__ = ["ACCEPT_ENCODING", "Decompressor", "decompress", "decompressor"]

ACCEPT_ENCODING = "gzip, deflate"

_PIECE = 1024 * 1024
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class Decompressor(Protocol):
    """Turns the pieces of a body, in order, into what they stand for."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` adds, in pieces of 1 MiB at most, however well it was compressed."""
        ...

    def finish(self) -> None:
        """Say that the body has ended. A `TransportError` if it ends too early."""
        ...


class _Zlib:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._any = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._any = self._any or bool(data)
        while data:
            try:
                piece = self._zlib.decompress(data, _PIECE)
            except zlib.error:
                raise TransportError("the answer's compressed body is corrupt") from None
            if piece:
                yield piece
            data = self._zlib.unconsumed_tail

    def finish(self) -> None:
        if self._any and not self._zlib.eof:
            raise TransportError("the answer's compressed body ends too early")


def decompressor(encoding: str) -> Decompressor | None:
    """What undoes a Content-Encoding; None where there is nothing to undo."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Zlib()
    raise TransportError(f"the answer's body is encoded as {encoding[:40]!r}, which was not asked for")


def decompress(data: bytes, encoding: str, limit: int | None = None) -> bytes:
    """A whole body; with `limit` about that much of it, which need not be whole."""
    unpack = decompressor(encoding)
    if unpack is None:
        return data
    pieces: list[bytes] = []
    size = 0
    for piece in unpack.feed(data):
        pieces.append(piece)
        size += len(piece)
        if limit is not None and size >= limit:
            return b"".join(pieces)[:limit]
    if limit is None:
        unpack.finish()
    return b"".join(pieces)
