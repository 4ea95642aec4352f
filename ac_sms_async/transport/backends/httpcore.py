"""One connection of httpcore, without the pool that httpx puts around it. The one file that imports httpcore."""

from __future__ import annotations

import ssl
from typing import Any, Final

import httpcore

from ac_sms_async.transport.address import Address

__all__ = ["read_widely", "single_connection"]

_READ_SIZE: Final = 256 * 1024
"""What asyncio takes from a socket at once."""


def single_connection(address: Address, context: ssl.SSLContext, idle_seconds: float) -> Any:
    """A connection to that address, opened by its first request; it takes requests as a pool of httpcore does."""
    url = httpcore.URL(address.origin)
    return httpcore.AsyncHTTPConnection(url.origin, context, keepalive_expiry=idle_seconds)


def read_widely(connection: Any) -> None:
    """Let an open connection without TLS hand on all that asyncio took from the socket.

    httpcore asks for 64 KiB of it at a time, and the rest is copied each time. TLS comes in records of 16 KiB anyway.
    """
    opened = getattr(connection, "_connection", None)
    if opened is not None and connection._origin.scheme == b"http":
        opened.READ_NUM_BYTES = _READ_SIZE
