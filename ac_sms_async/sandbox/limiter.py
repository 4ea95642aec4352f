"""The rate limit of one account: so many requests in any sliding second."""

from __future__ import annotations

import math
from collections import deque


class Limiter:
    """Admits at most `limit` requests in any window of `per` seconds; a refused request costs nothing."""

    def __init__(self, limit: int | None, per: float = 1.0) -> None:
        self.limit = limit
        self.per = per
        self._admitted: deque[float] = deque()

    def admit(self, now: float) -> float | None:
        """None if the request may pass, otherwise the seconds until one may."""
        if self.limit is None:
            return None
        while self._admitted and self._admitted[0] <= now - self.per:
            self._admitted.popleft()
        if len(self._admitted) < self.limit:
            self._admitted.append(now)
            return None
        return self._admitted[0] + self.per - now

    def headers(self) -> dict[str, str]:
        """The two headers that go with every answer."""
        if self.limit is None:
            return {}
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - len(self._admitted))),
        }


def retry_after(seconds: float) -> str:
    """Whole seconds, rounded up, as the server says it."""
    return str(max(1, math.ceil(seconds)))
