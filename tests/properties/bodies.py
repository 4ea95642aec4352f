"""Answers in any encoding and framing, byte by byte, and whether they were cut."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from attrs import frozen
from hypothesis import strategies as st

__all__ = ["SPOKEN", "Framing", "Wire", "cut", "wires"]

Framing: TypeAlias = Literal["length", "chunked", "close", "1.0 length", "1.0 close"]

SPOKEN: Final = (*'aZ9 ,;"\n\r', "\u00e9", "\u20ac", "\U0001f600")
"""Characters of a CSV or of a JSON text."""

_NO_CODING: Final = ("identity", "Identity", "none", "UTF-8", "utf8", "binary", "8bit", "")
"""What servers say when they mean that nothing was done."""


def _members(data: bytes, places: Sequence[int]) -> bytes:
    """gzip, in as many members as there are places and one, as pigz and Java write them."""
    return b"".join(gzip.compress(piece, mtime=0) for piece in cut(data, places))


def _raw_deflate(data: bytes, places: Sequence[int]) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CODINGS: Final[dict[str, tuple[str, Callable[[bytes, Sequence[int]], bytes]]]] = {
    "gzip": ("gzip", _members),
    "x-gzip": ("X-GZip", _members),
    "zlib": ("deflate", lambda data, places: zlib.compress(data)),
    "raw deflate": ("deflate", _raw_deflate),
}
"""The codings that are asked for, in every form in which servers write them: name in the header, and what makes it."""


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """`data` in pieces, none of them empty unless all is."""
    borders = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(borders)] or [data]


@frozen
class Wire:
    """One answer as it goes over the wire."""

    content: bytes
    """What it stands for."""
    codings: tuple[str, ...]
    """Header words, and keys of `CODINGS`, in the order in which they were applied."""
    framing: Framing
    places: tuple[int, ...]
    """Where members and chunks begin, and where the network cuts."""
    several_headers: bool
    trailer: bool
    missing: int | None
    """How many of the last bytes of head and body never come: of so many, that many modulo their number. None: 0."""
    then: Literal["close", "reset"]

    @property
    def ends_by_itself(self) -> bool:
        return self.framing in ("length", "chunked", "1.0 length")

    def body(self) -> bytes:
        """The content, encoded."""
        data = self.content
        for coding in self.codings:
            if coding in CODINGS:
                data = CODINGS[coding][1](data, self.places)
        return data

    def headers(self) -> list[tuple[str, str]]:
        """Those about the encoding."""
        names = [CODINGS[coding][0] if coding in CODINGS else coding for coding in self.codings]
        if self.several_headers:
            return [("Content-Encoding", name) for name in names]
        return [("Content-Encoding", " ,\t".join(names))] if names else []

    def pieces(self, content_type: str) -> list[bytes]:
        """All bytes of the answer that come, as the network cuts them."""
        body = self.body()
        version = "1.0" if self.framing.startswith("1.0") else "1.1"
        lines = [f"HTTP/{version} 200 OK", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in self.headers()]
        if self.framing == "chunked":
            lines.append("Transfer-Encoding: chunked")
            chunks = [piece for piece in cut(body, self.places) if piece]
            end = b"0\r\nX-Sum: 1\r\n\r\n" if self.trailer else b"0\r\n\r\n"
            note = b";note=1" if self.trailer else b""
            body = b"".join(b"%X%b\r\n%b\r\n" % (len(chunk), note, chunk) for chunk in chunks) + end
        elif self.framing.endswith("length"):
            lines.append(f"Content-Length: {len(body)}")
        elif version == "1.1":
            lines.append("Connection: close")
        wire = "\r\n".join([*lines, "", ""]).encode() + body
        if self.missing is not None:
            wire = wire[: len(wire) - self.lost(len(wire))]
        return [piece for piece in cut(wire, self.places) if piece]

    def lost(self, size: int) -> int:
        """How many of so many bytes never come."""
        return 0 if self.missing is None else 1 + self.missing % size


def wires(content: st.SearchStrategy[bytes], framings: Sequence[Framing]) -> st.SearchStrategy[Wire]:
    """Any answer with such a content. Half of them are whole."""
    coding = st.one_of(st.sampled_from(sorted(CODINGS)), st.sampled_from(_NO_CODING))
    return st.builds(
        Wire,
        content=content,
        codings=st.lists(coding, max_size=3).map(tuple),
        framing=st.sampled_from(framings),
        places=st.lists(st.integers(0, 4000), max_size=6).map(tuple),
        several_headers=st.booleans(),
        trailer=st.booleans(),
        # Near the end and anywhere: what is cut within the last bytes looks most like a whole one.
        missing=st.one_of(st.none(), st.none(), st.integers(0, 12), st.integers(0, 4000)),
        then=st.sampled_from(["close", "close", "reset"]),
    )
