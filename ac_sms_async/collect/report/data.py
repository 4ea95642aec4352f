"""What the report shows, read from a store: totals, periods, the best and the worst, failures, credits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, Self

from attrs import field, frozen

from ac_sms_async.collect.failure_codes import FailureMeaning, failure_meaning
from ac_sms_async.collect.store.protocol import Store, StoreError, Value

__all__ = ["BroadcastLine", "Counts", "CreditsLine", "FailureLine", "Grain", "Period", "ReportData", "load_report"]

Grain = Literal["day", "week", "month"]

_RANKED = 8
_ENOUGH = 100
"""Below this many messages a rate says little."""
_LAST_CREDITS = 400

_FIRST_DAY = date(2000, 1, 1)
MOST_PERIODS = 36
"""More don't fit a page; the totals hold all."""


@frozen
class Counts:
    """Counts of messages, and the rates they make (None where nothing was sent or delivered)."""

    broadcasts: int = 0
    sends: int = 0
    deliveries: int = 0
    failures: int = 0
    clicks: int = 0
    replies: int = 0
    opt_outs: int = 0
    known: tuple[tuple[int, int], ...] = field(default=(), eq=False, repr=False)
    """For each rate its part and its whole, of the broadcasts where the server said both; empty: of all."""

    @classmethod
    def of(cls, broadcasts: int, counts: Sequence[Value]) -> Self:
        """Counts from a row; what the server didn't say counts as 0."""
        sent, delivered, failed, clicks, replies, opt_outs = (int(count or 0) for count in counts)
        return cls(broadcasts, sent, delivered, failed, clicks, replies, opt_outs)

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.broadcasts + other.broadcasts,
            self.sends + other.sends,
            self.deliveries + other.deliveries,
            self.failures + other.failures,
            self.clicks + other.clicks,
            self.replies + other.replies,
            self.opt_outs + other.opt_outs,
            tuple((a + c, b + d) for (a, b), (c, d) in zip(self._pairs, other._pairs, strict=True)),
        )

    @property
    def _pairs(self) -> tuple[tuple[int, int], ...]:
        parts = (self.clicks, self.replies, self.opt_outs)
        of_all = ((self.deliveries, self.sends), (self.failures, self.sends), *((n, self.deliveries) for n in parts))
        return self.known or of_all

    def _rate(self, place: int) -> float | None:
        part, whole = self._pairs[place]
        return part / whole if whole else None

    @property
    def delivery_rate(self) -> float | None:
        """Delivered of sent."""
        return self._rate(0)

    @property
    def failure_rate(self) -> float | None:
        """Failed of sent."""
        return self._rate(1)

    @property
    def click_rate(self) -> float | None:
        """Clicks for each message delivered."""
        return self._rate(2)

    @property
    def reply_rate(self) -> float | None:
        """Replies for each message delivered."""
        return self._rate(3)

    @property
    def opt_out_rate(self) -> float | None:
        """Opt-outs for each message delivered."""
        return self._rate(4)


_RATED = ((1, 0), (2, 0), (3, 1), (4, 1), (5, 1))
"""Part and whole of each rate, as places in a row of counts."""


class _Sum:
    """Counts being added up, row by row: there may be a hundred thousand."""

    def __init__(self) -> None:
        self._rows = 0
        self._counts = [0] * 6
        self._parts = [0] * len(_RATED)
        self._wholes = [0] * len(_RATED)

    def add(self, row: Sequence[int | None]) -> None:
        """Add a row; what the server didn't say adds nothing, and makes no rate smaller."""
        self._rows += 1
        for place, count in enumerate(row):
            if count:
                self._counts[place] += count
        for place, (of, in_all) in enumerate(_RATED):
            part, whole = row[of], row[in_all]
            if part is not None and whole is not None:
                self._parts[place] += part
                self._wholes[place] += whole

    def counts(self) -> Counts:
        """What they come to."""
        sends, deliveries, failures, clicks, replies, opt_outs = self._counts
        known = tuple(zip(self._parts, self._wholes, strict=True))
        return Counts(self._rows, sends, deliveries, failures, clicks, replies, opt_outs, known)


@frozen
class Period:
    """A day, week (from Monday) or month, and what was sent in it."""

    start: date
    counts: Counts


@frozen
class BroadcastLine:
    """A broadcast in a ranking."""

    account: str
    name: str
    body: str
    sent: date | None
    counts: Counts


@frozen
class FailureLine:
    """An error code, how often it came, and what it means."""

    code: str
    source: str
    broadcasts: int
    count: int
    meaning: FailureMeaning


@frozen
class CreditsLine:
    """An account's credits at a moment."""

    account: str
    at: datetime
    available: int | None
    used: int | None
    included: int | None
    extra: int | None
    refill: date | None


@frozen(kw_only=True)
class ReportData:
    """Everything on the page."""

    accounts: list[str]
    made_at: datetime
    collected_at: datetime | None
    totals: Counts
    by_account: list[tuple[str, Counts]]
    first: date | None
    """The day of the first broadcast sent, and of the last."""
    last: date | None
    grain: Grain
    periods: list[Period]
    enough: int
    """Rankings take broadcasts with at least this many messages."""
    ranked_by: Literal["click", "reply"]
    best: list[BroadcastLine] = field(factory=list[BroadcastLine])
    worst: list[BroadcastLine] = field(factory=list[BroadcastLine])
    most_opt_outs: list[BroadcastLine] = field(factory=list[BroadcastLine])
    failures: list[FailureLine] = field(factory=list[FailureLine])
    failed_in_groups: int = 0
    credits: list[CreditsLine] = field(factory=list[CreditsLine])
    """Oldest first."""
    owed: list[tuple[str, int]] = field(factory=list[tuple[str, int]])
    """What could not be fetched: kind and number."""


async def load_report(store: Store, *, account: str | None = None, now: datetime | None = None) -> ReportData:
    """Read the report of one account, or of all in the store. Raises `StoreError`, also for an unknown account."""
    known = [str(row[0]) for row in await store.read("SELECT account FROM accounts ORDER BY account")]
    if account is not None and account not in known:
        raise StoreError(f"the store has no account {account!r}; it has {', '.join(known) or 'none yet'}")
    return await _Reader(store, known if account is None else [account]).read(now or datetime.now(UTC))


class _Reader:
    def __init__(self, store: Store, accounts: list[str]) -> None:
        self._store = store
        self._accounts = accounts
        self._last_day = date.max
        self._mine = f"account IN ({', '.join('?' * len(accounts))})" if accounts else "1 = 0"

    async def read(self, now: datetime) -> ReportData:
        self._last_day = now.date() + timedelta(days=1)
        days, by_account = await self._days()
        grain = grain_of(days)
        totals = Counts()
        for _, counts in by_account:
            totals = totals.plus(counts)
        ranked_by: Literal["click", "reply"] = "click" if totals.clicks else "reply"
        enough = await self._enough()
        rate = f"{ranked_by}_rate"
        failures = await self._failures()
        return ReportData(
            accounts=self._accounts,
            made_at=now,
            collected_at=await self._collected_at(),
            totals=totals,
            by_account=by_account,
            first=min(days, default=None),
            last=max(days, default=None),
            grain=grain,
            periods=periods_of(days, grain),
            enough=enough,
            ranked_by=ranked_by,
            best=await self._ranked(f"{rate} > 0", f"{rate} DESC", enough),
            worst=await self._ranked(_COULD_HAVE_DONE[ranked_by], f"{rate} ASC", enough),
            most_opt_outs=await self._ranked("opt_outs > 0", "opt_out_rate DESC", enough),
            failures=failures,
            failed_in_groups=sum(line.count for line in failures),
            credits=await self._credits(),
            owed=await self._owed(),
        )

    async def _all(self, sql: str, *values: Value) -> list[Any]:
        rows: list[Any] = await self._store.read(sql.replace("MINE", self._mine), (*self._accounts, *values))
        return rows

    async def _days(self) -> tuple[dict[date, Counts], list[tuple[str, Counts]]]:
        """What was sent on each day, and by each account; broadcasts without a date count for the account alone."""
        days: dict[date, _Sum] = {}
        accounts = {name: _Sum() for name in self._accounts}
        sql = (
            "SELECT account, sent_date, sends, deliveries, failures, clicks, replies, opt_outs FROM broadcast_rates "
            f"WHERE {self._mine} AND sends > 0"
        )
        async with self._store.stream(sql, tuple(self._accounts)) as chunks:
            async for chunk in chunks:
                rows: list[Any] = chunk
                for name, sent, *row in rows:
                    accounts[name].add(row)
                    day = _day(sent)
                    # A server's slip such as the year 1 would stretch the picture until nothing can be seen.
                    if day is not None and _FIRST_DAY <= day <= self._last_day:
                        days.setdefault(day, _Sum()).add(row)
        return (
            {day: total.counts() for day, total in days.items()},
            [(name, total.counts()) for name, total in accounts.items()],
        )

    async def _collected_at(self) -> datetime | None:
        [(at,)] = await self._all("SELECT MAX(collected_at) FROM broadcasts WHERE MINE")
        return datetime.fromisoformat(at) if at is not None else None

    async def _enough(self) -> int:
        [(large,)] = await self._all("SELECT COUNT(*) FROM broadcast_rates WHERE MINE AND sends >= ?", _ENOUGH)
        return _ENOUGH if large >= 2 * _RANKED else 1

    async def _ranked(self, condition: str, order: str, enough: int) -> list[BroadcastLine]:
        rows = await self._all(
            "SELECT account, name, body, sent_date, sends, deliveries, failures, clicks, replies, opt_outs FROM ("
            "SELECT r.*, b.body FROM broadcast_rates r "
            "JOIN broadcasts b ON b.account = r.account AND b.broadcast_id = r.broadcast_id) AS ranked "
            f"WHERE MINE AND sends >= ? AND deliveries > 0 AND {condition} "
            f"ORDER BY {order}, sends DESC, broadcast_id LIMIT {_RANKED}",
            enough,
        )
        return [
            BroadcastLine(account, name or "(no name)", body or "", _day(sent), Counts.of(1, counts))
            for account, name, body, sent, *counts in rows
        ]

    async def _failures(self) -> list[FailureLine]:
        rows = await self._all("SELECT error_code, error_source, broadcasts, count FROM failure_totals WHERE MINE")
        # Added up here, where no sum is too large.
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for code, source, broadcasts, count in rows:
            of, messages = found.get((code, source), (0, 0))
            found[code, source] = (of + broadcasts, messages + count)
        lines = [FailureLine(*key, *numbers, failure_meaning(*key)) for key, numbers in found.items()]
        return sorted(lines, key=lambda line: (-line.count, line.code, line.source))

    async def _credits(self) -> list[CreditsLine]:
        rows = await self._all(
            # The last of each account in any case; the course of them where that isn't too much.
            "SELECT account, collected_at, available, used_this_period, included_this_period, extra_credits, "
            "next_refill_date FROM (SELECT seen.*, ROW_NUMBER() OVER (PARTITION BY account ORDER BY sitting DESC, "
            "collected_at DESC, run_id DESC) AS place FROM (SELECT c.*, COALESCE((SELECT r.sitting FROM runs r "
            "WHERE r.run_id = c.run_id), 0) AS sitting FROM credits c WHERE MINE) AS seen) AS ranked WHERE place <= ? "
            "ORDER BY place, account",
            max(1, _LAST_CREDITS // max(1, len(self._accounts))),
        )
        return [
            CreditsLine(account, datetime.fromisoformat(at), available, used, included, extra, _day(refill))
            for account, at, available, used, included, extra, refill in reversed(rows)
        ]

    async def _owed(self) -> list[tuple[str, int]]:
        rows = await self._all("SELECT kind, COUNT(*) FROM failed_ids WHERE MINE GROUP BY kind ORDER BY kind")
        return [(kind, count) for kind, count in rows]


_COULD_HAVE_DONE = {
    # Without a link there is nothing to click on.
    "click": "(clicks > 0 OR body LIKE '%http%')",
    "reply": "1 = 1",
}


def grain_of(days: dict[date, Counts]) -> Grain:
    """Periods short enough to show a course, long enough to be few."""
    span = (max(days) - min(days)).days if days else 0
    if span <= 31:
        return "day"
    return "week" if span <= 210 else "month"


def periods_of(days: dict[date, Counts], grain: Grain) -> list[Period]:
    """The days put together, without gaps, oldest first."""
    if not days:
        return []
    found: dict[date, Counts] = {}
    for day, counts in days.items():
        start = _start_of(day, grain)
        found[start] = found.get(start, Counts()).plus(counts)
    periods: list[Period] = []
    start, first = max(found), min(found)
    while start >= first and len(periods) < MOST_PERIODS:
        periods.append(Period(start, found.get(start, Counts())))
        start = _start_of(start - timedelta(days=1), grain)
    return periods[::-1]


def _start_of(day: date, grain: Grain) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def _day(value: Value) -> date | None:
    return datetime.fromisoformat(str(value)).date() if value is not None else None
