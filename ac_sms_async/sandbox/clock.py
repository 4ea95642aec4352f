"""The sandbox's time: real by default, faster, stopped, moved on, or the event loop's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

#: What "CST" of the document is taken to mean.
ACCOUNT_ZONE = ZoneInfo("America/Chicago")

# Years of four digits, with a century to spare.
_END = datetime(9900, 1, 1, tzinfo=UTC).timestamp()
_FASTEST = 10_000_000


class Clock:
    """
    Time as the sandbox sees it.

    `start` is what time it is at first (now, if left out), `speed` how fast it runs: 1 is real, 60 makes a minute
    of every second, 0 stops it, so that it moves by `advance()` only. `monotonic` is where real seconds come from:
    `anyio.current_time` for tests whose event loop has virtual time.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("start must be aware of its time zone")
        _check_speed(speed)
        self._epoch = time.time() if start is None else start.timestamp()
        self._start = self._epoch
        self._monotonic = monotonic
        self._since: float | None = None
        self._speed = speed
        self._advanced = 0.0

    def _elapsed_real(self) -> float:
        reading = self._monotonic()
        if self._since is None:
            # At first use, not in __init__: an event loop's time can be read only inside it.
            self._since = reading
        return reading - self._since

    def elapsed(self) -> float:
        """Seconds for the rate limit and the journal: real ones, and those advanced; `speed` does not touch them."""
        return self._elapsed_real() + self._advanced

    def now(self) -> float:
        """Epoch seconds of the sandbox's time."""
        return self._epoch + self._elapsed_real() * self._speed + self._advanced

    def datetime(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)

    def first_day(self) -> date:
        """The day, in the account's time zone, on which this clock began."""
        return datetime.fromtimestamp(self._start, ACCOUNT_ZONE).date()

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def advanced(self) -> float:
        """Seconds that it was moved on by."""
        return self._advanced

    def advance(self, seconds: float = 0.0, *, hours: float = 0.0, days: float = 0.0) -> None:
        """Move time on at once, by all of that together."""
        total = seconds + 3600 * hours + 86_400 * days
        if not total >= 0:
            raise ValueError("time does not run backwards")
        if self.now() + total > _END:
            raise ValueError("no calendar goes that far")
        self._advanced += total

    def set_speed(self, speed: float) -> None:
        """Run faster, slower or not at all from now on."""
        _check_speed(speed)
        elapsed = self._elapsed_real()
        self._epoch += elapsed * (self._speed - speed)
        self._speed = speed


def _check_speed(speed: float) -> None:
    if not 0 <= speed <= _FASTEST:
        raise ValueError(f"speed must be from 0 to {_FASTEST:,}: time does not run backwards")


@lru_cache(8192)
def local_stamp(second: int) -> str:
    """ "2026-01-05T13:45:10-06:00": what most fields look like."""
    return datetime.fromtimestamp(second, ACCOUNT_ZONE).isoformat()


@lru_cache(8192)
def naive_stamp(second: int) -> str:
    """ "2026-01-05 13:45:10": the account's wall clock without saying so, as recipients have it."""
    return datetime.fromtimestamp(second, ACCOUNT_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def utc_stamp(second: int) -> str:
    """ "2026-01-05T19:45:10+00:00": scheduled dates are in UTC."""
    return datetime.fromtimestamp(second, UTC).isoformat()
