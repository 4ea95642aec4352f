"""Chromium, where one is at hand, and the pixels of what it has drawn."""

from __future__ import annotations

import shutil
import struct
import zlib
from itertools import accumulate

__all__ = ["CHROMIUM", "DARK", "FLAGS", "LIGHT", "pixels"]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    "--virtual-time-budget=2000",
]
LIGHT, DARK = "--blink-settings=preferredColorScheme=1", "--blink-settings=preferredColorScheme=0"


def pixels(png: bytes) -> list[tuple[int, int, int]]:
    """The pixels of an 8-bit RGB or RGBA picture."""
    place, data, width, height, depth = 8, b"", 0, 0, 0
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, chunk = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, height, _, colours = struct.unpack(">IIBB", chunk[:10])
            depth = {2: 3, 6: 4}[colours]
        data += chunk if kind == b"IDAT" else b""
        place += 12 + length
    raw, stride = zlib.decompress(data), width * depth
    above, rows = bytearray(stride), bytearray()
    for y in range(height):
        line = bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        _unfilter(raw[y * (stride + 1)], line, above, depth)
        rows += line
        above = line
    return list(zip(rows[0::depth], rows[1::depth], rows[2::depth], strict=True))


def _unfilter(kind: int, line: bytearray, above: bytearray, depth: int) -> None:
    # The first two are most of a page, and quick this way.
    if kind == 1:
        for channel in range(depth):
            line[channel::depth] = bytes(value & 0xFF for value in accumulate(line[channel::depth]))
    elif kind == 2:
        line[:] = bytes((value + up) & 0xFF for value, up in zip(line, above, strict=True))
    elif kind > 2:
        for x in range(len(line)):
            left, up = line[x - depth] if x >= depth else 0, above[x]
            corner = above[x - depth] if x >= depth else 0
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda near: abs(guess - near))
            line[x] = (line[x] + ((left + up) // 2, paeth)[kind - 3]) & 0xFF
