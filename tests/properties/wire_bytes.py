"""What of the bytes that a client wrote to a connection belongs to its requests, and not to TLS or a proxy."""

from __future__ import annotations

from typing import Final

from tests.properties.relay import Handed

__all__ = ["of_requests", "unwanted"]

_APPLICATION: Final = 23
_ALERT: Final = 40
"""Bytes of a TLS record at most that says no more than that the connection ends."""


def of_requests(written: bytes, *, tunnel: bool, tls: bool) -> int:
    """How many bytes of requests are in what was written to a connection from its beginning."""
    if tunnel:
        written = written.partition(b"\r\n\r\n")[2]
    if not tls:
        return len(written)
    # In TLS 1.3 the first encrypted record is the end of the handshake. A record that has begun counts.
    return sum(sizes[1:]) if (sizes := [size for kind, size in _records(written) if kind == _APPLICATION]) else 0


def unwanted(handed: Handed, *, tunnel: bool, tls: bool, requests_only: bool) -> bool:
    """Whether there is more after the end than TLS's word that the connection ends."""
    before, after = bytes(handed.before), bytes(handed.after)
    if requests_only:
        return of_requests(before + after, tunnel=tunnel, tls=tls) > of_requests(before, tunnel=tunnel, tls=tls)
    goodbye = tls and len(after) <= _ALERT and after[:1] in (b"\x15", b"\x17")
    return bool(after) and not goodbye


def _records(data: bytes) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while len(data) >= 5:
        size = int.from_bytes(data[3:5], "big")
        # Those of 40 bytes and less are alerts.
        if size > _ALERT:
            found.append((data[0], size))
        data = data[5 + size :]
    return found
