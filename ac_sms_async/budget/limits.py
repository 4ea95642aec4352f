"""The limits of all who share a budget, and the one that holds for all of them: as strict as the strictest.

Whoever draws on a budget says its limit each time. It is held for a while after that, as nobody can tell who has gone
for good from who has nothing to ask for.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import define, evolve

from ac_sms_async.options import RateLimit

__all__ = ["HELD_FOR", "MOST_LIMITS", "Held", "agree", "strictest"]

HELD_FOR = 120.0
"""Seconds for which a limit holds after it was said last. Whoever waits says it each time it looks, and in the longest
pause nobody looks for 60 s: so none that somebody who waits has given is forgotten. More than that would let a job that
was meant to be slow hold up the others long after its end."""

MOST_LIMITS = 16
"""So many different ones are remembered: those that were said last."""


@define
class Held:
    """A limit that somebody gave."""

    requests: int
    window: float
    reserve: int
    until: float

    def is_of(self, limit: RateLimit) -> bool:
        return (self.requests, self.window, self.reserve) == (limit.requests, limit.window, limit.reserve)


def agree(held: list[Held], limit: RateLimit | None, now: float) -> RateLimit | None:
    """The limit that holds for all, now that one of them comes with `limit` and is held to it from now on."""
    held[:] = [known for known in held if known.until > now and (limit is None or not known.is_of(limit))]
    if limit is not None:
        held.append(Held(limit.requests, limit.window, limit.reserve, now + HELD_FOR))
        del held[:-MOST_LIMITS]
    if not held:
        return None
    if limit is not None and len(held) == 1:
        return limit
    requests, window, reserve = _together(held)
    if limit is not None and (requests, window, reserve) == (limit.requests, limit.window, limit.reserve):
        return limit
    return RateLimit(requests, per=window, margin=0.0, reserve=reserve)


def strictest(limits: Collection[RateLimit]) -> RateLimit | None:
    """One that keeps each of these; None where there is none. With the same `per` it is the one of fewest requests."""
    if not limits:
        return None
    requests, window, reserve = _together(limits)
    fallbacks = [limit.fallback for limit in limits if limit.fallback is not None]
    fallback = min(*fallbacks, requests) if len(fallbacks) == len(limits) else None
    for limit in limits:
        if (requests, window, reserve) == (limit.requests, limit.window, limit.reserve):
            return limit if fallback == limit.fallback else evolve(limit, fallback=fallback)
    return RateLimit(requests, per=window, margin=0.0, reserve=reserve, fallback=fallback)


def _together(limits: Collection[RateLimit | Held]) -> tuple[int, float, int]:
    """Requests, window and reserve that keep each of these.

    Where any window has so few requests, a limit's own window has as many times that as it has such windows in it.
    """
    requests = min(limit.requests for limit in limits)
    window = max(limit.window / (limit.requests // requests) for limit in limits)
    return requests, window, min(max(limit.reserve for limit in limits), requests - 1)
