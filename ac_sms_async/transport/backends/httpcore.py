"""One connection of httpcore, without the pool that httpx puts around it. The one file that imports httpcore."""

from __future__ import annotations

import ssl
from typing import Any, Final

import httpcore

from ac_sms_async.transport.address import Address

__all__ = ["has_more", "read_widely", "single_connection", "take_locks_off"]

_READ_SIZE: Final = 256 * 1024
"""What asyncio takes from a socket at once."""


class _NoLock:
    """Stands where httpcore has a lock.

    The connection belongs to one exchange at a time, so nobody else could hold it. A real lock gives up control even
    when it is free, three times between an answer and the next request: of calls that are answered together, none
    would write its next request before all of them have done their work.
    """

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


_NO_LOCK = _NoLock()


def single_connection(address: Address, context: ssl.SSLContext, idle_seconds: float) -> Any:
    """A connection to that address, opened by its first request; it takes requests as a pool of httpcore does."""
    url = httpcore.URL(address.origin)
    return httpcore.AsyncHTTPConnection(url.origin, context, keepalive_expiry=idle_seconds)


def take_locks_off(connection: Any) -> None:
    """Let an open connection go on without httpcore's locks; see `_NoLock`."""
    opened = getattr(connection, "_connection", None)
    if opened is not None:
        connection._request_lock = opened._state_lock = _NO_LOCK


def read_widely(connection: Any) -> None:
    """Let an open connection without TLS hand on all that asyncio took from the socket.

    httpcore asks for 64 KiB of it at a time, and the rest is copied each time. TLS comes in records of 16 KiB anyway.
    """
    opened = getattr(connection, "_connection", None)
    if opened is not None and connection._origin.scheme == b"http":
        opened.READ_NUM_BYTES = _READ_SIZE


def has_more(connection: Any) -> bool:
    """Whether bytes came with the end of an answer that aren't part of it: they would be read as the next answer."""
    opened = getattr(connection, "_connection", None)
    return opened is not None and opened._h11_state.trailing_data[0] != b""
