"""One connection of httpcore, without the pool that httpx puts around it. The one file that imports httpcore."""

from __future__ import annotations

import ssl
from typing import Any

import httpcore

from ac_sms_async.transport.address import Address

__all__ = ["single_connection"]


def single_connection(address: Address, context: ssl.SSLContext, idle_seconds: float) -> Any:
    """A connection to that address, opened by its first request; it takes requests as a pool of httpcore does."""
    url = httpcore.URL(address.origin)
    return httpcore.AsyncHTTPConnection(url.origin, context, keepalive_expiry=idle_seconds)
