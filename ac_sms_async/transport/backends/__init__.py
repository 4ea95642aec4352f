"""What a backend is: the bytes of one request onto the wire, and those of its answer back.

A backend knows nothing of retries, pacing or JSON. It takes care that a cancelled exchange leaves nothing behind and
writes nothing more, that a reading which was interrupted either goes on where it was or raises ever after, that only
`ConnectError`, `TransportError` and `ConfigurationError` come out of it, and that none ever holds the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from ac_sms_async.options import Timeout

__all__ = ["Backend", "Exchange", "Progress", "WireRequest"]


@frozen
class WireRequest:
    """One request, ready to be sent."""

    method: str
    target: str
    """Path and query as they stand in the request line, percent-encoded: `/api/3/sms/broadcasts?limit=100`."""
    accept: str
    body: bytes | None
    """JSON, or None for no body."""
    timeout: Timeout
    retry_safe: bool = False
    """Whether it may be sent again: if not, it is rather written to a connection that was used just now, or is new."""
    headers: tuple[tuple[str, str], ...] = ()
    """The operation's own, checked."""


class Progress(Protocol):
    """Who wants to know when the server will see the request."""

    def opening(self) -> None:
        """A connection is being opened for it first."""
        ...

    def writing(self) -> None:
        """It is on its way."""
        ...

    def written(self) -> None:
        """All of it has been handed over; what follows is waiting for the answer."""
        ...


class Exchange(Protocol):
    """One request and its answer. `aclose` ends it in any state, and must be called once."""

    status: int
    headers: Mapping[str, str]
    """The answer's headers, names in lower case."""
    framed: bool
    """Whether the answer says itself where its body ends, so that a cut is noticed."""
    complete: bool | None
    """False until the body was read to its end; None then if only the connection's end marked it; else True."""
    sent: bool
    """False as long as provably nothing of the request was written."""

    async def start(self, progress: Progress) -> None:
        """Send the request, tell how that goes, and wait for the answer's headers."""
        ...

    async def receive(self) -> bytes:
        """The next piece of the body as it was sent (compressed, maybe); b"" at its end, and only there.

        After a call that was cancelled or raised, either the rest comes, or each further call raises `TransportError`.
        """
        ...

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body as it was sent, or about `limit` bytes of it."""
        ...

    async def aclose(self) -> None:
        """Give the connection back if the answer was read to its end, else throw it away."""
        ...


class Backend(Protocol):
    """Where exchanges come from. It is used in one event loop only."""

    def exchange(self, request: WireRequest) -> Exchange:
        """A new exchange; nothing is sent yet."""
        ...

    async def aclose(self) -> None:
        """Close all idle connections; those in use are closed by their exchanges."""
        ...
