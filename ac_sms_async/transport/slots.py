"""How many requests of a client run at once."""

from __future__ import annotations

from collections.abc import Callable

from ac_sms_async.line import Line
from ac_sms_async.options import Priority

__all__ = ["Slots"]


class Slots:
    """At most `size` calls at a time, first come, first served. A caller that is cancelled takes nothing with it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._held = 0.0
        self._line = Line()
        self.waiting: dict[Priority, int] = {"interactive": 0, "bulk": 0}
        """How many wait for one."""

    @property
    def is_free(self) -> bool:
        """Whether there is one for who comes now."""
        return self._free > 0

    async def acquire(self, decide: Callable[[], None], priority: Priority) -> None:
        """Wait for a slot; without giving up control when one is free.

        Whoever waits and is woken calls `decide`, which raises where it isn't worth to wait on.
        """
        if self._free:
            self._free -= 1
            return
        turn = self._line.join()
        self.waiting[priority] += 1
        try:
            while True:
                await turn.sleep()
                if turn.granted:
                    return
                decide()
        except BaseException:
            if turn.granted:
                self.release()
            else:
                self._line.leave(turn)
            raise
        finally:
            self.waiting[priority] -= 1

    def release(self, held: float | None = None) -> None:
        """Hand the slot to whoever waits longest, or keep it free. `held` is for how many seconds it was taken."""
        if held is not None:
            self._held += (held - self._held) / 8
        first = self._line.first
        if first is None:
            self._free += 1
        else:
            self._line.leave(first)
            first.granted = True
            first.wake()

    def expected_wait(self) -> float:
        """Some seconds until one who comes now has a slot. Rather too few: it is looked at again then."""
        return 0.0 if self._free else len(self._line) * self._held / self.size

    def wake(self) -> None:
        """Let everybody who waits decide anew."""
        self._line.wake_all()
