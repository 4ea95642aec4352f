"""Running a command's coroutine: Ctrl-C and SIGTERM end it cleanly."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.abc

__all__ = ["Stopped", "run_async"]

T = TypeVar("T")

# Event loops on Windows take no signals; Ctrl-C comes as a KeyboardInterrupt there.
_SIGNALS = () if sys.platform == "win32" else (signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):
    """The command was stopped by a signal, and cleaned up after itself."""


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` on asyncio. Raises what it raises, and `Stopped` when a signal ended it."""
    results: list[T] = []
    errors: list[Exception] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            if _SIGNALS:
                await group.start(_watch, group.cancel_scope)
            try:
                results.append(await work())
            except Exception as error:  # noqa: BLE001 - raised below, outside of the group
                errors.append(error)
            group.cancel_scope.cancel()

    try:
        anyio.run(main)
    except KeyboardInterrupt:
        raise Stopped from None
    if errors:
        raise errors[0]
    if not results:
        raise Stopped
    return results[0]


async def _watch(scope: anyio.CancelScope, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()
            return
