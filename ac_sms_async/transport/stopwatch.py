"""What took a call's time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

__all__ = ["Phase", "Stopwatch", "in_words"]

Phase: TypeAlias = Literal["queue", "budget", "backoff", "connect", "write", "wait", "read"]

_WORDS: Final[Mapping[str, str]] = {
    "queue": "in line for a slot (max_concurrency)",
    "budget": "in line for the account's budget",
    "backoff": "between attempts",
    "connect": "connecting",
    "write": "sending the request",
    "wait": "waiting for the answer",
    "read": "reading the answer",
}

_NOTHING: Final[Mapping[str, float]] = dict.fromkeys(_WORDS, 0.0)

_WORTH_TELLING = 0.01
"""The share of all the time from which on a phase is worth a word."""


class Stopwatch:
    """Adds up the seconds of each phase."""

    __slots__ = ("_since", "_spent", "phase")

    def __init__(self, now: float) -> None:
        self.phase: Phase = "queue"
        self._since = now
        self._spent: dict[str, float] = {**_NOTHING}

    def enter(self, phase: Phase, now: float) -> None:
        """The phase that ran has ended, and this one begins."""
        self._spent[self.phase] += now - self._since
        self.phase = phase
        self._since = now

    def spent(self, now: float) -> Mapping[str, float]:
        """The seconds of each phase, the one that runs included."""
        self.enter(self.phase, now)
        return {phase: self._spent[phase] for phase in _WORDS if self._spent[phase] > 0}


def in_words(spent: Mapping[str, float]) -> str:
    """What took how long, as in "12.0 s in line for the account's budget, 8.0 s waiting for the answer"."""
    least = _WORTH_TELLING * sum(spent.values())
    return ", ".join(f"{seconds:.1f} s {_WORDS[phase]}" for phase, seconds in spent.items() if seconds >= least)
