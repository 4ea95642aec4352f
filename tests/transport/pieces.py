"""A body for mocks of httpx, in pieces."""

from __future__ import annotations

from typing import Self

import anyio
import httpx


class Pieces(httpx.AsyncByteStream):
    """Its own iterator and no generator, so that leaving it early leaves nothing to the garbage collector."""

    def __init__(self, *pieces: bytes) -> None:
        self._left = list(pieces)
        self.closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        await anyio.sleep(0.001)
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop(0)

    async def aclose(self) -> None:
        self.closed = True
