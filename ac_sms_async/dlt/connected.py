"""A client within dlt's event loop, and a check that the lists which it reads are whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection

from attrs import define

from ac_sms_async.client import SMSClient
from ac_sms_async.errors import PagingError

__all__ = ["Connected", "Seen"]


class Connected:
    """A client for a block: `async with Connected(client) as sms:`, which dlt's loop does not end before it has ended.

    Where another resource fails, dlt cancels the tasks of this one and stops their loop, without waiting for what they
    still have to close. But it waits for the loop's asynchronous generators, so here is one that waits for the block.
    """

    def __init__(self, client: SMSClient) -> None:
        self._client = client
        self._ended = asyncio.Event()
        self._guard = self._until_it_ends()

    async def __aenter__(self) -> SMSClient:
        # Begun, it is known to the loop.
        await anext(self._guard)
        return self._client

    async def __aexit__(self, *error: object) -> None:
        # A task of its own, which no cancellation of this one ends.
        closing = asyncio.create_task(self._client.aclose())
        closing.add_done_callback(lambda _: self._ended.set())
        await asyncio.shield(closing)

    async def _until_it_ends(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self._ended.wait()


@define
class Seen:
    """How many rows of a list came, against the smallest total that the server named meanwhile."""

    what: str
    rows: int = 0
    least: int | None = None

    def add(self, rows: int, total: int | None, unreadable: Collection[object] = ()) -> None:
        """Count a page. Raises `PagingError` for rows that nobody could tell apart."""
        if unreadable:
            raise PagingError(f"{len(unreadable)} rows of the {self.what} came without a usable id")
        self.rows += rows
        if total is not None:
            self.least = total if self.least is None else min(self.least, total)

    def end(self) -> None:
        """There are no more. Raises `PagingError` where there should be; rows may well have come meanwhile."""
        if self.least is not None and self.rows < self.least:
            raise PagingError(f"the {self.what} ended after {self.rows} of {self.least} rows")
