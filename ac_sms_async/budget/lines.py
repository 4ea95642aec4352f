"""An event loop's lines of those who wait for a budget: one for each priority."""

from __future__ import annotations

from ac_sms_async.budget.ledger import Ledger, count_ahead
from ac_sms_async.line import Line
from ac_sms_async.options import Priority

__all__ = ["Lines"]


class Lines:
    """`lines[priority]` is a line; of each, only the first looks at the ledger, and the others wait for it."""

    def __init__(self) -> None:
        self._lines: dict[Priority, Line] = {"interactive": Line(), "bulk": Line()}

    def __getitem__(self, priority: Priority) -> Line:
        return self._lines[priority]

    def count_ahead(self, ledger: Ledger, priority: Priority) -> int:
        """How many of this loop start before one who comes now."""
        return count_ahead(ledger, priority, len(self._lines["interactive"]), len(self._lines["bulk"]))

    def wake_first(self) -> None:
        """Let the first of each line look again."""
        for line in self._lines.values():
            line.wake_first()

    def wake_all(self) -> None:
        """Let everybody who waits decide anew."""
        for line in self._lines.values():
            line.wake_all()
