"""The account's calendar: its time zone by name, and how far clocks are from UTC, in rows that any database reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from ac_sms_async.collect.store.protocol import Statement, Store
from ac_sms_async.collect.store.storable import moment
from ac_sms_async.options import time_zone

__all__ = ["keep_calendar", "zone_name", "zone_of", "zones_of"]

_FIRST_YEAR = 2000
_AHEAD = 10
"""Years for which changes of clocks are kept. What comes later counts as the last of them."""
_RELEASED = 2026
"""No clock that is right says less."""
_LAST_YEAR = 9000


def zone_name(zone: tzinfo | None) -> str | None:
    """The name by which a zone is kept: `Europe/Berlin`, `-06:00`; None for one that has none."""
    name: object = getattr(zone, "key", None)
    if isinstance(name, str):
        return name
    if zone is UTC:
        return "UTC"
    if not isinstance(zone, timezone):
        return None
    offset = zone.utcoffset(None)
    sign = "-" if offset < timedelta(0) else "+"
    minutes, seconds = divmod(int(abs(offset).total_seconds()), 60)
    # PostgreSQL, SQLite and people know offsets in minutes.
    return None if seconds else f"{sign}{minutes // 60:02}:{minutes % 60:02}"


def zone_of(name: str | None) -> tzinfo:
    """The zone of such a name; UTC for None. Raises `ConfigurationError` for a name that means nothing here."""
    if name is None or name == "UTC":
        return UTC
    offset = re.fullmatch(r"([+-])([01]\d|2[0-3]):([0-5]\d)", name)
    if offset is None:
        return time_zone(name)
    ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
    return timezone(-ahead if offset[1] == "-" else ahead)


async def zones_of(store: Store, *, account: str | None = None, timezone: str | None = None) -> list[tzinfo]:
    """The zones of an account's calendar, or of all accounts in the store; the one of this name, where it is given.

    UTC where none is known. Raises `ConfigurationError` for a name that means nothing here.
    """
    if timezone is not None:
        return [zone_of(timezone)]
    rows = await store.read("SELECT account, timezone FROM accounts ORDER BY account")
    mine = [None if zone is None else str(zone) for name, zone in rows if account in (None, name)]
    return [zone_of(zone) for zone in mine] or [UTC]


async def keep_calendar(store: Store, zone: tzinfo | None, now: datetime) -> list[Statement]:
    """What has to be written for the store to know this zone: nothing, where it does already."""
    name = zone_name(zone)
    if zone is None or name is None:
        return []
    last_year = min(max(now.year, _RELEASED) + _AHEAD, _LAST_YEAR)
    right = _offsets(zone, last_year)
    until = f"{last_year + 1}"
    rows = await store.read("SELECT since, utc_offset FROM time_zones WHERE timezone = ?", (name,))
    # A machine whose clock is ahead may have kept more.
    there = {str(since): offset for since, offset in rows if str(since) < until}
    if there == right:
        return []
    # Rules change: governments do that, and a newer database of time zones knows.
    wrong = [(name, since) for since in there if since not in right]
    return [
        Statement("DELETE FROM time_zones WHERE timezone = ? AND since = ?", wrong),
        Statement(
            "INSERT INTO time_zones (timezone, since, utc_offset) VALUES (?, ?, ?) "
            "ON CONFLICT (timezone, since) DO UPDATE SET utc_offset = excluded.utc_offset",
            [(name, since, offset) for since, offset in right.items()],
        ),
    ]


@lru_cache(maxsize=64)
def _offsets(zone: tzinfo, last_year: int) -> Mapping[str, int]:
    """Seconds ahead of UTC, by the moment from which on they hold; the first row holds for all that was before, too."""

    def offset(at: datetime) -> int:
        ahead = at.astimezone(zone).utcoffset()
        return 0 if ahead is None else int(ahead.total_seconds())

    at, end = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    last = offset(at)
    found = {"0001-01-01T00:00:00Z": last}
    while at < end:
        following = at + timedelta(days=1)
        if offset(following) != last:
            low, high = at, following
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if offset(middle) == last else (low, middle)
            last = offset(high)
            found[moment(high)] = last
        at = following
    return found
