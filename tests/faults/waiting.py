"""Waiting for what another thread does."""

from __future__ import annotations

from collections.abc import Callable

import anyio


async def comes_true(condition: Callable[[], bool], within: float = 3.0) -> bool:
    """Whether the condition holds within so many seconds."""
    with anyio.move_on_after(within):
        while not condition():  # noqa: ASYNC110 - the server's thread could not set an event of this loop
            await anyio.sleep(0.005)
    return condition()
