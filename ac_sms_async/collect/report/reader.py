"""Reading a report from a store: the broadcasts of a year or so, once, and what is kept beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Literal

from ac_sms_async.collect.calendar import zone_name, zone_of
from ac_sms_async.collect.failure_codes import failure_meaning
from ac_sms_async.collect.report import findings
from ac_sms_async.collect.report.counts import RATES, RateName, Row, Sum, pair
from ac_sms_async.collect.report.data import BroadcastLine, CreditsLine, Debt, FailureLine, ReplyLine, ReportData
from ac_sms_async.collect.report.periods import course_of, periods_of
from ac_sms_async.collect.report.span import Last, Span, chosen
from ac_sms_async.collect.report.spending import Reading, credits_line
from ac_sms_async.collect.report.statistics import change_is_real
from ac_sms_async.collect.store.protocol import Store, StoreError, Value
from ac_sms_async.collect.store.storable import moment
from ac_sms_async.segments import has_link

__all__ = ["load_report"]

_SHOWN = 50
_LAST_CREDITS = 400
_REPLIES = 50
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_USUAL_OVER = timedelta(days=365)
"""What is usual is measured over this time before the span."""


async def load_report(
    store: Store,
    *,
    account: str | None = None,
    last: Last | None = None,
    since: date | None = None,
    until: date | None = None,
    timezone: str | None = None,
    replies: bool = False,
    now: datetime | None = None,
) -> ReportData:
    """Read the report of one account, or of all in the store, over a period and the one before it.

    The period is the `last` full week, month or quarter, or the days from `since` to `until` (today, if left out); the
    last full month, if nothing is said. Days are those of each account's calendar, or of `timezone` where it is given.
    `replies=True` also reads what people replied. Raises `StoreError`, also for an unknown account, and
    `ConfigurationError` for days and zones that can't be.
    """
    rows = await store.read("SELECT account, timezone FROM accounts ORDER BY account")
    zones = {str(name): None if zone is None else str(zone) for name, zone in rows}
    if account is not None and account not in zones:
        raise StoreError(f"the store has no account {account!r}; it has {', '.join(zones) or 'none yet'}")
    mine = zones if account is None else {account: zones[account]}
    if timezone is not None:
        mine = dict.fromkeys(mine, timezone)
    calendar = {name: zone_of(zone) for name, zone in mine.items()}
    given = zone_of(timezone) if timezone is not None else None
    common = given or (next(iter(calendar.values())) if len(set(mine.values())) == 1 else UTC)
    now = now or datetime.now(UTC)
    span = chosen(last, since, until, now.astimezone(common).date())
    zone = zone_name(common) if len(set(mine.values())) <= 1 else None
    reader = _Reader(store, calendar, common, span, now)
    return await reader.read(zone or "each account's own time zone", replies=replies)


class _Reader:
    def __init__(self, store: Store, calendar: dict[str, tzinfo], common: tzinfo, span: Span, now: datetime) -> None:
        self._store = store
        self._calendar = calendar
        self._common = common
        self._span = span
        self._now = now
        # To PostgreSQL an empty list is a syntax error.
        self._mine = f"account IN ({', '.join('?' * len(calendar)) or 'NULL'})"

    async def read(self, zone: str, *, replies: bool) -> ReportData:
        span, before = self._span, self._span.before
        grain, course_start = course_of(span)
        usual_start = span.start - _USUAL_OVER
        collected = await self._collected_at()
        today = self._now.astimezone(self._common).date()
        collected_at = max(collected.values(), default=None)
        # The day of the collection itself is not over.
        reached = min(today, collected_at.astimezone(self._common).date()) if collected_at is not None else today
        course_end = span.end if span.kind == "days" else max(today, span.end)
        first = min(before.start, course_start, usual_start)

        days: dict[tuple[str, date], Sum] = {}
        lines: list[BroadcastLine] = []
        earlier: list[BroadcastLine] = []
        earlier_pairs: list[Row] = []
        async for line in self._broadcasts(first, max(course_end, span.end)):
            day = line.at.date()
            total = days.get((line.account, day))
            if total is None:
                total = days[line.account, day] = Sum()
            total.add(line.row)
            if day in span:
                lines.append(line)
            elif usual_start <= day < span.start:
                earlier.append(line)
            if day in before:
                earlier_pairs.append(line.row)

        usual = findings.usual_of(earlier)
        unusual, compared = findings.unusual_among(lines, usual)
        totals = self._total(days, span)
        ranked_by: Literal["click", "reply"] = "click" if totals[1].counts().clicks else "reply"
        best, worst = findings.best_and_worst(lines, ranked_by)
        every_day: dict[date, Sum] = {}
        for (_, day), total in days.items():
            every_day.setdefault(day, Sum()).merge(total)
        return ReportData(
            accounts=list(self._calendar),
            zone=zone,
            made_at=self._now.astimezone(self._common),
            collected_at=None if collected_at is None else collected_at.astimezone(self._common),
            span=span,
            before=before,
            totals=totals[1].counts(),
            totals_before=self._total(days, before)[1].counts(),
            real_changes={name: _changed(name, [line.row for line in lines], earlier_pairs) for name in RATES},
            by_account=[
                (name, total.counts(), self._total(days, before)[0][name].counts()) for name, total in totals[0].items()
            ],
            unknown=sum(None in line.row for line in lines),
            undated=await self._undated(),
            grain=grain,
            periods=periods_of(every_day, grain, start=course_start, end=course_end, reached=reached),
            sent=lines[:_SHOWN],
            usual=usual,
            unusual=unusual,
            compared=compared,
            ranked_by=ranked_by,
            best=best,
            worst=worst,
            most_opt_outs=findings.most(lines, "opt_out"),
            most_failures=findings.most(lines, "failure"),
            lists=findings.by_list(lines, await self._list_names()),
            lengths=findings.by_length(lines),
            hours=findings.by_hour([*earlier, *lines], ranked_by),
            hours_since=usual_start,
            failures=await self._failures(),
            credits=await self._credits(),
            debts=await self._debts(collected),
            replies=await self._replies() if replies else None,
        )

    async def _all(self, sql: str, *values: Value) -> list[Any]:
        rows: list[Any] = await self._store.read(sql.replace("MINE", self._mine), (*self._calendar, *values))
        return rows

    def _total(self, days: dict[tuple[str, date], Sum], span: Span) -> tuple[dict[str, Sum], Sum]:
        """What was sent in a span, by account and in all."""
        accounts = {name: Sum() for name in self._calendar}
        whole = Sum()
        for (name, day), total in days.items():
            if day in span:
                accounts[name].merge(total)
                whole.merge(total)
        return accounts, whole

    async def _broadcasts(self, first: date, last: date) -> AsyncIterator[BroadcastLine]:
        """What was sent from the first day to the last, newest first."""
        # A day more on each side: whose day it is, each account's clocks say.
        values = (*self._calendar, _utc(first - timedelta(days=1)), _utc(last + timedelta(days=2)))
        sql = (
            "SELECT b.account, b.broadcast_id, b.name, b.body, b.list_ids, b.sent_date, "
            "m.sends, m.deliveries, m.failures, m.clicks, m.replies, m.opt_outs FROM broadcasts b "
            "LEFT JOIN metrics m ON m.account = b.account AND m.broadcast_id = b.broadcast_id "
            f"WHERE b.{self._mine} AND b.deleted_at IS NULL AND b.sent_date >= ? AND b.sent_date < ? "
            "AND (m.sends > 0 OR (m.sends IS NULL AND b.status IN ('sent', 'sending'))) "
            "ORDER BY b.sent_date DESC, b.broadcast_id DESC"
        )
        async with self._store.stream(sql, values) as chunks:
            async for chunk in chunks:
                rows: list[Any] = chunk
                for account, broadcast_id, name, body, list_ids, sent, *row in rows:
                    at = datetime.fromisoformat(sent).astimezone(self._calendar[account])
                    if first <= at.date() <= last:
                        yield BroadcastLine(
                            account,
                            broadcast_id,
                            name or "",
                            body or "",
                            at,
                            tuple(row),
                            has_link(body or ""),
                            list_ids,
                        )

    async def _undated(self) -> int:
        [(count,)] = await self._all(
            "SELECT COUNT(*) FROM broadcasts b JOIN metrics m ON m.account = b.account "
            "AND m.broadcast_id = b.broadcast_id WHERE b.MINE AND b.deleted_at IS NULL AND b.sent_date IS NULL "
            "AND m.sends > 0"
        )
        return int(count)

    async def _collected_at(self) -> dict[str, datetime]:
        rows = await self._all("SELECT account, MAX(collected_at) FROM broadcasts WHERE MINE GROUP BY account")
        return {name: datetime.fromisoformat(at) for name, at in rows}

    async def _list_names(self) -> dict[tuple[str, int], str]:
        rows = await self._all("SELECT account, list_id, name FROM lists WHERE MINE AND name IS NOT NULL")
        return {(account, list_id): name for account, list_id, name in rows}

    async def _failures(self) -> list[FailureLine]:
        # Added up here, where no sum is too large.
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for account, zone in self._calendar.items():
            rows: list[Any] = await self._store.read(
                "SELECT f.error_code, f.error_source, f.count, COUNT(*) FROM failure_groups f JOIN broadcasts b "
                "ON b.account = f.account AND b.broadcast_id = f.broadcast_id WHERE f.account = ? "
                "AND b.deleted_at IS NULL AND b.sent_date >= ? AND b.sent_date < ? "
                "GROUP BY f.error_code, f.error_source, f.count",
                (account, _utc(self._span.start, zone), _utc(self._span.end + timedelta(days=1), zone)),
            )
            for code, source, count, broadcasts in rows:
                of, messages = found.get((code, source), (0, 0))
                found[code, source] = (of + broadcasts, messages + count * broadcasts)
        lines = [FailureLine(*key, *numbers, failure_meaning(*key)) for key, numbers in found.items()]
        return sorted(lines, key=lambda line: (-line.count, line.code, line.source))

    async def _credits(self) -> list[CreditsLine]:
        rows = await self._all(
            # The last of each account in any case; the course of them where that isn't too much.
            "SELECT account, collected_at, available, used_this_period, included_this_period, extra_credits, "
            "next_refill_date FROM (SELECT seen.*, ROW_NUMBER() OVER (PARTITION BY account ORDER BY sitting DESC, "
            "collected_at DESC, run_id DESC) AS place FROM (SELECT c.*, COALESCE((SELECT r.sitting FROM runs r "
            "WHERE r.run_id = c.run_id), 0) AS sitting FROM credits c WHERE MINE) AS seen) AS ranked WHERE place <= ? "
            "ORDER BY place DESC, account",
            max(40, _LAST_CREDITS // max(1, len(self._calendar))),
        )
        readings: dict[str, list[Reading]] = {}
        for account, at, available, used, included, extra, refill in rows:
            when = None if refill is None else datetime.fromisoformat(refill)
            reading = Reading(datetime.fromisoformat(at), available, used, included, extra, when)
            readings.setdefault(account, []).append(reading)
        return [
            credits_line(account, readings[account], self._span, self._calendar[account])
            for account in sorted(readings)
        ]

    async def _debts(self, collected: dict[str, datetime]) -> list[Debt]:
        owed: dict[str, list[tuple[str, int]]] = {}
        given_up: dict[str, int] = {}
        for account, kind, gone, count in await self._all(
            "SELECT account, kind, CASE WHEN given_up_at IS NULL THEN 0 ELSE 1 END, COUNT(*) FROM failed_ids "
            "WHERE MINE GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ):
            if gone:
                given_up[account] = given_up.get(account, 0) + count
            else:
                owed.setdefault(account, []).append((kind, count))
        runs = dict(await self._all("SELECT account, status FROM latest WHERE MINE AND status <> 'complete'"))
        found: list[Debt] = []
        for account, zone in self._calendar.items():
            at = collected.get(account)
            day = None if at is None else at.astimezone(zone).date()
            # What is collected on a day doesn't tell of the rest of it.
            needed = min(self._span.end + timedelta(days=1), self._now.astimezone(zone).date())
            debt = Debt(
                account,
                tuple(owed.get(account, ())),
                given_up.get(account, 0),
                runs.get(account),
                day if day is not None and day < needed else None,
            )
            if debt != Debt(account):
                found.append(debt)
        return found

    async def _replies(self) -> list[ReplyLine]:
        lines: list[ReplyLine] = []
        for account, zone in self._calendar.items():
            rows: list[Any] = await self._store.read(
                "SELECT b.name, r.date, r.message FROM replies r JOIN broadcasts b ON b.account = r.account "
                "AND b.broadcast_id = r.broadcast_id WHERE r.account = ? AND r.message IS NOT NULL "
                "AND b.sent_date >= ? AND b.sent_date < ? "
                # To PostgreSQL what has no date is the newest.
                "ORDER BY CASE WHEN r.date IS NULL THEN 1 ELSE 0 END, r.date DESC, "
                "r.broadcast_id DESC, r.contact_id, r.position DESC "
                f"LIMIT {_REPLIES}",
                (account, _utc(self._span.start, zone), _utc(self._span.end + timedelta(days=1), zone)),
            )
            for name, at, message in rows:
                when = None if at is None else datetime.fromisoformat(at).astimezone(zone)
                lines.append(ReplyLine(name or "", when, message))
        lines.sort(key=lambda line: line.at or _LONG_AGO, reverse=True)
        return lines[:_REPLIES]


def _changed(name: RateName, now: Sequence[Row], before: Sequence[Row]) -> bool | None:
    sides = [[found for row in rows if (found := pair(row, name)) is not None] for rows in (now, before)]
    return change_is_real(*sides)


def _utc(day: date, zone: tzinfo = UTC) -> str:
    """When a day begins, as the store keeps it."""
    return moment(datetime.combine(day, time(), zone))
