"""A line of tasks, first come, first served, that anybody can leave at any time, wherever it stands, for little."""

from __future__ import annotations

import math
from collections import OrderedDict

import anyio

from ac_sms_async.deadline import Deadline

__all__ = ["Line", "Turn"]


class Turn:
    """One who waits: until somebody wakes it, or a time has passed."""

    __slots__ = ("_awake", "granted")

    def __init__(self) -> None:
        self._awake = anyio.Event()
        self.granted: bool = False
        """Whether it has got what the line is for."""

    def wake(self) -> None:
        """Let it look again."""
        self._awake.set()

    async def sleep(self, seconds: float = math.inf) -> None:
        """Wait until `wake`, or so long. Who was woken meanwhile doesn't wait."""
        with Deadline(anyio.current_time() + seconds):
            await self._awake.wait()
        if self._awake.is_set():
            self._awake = anyio.Event()


class Line:
    """Those who wait, in the order in which they came.

    (Not a deque, in which whoever leaves from the middle is looked for from the front; nor a dict, which looks for its
    first key from where its very first one was.)
    """

    def __init__(self) -> None:
        self._turns: OrderedDict[Turn, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._turns)

    @property
    def first(self) -> Turn | None:
        """Who has waited longest, or None where nobody waits."""
        return next(iter(self._turns), None)

    def join(self) -> Turn:
        """A new turn, behind all others."""
        turn = Turn()
        self._turns[turn] = None
        return turn

    def leave(self, turn: Turn) -> None:
        """Take a turn out, wherever it stands."""
        del self._turns[turn]

    def wake_first(self) -> None:
        """Let the one in front look again."""
        first = self.first
        if first is not None:
            first.wake()

    def wake_all(self) -> None:
        """Let everybody look again."""
        for turn in self._turns:
            turn.wake()
