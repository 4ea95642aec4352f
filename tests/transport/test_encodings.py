"""Compressed bodies in every form that servers and proxies send them."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.errors import TransportError
from ac_sms_async.transport.backends.decompression import decompress, decompressor

TEXT = b"id,name\n" + b"1,Sale\n" * 1000
# Without the time of packing, which would stand in the names of tests.
TEXT_IN_GZIP = gzip.compress(TEXT, mtime=0)


def raw_deflate(data: bytes) -> bytes:
    """Without any frame, as IIS sends it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def in_members(data: bytes, count: int, between: bytes = b"") -> bytes:
    """As pigz and some proxies do it."""
    size = -(-len(data) // count) or 1
    return between.join(gzip.compress(data[start : start + size]) for start in range(0, max(len(data), 1), size))


def as_members(data: bytes) -> bytes:
    return in_members(data, 3)


def padded(data: bytes) -> bytes:
    return in_members(data, 2, bytes(100)) + bytes(7)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": as_members,
    "GZIP": padded,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "identity": bytes,
    "UTF-8": bytes,
    "none": bytes,
    "": bytes,
    "gzip, identity": gzip.compress,
    " utf-8 ,gzip": as_members,
    "gzip, deflate": lambda data: zlib.compress(gzip.compress(data)),
    "deflate,gzip": lambda data: as_members(raw_deflate(data)),
}


CUTS = st.lists(st.integers(0, 4000), max_size=12)
PACKED = [name for name, pack in PACKERS.items() if pack is not bytes]


@given(data=st.binary(max_size=3000), cuts=CUTS, coding=st.sampled_from(sorted(PACKERS)))
def test_a_body_in_any_pieces_is_what_was_packed(data: bytes, cuts: list[int], coding: str) -> None:
    packed = PACKERS[coding](data)
    assert decompress(packed, coding) == data
    unpack = decompressor(coding)
    if unpack is None:
        assert packed == data
        return
    edges = sorted({0, *(min(cut, len(packed)) for cut in cuts), len(packed)})
    found = b""
    for start, end in itertools.pairwise(edges):
        found += b"".join(unpack.feed(packed[start:end]))
    unpack.finish()
    assert found == data


# A cut between two members is not seen here: those that came are whole. The length, or the chunks, tell.
@given(cut=st.integers(1, 4), coding=st.sampled_from(PACKED))
def test_a_body_that_was_cut_is_told(cut: int, coding: str) -> None:
    packed = PACKERS[coding](TEXT)[: -7 if coding == "GZIP" else None]
    with pytest.raises(TransportError, match=r"compressed body (ends too early|is corrupt)"):
        decompress(packed[: max(1, len(packed) - cut)], coding)


@pytest.mark.parametrize(
    ("packed", "coding"),
    [
        (TEXT_IN_GZIP + b"garbage", "gzip"),
        (TEXT_IN_GZIP + zlib.compress(TEXT), "gzip"),
        (zlib.compress(TEXT) + zlib.compress(TEXT), "deflate"),
        (TEXT, "gzip"),
        (raw_deflate(TEXT), "gzip"),
        (b"\xff\xff\xff\xff", "deflate"),
        (TEXT_IN_GZIP[:-8] + bytes(8), "gzip"),
    ],
)
def test_what_is_not_that_coding_is_corrupt(packed: bytes, coding: str) -> None:
    with pytest.raises(TransportError, match="corrupt"):
        decompress(packed, coding)


@pytest.mark.parametrize("body", [b"\x1f", b"\x1f\x8b", TEXT_IN_GZIP + b"\x1f"])
def test_the_beginning_of_a_member_is_not_its_end(body: bytes) -> None:
    with pytest.raises(TransportError, match="ends too early"):
        decompress(body, "gzip")


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "compress", "xz"])
def test_a_coding_that_nobody_here_can_read_fails(coding: str) -> None:
    with pytest.raises(TransportError, match="which was not asked for"):
        decompress(TEXT, coding)


def test_nobody_packs_five_times() -> None:
    with pytest.raises(TransportError, match="compressed 5 times"):
        decompressor(",".join(["gzip"] * 5))


def test_an_empty_body_needs_no_frame() -> None:
    assert decompress(b"", "gzip") == b""
    assert decompress(b"", "gzip, deflate") == b""


def test_a_bomb_comes_in_pieces() -> None:
    unpack = decompressor("gzip")
    assert unpack is not None
    assert max(len(piece) for piece in unpack.feed(gzip.compress(bytes(5_000_000)))) <= 1024 * 1024
