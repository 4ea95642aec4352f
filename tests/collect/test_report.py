"""The report: its figures are the store's, whatever is in there is shown and not run, and it stands alone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from ac_sms_async.collect import Statement, Store, StoreError, Window, open_store
from ac_sms_async.collect.failure_codes import failure_meaning
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.records import Stamp
from ac_sms_async.collect.report import load_report, render_report
from ac_sms_async.collect.report.data import MOST_PERIODS, Counts, grain_of, periods_of
from ac_sms_async.collect.rows import Fields
from ac_sms_async.collect.store.storable import moment
from tests.collect.conftest import any_store
from tests.collect.fakes import NO_ROW, FakeSource, MemoryStore
from tests.collect.shop import EVIL, NOW, shop

pytestmark = pytest.mark.anyio

VOID = {"meta", "br", "link", "img"}


class Page(HTMLParser):
    """What a page consists of; fails where tags don't close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


async def page(store: Store, **options: Any) -> tuple[str, Page]:
    html = render_report(await load_report(store, now=NOW, **options))
    return html, Page(html)


async def test_its_figures_are_those_of_the_store() -> None:
    async with await shop() as store:
        data = await load_report(store, now=NOW)
        html, shown = await page(store)
        [(sends, deliveries, clicks)] = await store.read("SELECT sends, deliveries, clicks FROM account_rates")
        [(best,)] = await store.read(
            "SELECT name FROM broadcast_rates WHERE sends >= 100 ORDER BY click_rate DESC, sends DESC LIMIT 1"
        )
        [(failed,)] = await store.read("SELECT SUM(count) FROM failure_totals")
        months = await store.read("SELECT month, sends FROM monthly_rates ORDER BY month")
    assert (data.totals.sends, data.totals.deliveries, data.totals.clicks) == (sends, deliveries, clicks)
    assert f"{sends:,}" in shown.text
    assert data.best[0].name == best
    assert str(best) in shown.text
    assert data.failed_in_groups == failed == data.totals.failures
    assert data.grain == "month"
    assert [(f"{p.start:%Y-%m}", p.counts.sends) for p in data.periods] == months
    assert [line.counts.click_rate for line in data.worst] == sorted(line.counts.click_rate or 0 for line in data.worst)
    assert all("http" in line.body for line in data.worst)
    assert data.first == date(2026, 1, 4)
    for word in ("landline", "STOP", "E17", "30007", "Credits left", "13,200", "26 Sep 2026"):
        assert word in shown.text, word
    assert "Accounts" not in shown.text
    assert len(html) < 150_000


@any_store
async def test_both_stores_make_the_same_page(target: str) -> None:
    async with await open_store(target) as store, MemoryStore() as memory:
        for one in (store, memory):
            await shop(broadcasts=25, store=one)
        assert render_report(await load_report(store, now=NOW)) == render_report(await load_report(memory, now=NOW))


async def test_names_are_shown_and_not_run() -> None:
    async with await shop() as store:
        await store.write(Statement("UPDATE accounts SET account = account"))
        html, shown = await page(store)
    assert EVIL in shown.text
    assert "script" not in shown.tags
    assert "<script" not in html
    assert not {name for _, name, _ in shown.attributes if name.startswith("on")}


async def test_it_needs_nothing_from_elsewhere() -> None:
    async with await shop() as store:
        html, shown = await page(store)
    assert not {"link", "img", "iframe", "object", "image", "use"} & shown.tags
    assert not [entry for entry in shown.attributes if entry[1] in ("src", "href", "xlink:href", "srcset")]
    assert re.findall(r"url\(([^)]*)\)", html) == ["#hatch"]
    assert "@import" not in html
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in shown.attributes
    # Light, dark, on paper, and with the numbers beside each picture.
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    charts = [value for tag, name, value in shown.attributes if tag == "svg" and name == "aria-label"]
    assert len(charts) >= 6
    assert all(charts)


async def test_an_empty_store() -> None:
    async with MemoryStore() as store:
        _, shown = await page(store)
    for words in ("no account yet", "Nothing was sent yet", "No message failed", "Not collected yet", "until never"):
        assert words in shown.text, words


async def test_several_accounts() -> None:
    async with await shop(broadcasts=30, account="acme") as store:
        await shop(broadcasts=20, account="globex <b>", store=store)
        _, both = await page(store)
        _, one = await page(store, account="acme")
        with pytest.raises(StoreError, match="no account 'initech'; it has acme, globex <b>"):
            await load_report(store, account="initech")
    assert "of all accounts" in both.text
    assert "globex <b>" in both.text
    assert "globex" not in one.text


async def test_what_is_not_known_is_said() -> None:
    async with MemoryStore() as store:
        await store.write(Statement("INSERT INTO accounts (account, url, first_seen_at) VALUES ('acme', NULL, '2026')"))
        stamp = Stamp("acme", "r1", 1, "2026-09-20T07:00:00Z")
        names: tuple[str, ...] = ("sends", "deliveries", "failures", "clicks", "replies", "opt_outs")
        lost: Fields = {"broadcast_id": 1, **dict(zip(names, (10, 4, 6, 0, 2, None), strict=True))}
        strange: Fields = {"broadcast_id": 2, **dict(zip(names, (1, 0, 1, 0, 0, 0), strict=True))}
        undated: Fields = {"broadcast_id": 3, **dict(zip(names, (1, 1, 0, 0, 0, 0), strict=True))}
        await store.write(
            *stamp.broadcasts(
                [
                    {**NO_ROW, "broadcast_id": 1, "sent_date": "2026-09-19T00:00:00Z"},
                    {**NO_ROW, "broadcast_id": 2, "sent_date": "0001-01-01T00:00:00Z"},
                    {**NO_ROW, "broadcast_id": 3},
                ]
            ),
            *stamp.metrics({1: lost, 2: strange, 3: undated}, {}),
            *stamp.failed("recipients", {1: ValueError("x"), 2: ValueError("y")}),
        )
        data = await load_report(store, now=NOW)
        _, shown = await page(store)
        assert (data.ranked_by, data.enough, len(data.periods)) == ("reply", 1, 1)
        assert data.totals == Counts(3, 12, 5, 7, 0, 2, 0)
        for words in ("(no name)", "--include failures", "recipients (2 ids)", "by replies", "at least 1 message,"):
            assert words in shown.text, words
        await store.write(*stamp.failures(1, [{"error_code": "", "error_source": "", "count": 2}]))
        _, shown = await page(store)
        for words in (
            "no code",
            "unknown source",
            "The reasons of 2 of them are known",
            "Not a code this report knows",
        ):
            assert words in shown.text, words


async def test_credits_of_many_accounts() -> None:
    """The last of each account counts, however many runs of others came since."""
    credits = "INSERT INTO credits (account, run_id, available, collected_at) VALUES (?, ?, ?, ?)"
    async with MemoryStore() as store:
        insert = "INSERT INTO accounts (account, url, first_seen_at) VALUES (?, NULL, '2026-01-01T00:00:00Z')"
        await store.write(Statement(insert, [("quiet",), ("busy",)]))
        await store.write(Statement(credits, [("quiet", "q", 77_777, "2026-01-01T07:00:00Z")]))
        first = datetime(2026, 2, 1, tzinfo=UTC)
        times = [moment(first + timedelta(hours=number)) for number in range(500)]
        await store.write(Statement(credits, [("busy", f"b{number:03}", 5, at) for number, at in enumerate(times)]))
        data = await load_report(store)
        latest = {line.account: line.available for line in data.credits}
        assert latest == {"quiet": 77_777, "busy": 5}


async def test_the_last_credits_are_those_of_the_last_run_whatever_its_clock_said() -> None:
    class Spending(FakeSource):
        left = 300

        async def credits(self) -> Fields:
            self.left -= 100
            return {**await super().credits(), "available": self.left}

    source = Spending(ids=[1], latency=0.0, pace=0.0)
    async with MemoryStore() as store:
        for year in (2026, 2036, 2027):

            def clock(year: int = year) -> datetime:
                return datetime(year, 3, 1, tzinfo=UTC)

            assert (await collect_source(source, store, Window(), frozenset(), now=clock)).status == "complete"
        data = await load_report(store)
        assert [line.available for line in data.credits] == [200, 100, 0]


async def test_counts_that_the_server_did_not_say_change_no_rate() -> None:
    async with MemoryStore() as store:
        rows: list[tuple[Any, ...]] = [
            (1, 100, 80, 20, 8, 4, 2),
            (2, 900, None, None, None, None, None),
            (3, None, 5, 1, 1, 1, 1),
        ]
        await store.write(
            Statement("INSERT INTO accounts (account, url, first_seen_at) VALUES ('a', NULL, '2026-01-01T00:00:00Z')"),
            Statement(
                "INSERT INTO broadcasts (account, broadcast_id, status, sent_date, first_collected_at, collected_at, "
                "run_id) VALUES ('a', ?, 'sent', '2026-03-01T12:00:00Z', '2026-03-02T12:00:00Z', "
                "'2026-03-02T12:00:00Z', 'r')",
                [row[:1] for row in rows],
            ),
            Statement(
                "INSERT INTO metrics (account, broadcast_id, sends, deliveries, failures, clicks, replies, opt_outs, "
                "collected_at, changed_at, run_id) VALUES ('a', ?, ?, ?, ?, ?, ?, ?, '2026-03-02T12:00:00Z', "
                "'2026-03-02T12:00:00Z', 'r')",
                rows,
            ),
        )
        totals = (await load_report(store)).totals
        assert (totals.delivery_rate, totals.failure_rate) == (0.8, 0.2)
        [month] = await store.read("SELECT sends, delivery_rate, failure_rate, click_rate FROM monthly_rates")
        assert month == (1000, 0.8, 0.2, 9 / 85)
        [account] = await store.read("SELECT sends, delivery_rate, failure_rate, click_rate FROM account_rates")
        assert account == (1000, 0.8, 0.2, 0.1)


@any_store
async def test_sums_beyond_what_a_column_holds(target: str) -> None:
    """They stop at the largest number; the views can be read."""
    async with await open_store(target) as store:
        at = "2026-03-02T12:00:00Z"
        await store.write(
            Statement("INSERT INTO accounts (account, url, first_seen_at) VALUES ('a', NULL, ?)", [(at,)]),
            Statement(
                "INSERT INTO broadcasts (account, broadcast_id, status, sent_date, first_collected_at, collected_at, "
                "run_id) VALUES ('a', ?, 'sent', ?, ?, ?, 'r')",
                [(number, at, at, at) for number in (1, 2, 3)],
            ),
            Statement(
                "INSERT INTO metrics (account, broadcast_id, sends, deliveries, collected_at, changed_at, run_id) "
                "VALUES ('a', ?, ?, ?, ?, ?, 'r')",
                [(number, 2**63 - 1, 2**62 + number, at, at) for number in (1, 2, 3)],
            ),
            Statement(
                "INSERT INTO failure_groups (account, broadcast_id, error_code, error_source, count, collected_at, "
                "run_id) VALUES ('a', ?, '1', 'ac', ?, ?, 'r')",
                [(number, 2**63 - 1, at) for number in (1, 2)],
            ),
        )
        for view in ("monthly_rates", "account_rates"):
            [(sends, rate)] = await store.read(f"SELECT sends, delivery_rate FROM {view}")
            assert sends == 2**63 - 1
            assert rate == pytest.approx(0.5)
        assert await store.read("SELECT count FROM failure_totals") == [(2**63 - 1,)]
        await load_report(store)


async def test_credits_without_a_course() -> None:
    async with MemoryStore() as store:
        await store.write(Statement("INSERT INTO accounts (account, url, first_seen_at) VALUES ('acme', NULL, '2026')"))
        names = ["period", "next_refill_date", "included_this_period", "used_this_period", "extra_credits", "available"]
        empty: Fields = dict.fromkeys(names)
        await store.write(*Stamp("acme", "c1", 1, "2026-09-20T07:00:00Z").credits(empty))
        _, shown = await page(store)
    assert "at each collection" not in shown.text
    assert "acme : – used in this period, – left" in shown.text


def test_periods() -> None:
    day = date(2026, 1, 1)
    one = Counts(1, 10, 9, 1)
    assert periods_of({}, "day") == []
    assert grain_of({}) == "day"
    for span, grain in ((31, "day"), (32, "week"), (210, "week"), (211, "month")):
        assert grain_of({day: one, day + timedelta(days=span): one}) == grain
    weeks = periods_of({day: one, day + timedelta(days=1): one, day + timedelta(days=15): one}, "week")
    assert [(p.start, p.counts.sends) for p in weeks] == [
        (date(2025, 12, 29), 20),
        (date(2026, 1, 5), 0),
        (date(2026, 1, 12), 10),
    ]
    months = periods_of({date(2000, 1, 1): one, date(2026, 1, 31): one}, "month")
    assert (len(months), months[-1].start, months[0].start) == (MOST_PERIODS, date(2026, 1, 1), date(2023, 2, 1))


async def test_long_and_short_spans() -> None:
    for days, words in ((20, "each day"), (100, "each week"), (2000, f"the last {MOST_PERIODS} shown")):
        async with await shop(broadcasts=40, days=days) as store:
            later = datetime.combine(NOW + timedelta(days=2000), NOW.timetz())
            html = render_report(await load_report(store, now=later))
        assert words in Page(html).text


def test_codes_in_words() -> None:
    assert "landline" in failure_meaning("30006", "twilio").meaning
    assert "STOP" in failure_meaning("21610", "").meaning
    assert "ActiveCampaign" in failure_meaning("30006", "ac").meaning
    assert "Not a code" in failure_meaning("99999", "twilio").meaning
