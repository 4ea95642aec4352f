"""Bodies as they were before the server, or a proxy on the way, compressed them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from ac_sms_async.errors import TransportError

__all__ = ["ACCEPT_ENCODING", "Decompressor", "decompress", "decompressor"]

ACCEPT_ENCODING = "gzip, deflate"

_PIECE = 1024 * 1024
_GZIP = frozenset({"gzip", "x-gzip"})
_UNREADABLE = frozenset(
    # The other content codings that IANA has registered, and those that servers are known to use without it.
    {"aes128gcm", "br", "compress", "dcb", "dcz", "exi", "pack200-gzip", "x-compress", "zstd"}
    | {"bzip2", "lz4", "lzma", "snappy", "xz"}
)
_MOST_CODINGS = 4
"""Nobody compresses more often than twice; each layer costs memory and time."""


class Decompressor(Protocol):
    """Turns the pieces of a body, in order, into what they stand for."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` adds, in pieces of 1 MiB at most, however well it was compressed."""
        ...

    def finish(self) -> None:
        """Say that the body has ended. A `TransportError` if it ends too early."""
        ...


class _Inflating:
    """gzip in any number of members, zlib, and (where `raw` is allowed) deflate without any frame."""

    def __init__(self, *, raw: bool) -> None:
        self._raw = raw
        self._start = b""
        self._any = False
        self._gzip = False
        self._zlib = zlib.decompressobj()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._any = self._any or bool(data)
        while data:
            if not self._begun:
                data = self._begin(self._start + data)
                continue
            try:
                piece = self._zlib.decompress(data, _PIECE)
            except zlib.error:
                raise _corrupt() from None
            if piece:
                yield piece
            data = self._zlib.unconsumed_tail
            if self._zlib.eof:
                data, self._begun = self._zlib.unused_data, False

    def _begin(self, data: bytes) -> bytes:
        """Find out from its first bytes which form it has, and return what is to be inflated."""
        if self._zlib.eof:
            # Between members there may be zeros, to fill a block.
            data = data.lstrip(b"\0")
        if len(data) < 2:
            self._start = data
            return b""
        self._start = b""
        is_gzip = data[:2] == b"\x1f\x8b"
        is_zlib = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        if self._zlib.eof and not (is_gzip and self._gzip):
            # Only gzip has members; what stands here may be the broken rest of the body.
            raise _corrupt()
        if not (is_gzip or is_zlib or self._raw):
            raise _corrupt()
        self._gzip = is_gzip
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 32 if is_gzip or is_zlib else -zlib.MAX_WBITS)
        self._begun = True
        return data

    def finish(self) -> None:
        if self._start or (self._any and not self._zlib.eof):
            raise TransportError("the answer's compressed body ends too early")


class _Chain:
    """One coding after the other, the one applied last first."""

    def __init__(self, steps: list[Decompressor]) -> None:
        self._steps = steps

    def feed(self, data: bytes) -> Iterator[bytes]:
        return self._through(iter((data,)), 0)

    def _through(self, pieces: Iterator[bytes], number: int) -> Iterator[bytes]:
        if number == len(self._steps):
            yield from pieces
            return
        for piece in pieces:
            yield from self._through(self._steps[number].feed(piece), number + 1)

    def finish(self) -> None:
        for step in self._steps:
            step.finish()


def _corrupt() -> TransportError:
    return TransportError("the answer's compressed body is corrupt")


def decompressor(encoding: str) -> Decompressor | None:
    """What undoes a Content-Encoding; None where there is nothing to undo.

    Only a coding that nobody here can read is an error. What is no coding at all, as in `UTF-8` or `none`, is a mistake
    that changes nothing about the body.
    """
    steps: list[Decompressor] = []
    for coding in reversed([token.strip().lower() for token in encoding.split(",")]):
        if coding in _GZIP or coding == "deflate":
            steps.append(_Inflating(raw=coding == "deflate"))
        elif coding in _UNREADABLE:
            raise TransportError(f"the answer's body is encoded as {coding!r}, which was not asked for")
    if len(steps) > _MOST_CODINGS:
        raise TransportError(f"the answer's body is compressed {len(steps)} times")
    if len(steps) > 1:
        return _Chain(steps)
    return steps[0] if steps else None


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
