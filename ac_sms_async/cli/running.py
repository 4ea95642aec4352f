"""Running a command's coroutine: Ctrl-C, SIGTERM and a terminal that is closed (SIGHUP) end it cleanly."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["Stopped", "run_async"]

T = TypeVar("T")

# Event loops on Windows take no signals; Ctrl-C comes as a KeyboardInterrupt there.
_SIGNALS = () if sys.platform == "win32" else (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The command was stopped by a signal, and cleaned up after itself."""


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` on asyncio. Raises what it raises, and `Stopped` when a signal ended it."""
    # Half of the time that it takes to show a help, which needs neither.
    import asyncio

    import anyio

    results: list[T] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with anyio.CancelScope() as scope:
            for number in _SIGNALS:
                if signal.getsignal(number) is signal.SIG_IGN:
                    # Who started us had it ignored, as a shell does for what runs behind `&`, or nohup.
                    continue
                loop.add_signal_handler(number, scope.cancel)
            results.append(await work())

    try:
        anyio.run(main)
    except KeyboardInterrupt:
        raise Stopped from None
    if not results:
        raise Stopped
    return results[0]
