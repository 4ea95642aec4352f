"""A worker's word that its accounts are its own: it holds only as long as the others can see that the worker lives."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import anyio

from ac_sms_async.fleet.errors import LeaseLostError

__all__ = ["Lease", "since_boot"]

MARGIN = 2.0
"""Seconds by which the lease ends before others may take over: a request under way then is answered by that time, and
what was sent last is out of the server's one-second window."""


def since_boot() -> float:
    """Seconds that go on while the process is stopped, and, on Linux, while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Lease:
    """Good for a while after each heartbeat. Once it was lost, it stays so: the jobs may be somebody else's by then."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = since_boot) -> None:
        """For workers that count as dead after `seconds` of silence."""
        self.clock = clock
        self._seconds = seconds - MARGIN
        self._until = clock() + self._seconds
        self._lost = anyio.Event()

    @property
    def lost(self) -> bool:
        """Whether it has run out, also if nobody has noticed yet."""
        if self.clock() >= self._until:
            self._lost.set()
        return self._lost.is_set()

    def check(self) -> None:
        """Raise `LeaseLostError` where it has run out. Called before everything that others would see."""
        if self.lost:
            raise LeaseLostError("this worker was silent for too long; another one may have taken over")

    def renew(self, asked_at: float) -> None:
        """A heartbeat, asked for at `asked_at`, was written. Too late is too late: others may have noticed."""
        if not self.lost:
            self._until = asked_at + self._seconds

    def give_up(self) -> None:
        """Count as lost from now on."""
        self._lost.set()

    async def wait_lost(self) -> None:
        """Return when it is lost."""
        while not self.lost:
            with anyio.move_on_after(self._until - self.clock()):
                await self._lost.wait()
