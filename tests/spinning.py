"""Breaks out of an event loop that never gives up control, which no time-out of its own can."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["no_spinning"]


@contextmanager
def no_spinning(seconds: float = 10) -> Generator[None]:
    """What runs in here ends within so many seconds, or is an error."""

    def broken(*_: object) -> None:
        raise AssertionError("the event loop hangs")

    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, broken)
    # Again and again: else the loop, as it ends, could wait for ever for those that wait for ever.
    signal.setitimer(signal.ITIMER_REAL, seconds, 2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
