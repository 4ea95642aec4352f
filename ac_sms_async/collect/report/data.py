"""What the report shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from attrs import field, frozen

from ac_sms_async.collect.failure_codes import FailureMeaning
from ac_sms_async.collect.report.counts import Counts, RateName, Row
from ac_sms_async.collect.report.periods import Grain, Period
from ac_sms_async.collect.report.span import Span
from ac_sms_async.collect.report.statistics import Usual

__all__ = [
    "BroadcastLine",
    "CreditsLine",
    "Debt",
    "FailureLine",
    "HourLine",
    "LengthLine",
    "ListLine",
    "ReplyLine",
    "ReportData",
    "UnusualLine",
]


@frozen
class BroadcastLine:
    """A broadcast. Its time is on the account's clocks."""

    account: str
    broadcast_id: int
    name: str
    body: str
    at: datetime
    row: Row
    link: bool
    """Whether there is anything to click on."""
    list_ids: str | None = None

    @property
    def counts(self) -> Counts:
        """Its counts and rates."""
        return Counts.of([self.row])


@frozen
class UnusualLine:
    """A broadcast whose rate is far from what is usual for its account."""

    broadcast: BroadcastLine
    rate: RateName
    value: float
    usual: float
    score: float


@frozen
class ListLine:
    """A list, and the broadcasts that went to it."""

    account: str
    name: str
    counts: Counts


@frozen
class LengthLine:
    """Broadcasts of so many segments (3: that or more), with a link or without."""

    segments: int
    link: bool
    counts: Counts


@frozen
class HourLine:
    """Broadcasts that were sent on a day of the week (0 is Monday), in an hour."""

    weekday: int
    hour: int
    broadcasts: int
    rate: float | None


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
    """An account's credits: the last that is known, and what was spent."""

    account: str
    at: datetime
    available: int | None
    used: int | None
    included: int | None
    extra: int | None
    refill: date | None
    spent: int | None = None
    """In the report's span, as far as collections saw it; None: nobody knows."""
    spent_at_least: bool = False
    """Credits were refilled meanwhile, or collections don't reach to both ends: it may have been more."""
    a_day: float | None = None
    """Spent on a day, over the last four weeks."""
    course: tuple[tuple[datetime, int | None], ...] = ()

    @property
    def days_left(self) -> int | None:
        """For how many days the rest lasts at that pace; None: nobody knows, or nothing is spent."""
        if not self.a_day or self.available is None:
            return None
        return int(max(self.available, 0) / self.a_day)


@frozen
class Debt:
    """What the collection of an account owes."""

    account: str
    owed: tuple[tuple[str, int], ...] = ()
    """Kind, and how many ids."""
    given_up: int = 0
    last_run: str | None = None
    """How its last run ended, where that wasn't `complete`."""
    collected_on: date | None = None
    """When it was last collected, where that was before the span was over."""


@frozen
class ReplyLine:
    """What somebody replied."""

    broadcast: str
    at: datetime | None
    message: str


@frozen(kw_only=True)
class ReportData:
    """Everything on the page."""

    accounts: list[str]
    zone: str
    """The zone of the calendar in words."""
    made_at: datetime
    collected_at: datetime | None
    span: Span
    before: Span
    totals: Counts
    totals_before: Counts
    real_changes: Mapping[RateName, bool | None]
    """Whether a rate changed by more than broadcasts differ anyway; None: they are too few to tell."""
    by_account: list[tuple[str, Counts, Counts]]
    unknown: int = 0
    """Broadcasts of the span of which the server has not said all counts."""
    undated: int = 0
    """Broadcasts that stand in no period, since nobody knows when they were sent."""
    grain: Grain
    periods: list[Period]
    sent: list[BroadcastLine] = field(factory=list[BroadcastLine])
    """The newest ones of the span, newest first."""
    usual: Mapping[tuple[str, RateName], Usual | None] = field(factory=dict[tuple[str, RateName], Usual | None])
    unusual: list[UnusualLine] = field(factory=list[UnusualLine])
    compared: int = 0
    """How many broadcasts of the span could be held against what is usual."""
    ranked_by: Literal["click", "reply"]
    best: list[BroadcastLine] = field(factory=list[BroadcastLine])
    worst: list[BroadcastLine] = field(factory=list[BroadcastLine])
    most_opt_outs: list[BroadcastLine] = field(factory=list[BroadcastLine])
    most_failures: list[BroadcastLine] = field(factory=list[BroadcastLine])
    lists: list[ListLine] = field(factory=list[ListLine])
    lengths: list[LengthLine] = field(factory=list[LengthLine])
    hours: list[HourLine] = field(factory=list[HourLine])
    hours_since: date
    failures: list[FailureLine] = field(factory=list[FailureLine])
    credits: list[CreditsLine] = field(factory=list[CreditsLine])
    debts: list[Debt] = field(factory=list[Debt])
    replies: list[ReplyLine] | None = None
    """The newest of the span, or None where they were not asked for."""
