"""Waiting for what happens in another process, thread or task, which nobody here is told of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable

import anyio


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 40.0) -> None:
    """Return as soon as the condition holds; TimeoutError where it doesn't in time."""
    with anyio.fail_after(seconds):
        while True:
            holds = condition()
            if await holds if isawaitable(holds) else holds:
                return
            await anyio.sleep(0.05)
