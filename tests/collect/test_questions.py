"""The questions of docs/how-to/questions.md: each query answers what the account really was, on both databases."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import psycopg
import pytest
from attrs import frozen

from ac_sms_async import SMSClient
from ac_sms_async.collect import Window, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.source import ClientSource
from ac_sms_async.sandbox import Clock, Pace, Sandbox
from ac_sms_async.sandbox.fates import Counts
from ac_sms_async.sandbox.query import EVERY_DAY
from tests.collect.conftest import any_store

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs/how-to/questions.md"
CHICAGO = ZoneInfo("America/Chicago")
START = datetime(2026, 11, 2, 15, tzinfo=UTC)
HALF_A_WEEK = 3.5 * 86_400

Row = tuple[Any, ...]
Group = TypeVar("Group", bound=Hashable)


def queries(database: str) -> dict[str, str]:
    """The query below each heading."""
    found: dict[str, str] = {}
    for section in PAGE.read_text("utf-8").split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        blocks = re.findall(r'(?:^=== "(\w+)"\n\n)?^ *```sql\n(.*?)^ *```$', text, re.MULTILINE | re.DOTALL)
        [found[heading]] = [block for only, block in blocks if only in ("", database)]
    return found


@frozen
class Told:
    """A broadcast as the sandbox has it; `at` is when it was sent, on clocks in Chicago."""

    id: int
    name: str
    body: str
    at: datetime | None
    lists: list[int]
    failed: Counter[tuple[str, str]]
    counts: Counts

    @property
    def monday(self) -> date | None:
        return None if self.at is None else self.at.date() - timedelta(days=self.at.weekday())

    @property
    def month(self) -> str | None:
        return None if self.at is None else f"{self.at:%Y-%m}"


class Truth:
    """The account, and what each run could see of it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._account = sandbox.state.first
        self.lists: dict[int, str] = {each.id: each.name for each in self._account.lists.values()}
        self.runs: list[tuple[float, dict[str, Any], list[Told]]] = []

    def look(self) -> None:
        """Remember how it is now."""
        now = self._account.now()
        self.runs.append((now, self._account.credits(), [*self._told(now)]))

    @property
    def told(self) -> list[Told]:
        return self.runs[-1][2]

    def _told(self, now: float) -> Iterable[Told]:
        for each in self._account.live():
            sent, failed = each.sent_at(now), Counter(self._account.failures(each, now, EVERY_DAY))
            at = None if sent is None else datetime.fromtimestamp(sent, CHICAGO)
            counts = self._account.counts(each, now)
            yield Told(each.id, each.name, each.body, at, each.list_ids, +failed, counts)


def by(key: Callable[[Told], Group | None], told: Iterable[Told]) -> dict[Group, list[Told]]:
    groups: dict[Group, list[Told]] = {}
    for each in told:
        group = key(each)
        if group is not None:
            groups.setdefault(group, []).append(each)
    return groups


def total(told: Iterable[Told], name: str) -> int:
    return sum(int(getattr(each.counts, name)) for each in told)


def rate(told: Iterable[Told], part: str, whole: str = "deliveries") -> float:
    told = list(told)
    return total(told, part) / total(told, whole)


def best_clicked(truth: Truth) -> list[Row]:
    enough = [each for each in truth.told if each.counts.deliveries >= 100]
    enough.sort(key=lambda each: (-rate([each], "clicks"), each.id))
    return [(each.name, day(each), each.counts.deliveries, rate([each], "clicks")) for each in enough[:10]]


def day(each: Told) -> str | None:
    return None if each.at is None else f"{each.at:%Y-%m-%d}"


def opt_outs_by_month(truth: Truth) -> list[Row]:
    months = sorted(by(lambda each: each.month, truth.told).items())
    rates = [rate(told, "opt_outs") for _, told in months]
    changes = [None, *(after - before for before, after in pairwise(rates))]
    return [
        (month, total(told, "deliveries"), total(told, "opt_outs"), now, change)
        for (month, told), now, change in zip(months, rates, changes, strict=True)
    ]


def codes(truth: Truth) -> list[Row]:
    failed: Counter[tuple[str, str]] = Counter()
    broadcasts: Counter[tuple[str, str]] = Counter()
    for each in truth.told:
        failed.update(each.failed)
        broadcasts.update(each.failed.keys())
    every = failed.total()
    return [
        (*code, broadcasts[code], count, count / every)
        for code, count in sorted(failed.items(), key=lambda item: (-item[1], item[0]))
    ]


def most_answered(truth: Truth) -> list[Row]:
    answered = [each for each in truth.told if each.counts.replies]
    answered.sort(key=lambda each: (-each.counts.replies, each.id))
    return [
        (each.name, day(each), each.counts.deliveries, each.counts.replies, rate([each], "replies"))
        for each in answered[:10]
    ]


def worst_delivered(truth: Truth) -> list[Row]:
    enough = [each for each in truth.told if each.counts.sends >= 100]
    enough.sort(key=lambda each: (rate([each], "deliveries", "sends"), each.id))
    return [
        (each.name, day(each), each.counts.sends, each.counts.failures, rate([each], "deliveries", "sends"))
        for each in enough[:10]
    ]


def delivered(truth: Truth) -> list[Told]:
    return [each for each in truth.told if each.counts.deliveries]


def lengths(truth: Truth) -> list[Row]:
    def kind(each: Told) -> tuple[str, str]:
        size = len(each.body)
        return (
            "yes" if "://" in each.body else "no",
            "up to 70" if size <= 70 else "71 to 160" if size <= 160 else "over 160",
        )

    groups = by(kind, delivered(truth))
    assert len(groups) == 6
    return [(*group, len(told), rate(told, "clicks"), rate(told, "opt_outs")) for group, told in sorted(groups.items())]


def codes_by_month(truth: Truth) -> list[Row]:
    found: Counter[tuple[str, str]] = Counter()
    for each in truth.told:
        if each.month is not None:
            for (code, _), count in each.failed.items():
                found[each.month, code] += count
    ordered = sorted(found.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return [(*group, count) for group, count in ordered]


def credits_left(truth: Truth) -> list[Row]:
    (first, before, _), (last, after, _) = truth.runs[0], truth.runs[-1]
    days, spent = (last - first) / 86_400, after["usedThisPeriod"] - before["usedThisPeriod"]
    assert spent > 0
    refill = datetime.fromisoformat(after["nextRefillDate"]).replace(tzinfo=CHICAGO).astimezone(UTC)
    left = after["available"]
    return [("acme", left, f"{refill:%Y-%m-%dT%H:%M:%SZ}", spent, days, left * days / spent)]


def hours(truth: Truth) -> list[Row]:
    def hour(each: Told) -> tuple[int, int] | None:
        return None if each.at is None else (each.at.isoweekday(), each.at.hour)

    groups = by(hour, delivered(truth))
    return [
        (*group, len(told), total(told, "deliveries"), rate(told, "clicks")) for group, told in sorted(groups.items())
    ]


def best_list(truth: Truth) -> list[Row]:
    found = [(number, [each for each in delivered(truth) if number in each.lists]) for number in truth.lists]
    ordered = sorted(
        ((number, told) for number, told in found if told), key=lambda one: (-rate(one[1], "clicks"), one[0])
    )
    return [
        (truth.lists[number], len(told), total(told, "deliveries"), rate(told, "clicks"), rate(told, "opt_outs"))
        for number, told in ordered
    ]


def weeks(truth: Truth) -> list[Row]:
    groups = by(lambda each: each.monday, truth.told)
    found: list[Row] = []
    for monday, told in sorted(groups.items(), reverse=True):
        before = groups.get(monday - timedelta(days=7))
        sends_before = None if before is None else total(before, "sends")
        changes = [None if before is None else rate(told, part) - rate(before, part) for part in ("clicks", "opt_outs")]
        found.append((f"{monday}", total(told, "sends"), sends_before, rate(told, "clicks"), *changes))
    return found[:8]


def course(truth: Truth) -> list[Row]:
    rows: list[Row] = []
    for number in sorted({each.id for _, _, told in truth.runs for each in told}):
        last: Counts | None = None
        for at, _, told in truth.runs:
            counts = next((each.counts for each in told if each.id == number), last)
            if counts is not None and counts != last:
                more = None if last is None else counts.clicks - last.clicks
                rows.append((number, f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}", counts.clicks, more))
                last = counts
    return rows


ANSWERS: dict[str, Callable[[Truth], list[Row]]] = {
    "Which broadcasts had the best click rate?": best_clicked,
    "Do more people opt out than before?": opt_outs_by_month,
    "Which failure codes cost the most messages?": codes,
    "Which broadcasts were answered?": most_answered,
    "Which were delivered worst?": worst_delivered,
    "Are longer texts clicked more?": lengths,
    "Which codes came up in which month?": codes_by_month,
    "How long do the credits last?": credits_left,
    "On which weekday, at which hour do people click?": hours,
    "Which list is the best?": best_list,
    "What changed from week to week?": weeks,
    "How did the clicks come in?": course,
}


def plain(value: Any) -> Any:
    """As SQLite gives it."""
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        case date():
            return value.isoformat()
        case _:
            return value


def ask(target: str) -> dict[str, list[Row]]:
    """What the queries say to who has nothing but the database."""
    if target.startswith("postgresql"):
        with psycopg.connect(target, options="-c search_path=ac_sms") as connection:
            return {
                heading: [tuple(map(plain, row)) for row in connection.execute(query.encode()).fetchall()]
                for heading, query in queries("PostgreSQL").items()
            }
    with closing(sqlite3.connect(target)) as database:
        return {heading: database.execute(query).fetchall() for heading, query in queries("SQLite").items()}


async def a_week(target: str) -> Truth:
    """Collect an account four times in a week in which something is sent, into a store of its own."""
    # So slow that one of the two that are sent is still being sent at the end.
    pace = Pace(sending=3 * 86_400)
    sandbox = Sandbox(
        seed=7,
        broadcasts=90,
        recipients=600,
        rate_limit=None,
        clock=Clock(START, speed=0),
        pace=pace,
        extra_credits=90_000,
    )
    truth = Truth(sandbox)
    link = "Look: https://example.com/go "
    ours: list[tuple[str, str, dict[str, Any]]] = [
        ("Three of three", link, {"sends": 3, "clicks": 3, "opt_outs": 0}),
        ("Nobody got it", link, {"sends": 200, "failures": {"30003": 150, "30005": 50}}),
        ("Long", link + "x" * 200, {"sends": 500, "clicks": 90, "list_ids": [2, 3]}),
        ("Longer", "x" * 300, {"sends": 400}),
        ("Middling", link + "x" * 60, {"sends": 450}),
    ]
    for name, body, given in ours:
        # On Sunday evening in Chicago, when it is Monday in UTC.
        sandbox.add_broadcast(name, body=body, sent=datetime(2026, 11, 2, 2, tzinfo=UTC), **given)

    async def look(sms: SMSClient) -> None:
        truth.look()
        async with open_store(target) as store:
            result = await collect_source(
                ClientSource(sms), store, Window(), frozenset({"failures"}), now=sandbox.clock.datetime
            )
        assert result.status == "complete", result

    async with sandbox, SMSClient(sandbox.url, sandbox.token, account="acme", rate_limit=None) as sms:
        await look(sms)
        for text in ("Early", "Late"):
            draft = await sms.broadcasts.create(name=text, body=f"{text}! {link}", list_ids=[1])
            await sms.broadcasts.send(draft.id)
            for _ in range(2 if text == "Early" else 1):
                sandbox.clock.advance(HALF_A_WEEK if text == "Early" else 86_400)
                await look(sms)
    assert {each.at is None for each in truth.told} == {True, False}
    return truth


@any_store
async def test_each_question_is_answered(target: str) -> None:
    truth = await a_week(target)
    answers = ask(target)
    assert answers.keys() == ANSWERS.keys()
    for heading, expected in ANSWERS.items():
        rows = expected(truth)
        assert rows, heading
        assert answers[heading] == [pytest.approx(row) for row in rows], heading
