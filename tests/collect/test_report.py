"""The report: its figures are the store's, whatever is in there is shown and not run, and it stands alone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from ac_sms_async import ConfigurationError
from ac_sms_async.collect import Statement, Store, StoreError, Window, open_store
from ac_sms_async.collect.failure_codes import failure_meaning
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.records import Stamp
from ac_sms_async.collect.report import load_report, render_report
from ac_sms_async.collect.report.counts import Counts
from ac_sms_async.collect.report.periods import MOST_PERIODS
from ac_sms_async.collect.rows import Fields
from ac_sms_async.collect.store.storable import moment
from tests.collect.conftest import any_store
from tests.collect.fakes import NO_ROW, FakeSource, MemoryStore
from tests.collect.shop import EVIL, FIRST, NOW, shop

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
        [(broadcasts, sends, deliveries, clicks)] = await store.read(
            "SELECT broadcasts, sends, deliveries, clicks FROM monthly_rates WHERE month = '2026-08'"
        )
        [(before,)] = await store.read("SELECT click_rate FROM monthly_rates WHERE month = '2026-07'")
        [(failed,)] = await store.read(
            "SELECT SUM(f.count) FROM failure_groups f JOIN broadcast_rates r ON r.broadcast_id = f.broadcast_id "
            "WHERE r.sent_month = '2026-08'"
        )
        months = await store.read("SELECT month, sends FROM monthly_rates ORDER BY month")
        names = await store.read(
            "SELECT name FROM broadcast_rates WHERE sent_month = '2026-08' ORDER BY sent_date DESC"
        )
    totals = data.totals
    assert (totals.broadcasts, totals.sends, totals.deliveries, totals.clicks) == (
        broadcasts,
        sends,
        deliveries,
        clicks,
    )
    assert data.totals_before.click_rate == before
    assert f"{sends:,}" in shown.text
    assert "August 2026, beside July 2026" in shown.text
    assert [line.name for line in data.sent] == [name for (name,) in names]
    assert sum(line.count for line in data.failures) == failed == totals.failures
    assert data.grain == "month"
    assert [(f"{p.start:%Y-%m}", p.counts.sends) for p in data.periods] == months
    # The month in which it was collected is not over.
    assert [p.whole for p in data.periods] == [True] * 8 + [False]
    assert "Sep 2026, so far" in shown.text
    assert all("http" in line.body for line in (*data.best, *data.worst))
    assert not {line.broadcast_id for line in data.best} & {line.broadcast_id for line in data.worst}
    for word in ("landline", "STOP", "E17", "30007", "Credits left", "13,200", "26 Sep 2026", "usual"):
        assert word in shown.text, word
    assert "Accounts" not in shown.text
    assert len(html) < 150_000


@pytest.mark.parametrize(
    ("options", "words", "before"),
    [
        ({"last": "week"}, "The week of 7 Sep 2026, beside the week of 31 Aug 2026", 3),
        ({"last": "quarter"}, "April to June 2026, beside January to March 2026", 60),
        ({"since": date(2026, 9, 1)}, "1 Sep 2026 to 20 Sep 2026, beside 12 Aug 2026 to 31 Aug 2026", 10),
        ({"since": date(2026, 1, 1), "until": date(2026, 6, 30)}, "beside 1 Jul 2025 to 31 Dec 2025", 0),
    ],
)
async def test_a_week_a_quarter_and_days(options: dict[str, Any], words: str, before: int) -> None:
    async with await shop() as store:
        data = await load_report(store, now=NOW, **options)
        _, shown = await page(store, **options)
        counts: list[Any] = []
        for span in (data.span, data.before):
            bounds = (f"{span.start}T00:00:00Z", f"{span.end}T23:59:59Z")
            counts += await store.read("SELECT COUNT(*) FROM broadcasts WHERE sent_date BETWEEN ? AND ?", bounds)
    assert words in shown.text
    assert [(data.totals.broadcasts,), (data.totals_before.broadcasts,)] == counts
    assert data.totals_before.broadcasts >= before
    assert data.totals_before.broadcasts == 0 or before


async def test_days_are_those_of_the_account_or_of_the_zone_that_is_asked_for() -> None:
    """New Year's Eve in Chicago is in the old year; in Berlin it is in the new one."""
    async with MemoryStore() as store:
        stamp = Stamp("acme", "r1", 1, "2026-02-03T12:00:00Z")
        await store.write(
            Statement(
                "INSERT INTO accounts (account, first_seen_at, timezone) VALUES ('acme', ?, 'America/Chicago')",
                [("2026-01-01T00:00:00Z",)],
            ),
            *stamp.broadcasts([{**NO_ROW, "broadcast_id": 1, "status": "sent", "sent_date": "2026-01-01T00:27:00Z"}]),
        )
        options: dict[str, Any] = {"since": date(2025, 12, 1), "until": date(2025, 12, 31), "now": NOW}
        data = await load_report(store, **options)
        assert (data.totals.broadcasts, data.zone) == (1, "America/Chicago")
        assert f"{data.sent[0].at:%d %H:%M}" == "31 18:27"
        assert "Days and times are those of America/Chicago" in Page(render_report(data)).text
        berlin = await load_report(store, timezone="Europe/Berlin", **options)
        assert (berlin.totals.broadcasts, berlin.zone) == (0, "Europe/Berlin")
        # The last day of a month, too, is a day of the zone.
        late = datetime(2026, 2, 1, 3, tzinfo=UTC)
        assert (await load_report(store, now=late)).span.start == date(2025, 12, 1)
        assert (await load_report(store, now=late, timezone="UTC")).span.start == date(2026, 1, 1)
        with pytest.raises(ConfigurationError, match="time zone"):
            await load_report(store, timezone="Europe/Nowhere")
        await store.write(Statement("INSERT INTO accounts (account, first_seen_at) VALUES ('other', '2026')"))
        assert (await load_report(store, **options)).zone == "each account's own time zone"


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
    for words in (
        *("no account yet", "Nothing was sent in August 2026", "Nothing was sent yet", "No message failed"),
        *(
            "Not collected yet",
            "nothing was collected yet",
            "Too few broadcasts to tell",
            "no two to hold beside each other",
        ),
    ):
        assert words in shown.text, words


async def test_several_accounts() -> None:
    async with await shop(broadcasts=30, account="acme") as store:
        await shop(broadcasts=20, account="globex <b>", store=store)
        _, both = await page(store)
        _, one = await page(store, account="acme")
        with pytest.raises(StoreError, match="no account 'initech'; it has acme, globex <b>"):
            await load_report(store, account="initech")
    assert "of all accounts" in both.text
    assert "globex <b> · " in both.text
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
                    {**NO_ROW, "broadcast_id": 4, "sent_date": "2026-09-19T01:00:00Z", "status": "sent"},
                    {**NO_ROW, "broadcast_id": 5, "sent_date": "2026-09-19T01:00:00Z", "status": "scheduled"},
                ]
            ),
            *stamp.metrics({1: lost, 2: strange, 3: undated}, {}),
            *stamp.failed("recipients", {1: ValueError("x"), 2: ValueError("y")}),
        )
        since = date(2026, 9, 1)
        data = await load_report(store, now=NOW, since=since)
        _, shown = await page(store, since=since)
        assert (data.ranked_by, len(data.periods), data.unknown, data.undated) == ("reply", 2, 2, 1)
        # Nobody said how many opted out, and that isn't 0.
        assert data.totals == Counts(2, 10, 4, 6, 0, 2, None, pairs=((4, 10), (6, 10), (0, 4), (2, 4), (0, 0)))
        await store.write(*stamp.metrics({1: {**lost, "failures": None}}, {}))
        assert "Nobody knows how many failed" in (await page(store, since=since))[1].text
        await store.write(*stamp.metrics({1: lost}, {}))
        for words in (
            *("(no name)", "--include failures", "recipients (2 ids)", "Nobody knows how many opted out"),
            *("Of 2 broadcasts the server has not said all counts", "1 broadcast without a date of sending"),
            *("Here they are too few to tell", "Too few broadcasts to tell"),
        ):
            assert words in shown.text, words
        await store.write(*stamp.failures(1, [{"error_code": "", "error_source": "", "count": 2}]))
        _, shown = await page(store, since=since)
        for words in (
            "no code",
            "unknown source",
            "The reasons of 2 of them are known",
            "Not a code this report knows",
        ):
            assert words in shown.text, words


async def test_the_debt_of_the_collection_stands_at_the_top() -> None:
    async with await shop() as store:
        data = await load_report(store, now=NOW)
        assert data.debts == []
        assert "Not all of it is here" not in Page(render_report(data)).text
        stamp = Stamp("acme", "r1", 1, "2026-09-20T07:00:00Z")
        await store.write(
            *stamp.failed("failures", {1: ValueError("x"), 2: ValueError("y"), 3: ValueError("z")}),
            Statement("UPDATE failed_ids SET given_up_at = last_failed_at WHERE broadcast_id = 3"),
            Statement("UPDATE broadcasts SET collected_at = '2026-08-30T07:00:00Z'"),
            Statement(
                "INSERT INTO runs (run_id, account, mode, spec, status, started_at, sitting) "
                "VALUES ('r9', 'acme', 'full', '{}', 'failed', '2026-08-30T07:00:00Z', 9)"
            ),
        )
        html, shown = await page(store)
        said = shown.text.partition("Not all of it is here:")[2].partition("Broadcasts sent")[0].strip()
        assert said == (
            "It was last collected on 30 Aug 2026, before this period was over; its last run failed; "
            "owed is failures (2 ids) , and the next collection tries again; "
            "1 id could not be fetched, and was given up."
        )
        assert html.index("Not all of it is here") < html.index('<dl class="tiles">')
        await store.write(Statement("DELETE FROM failed_ids WHERE given_up_at IS NULL"))
        assert "its last run failed; 1 id could not be fetched" in (await page(store))[1].text
        for status, words in (
            ("partial", "came to its end, but not whole"),
            ("interrupted", "was stopped"),
            ("running", "was killed"),
            ("abandoned", "was given up"),
            ("odd", "its last run is odd"),
        ):
            await store.write(Statement("UPDATE runs SET status = ?", [(status,)]))
            assert words in " ".join((await page(store))[1].text.split()), status
        for number in range(9):
            await shop(broadcasts=2, account=f"shop-{number}", store=store)
            await store.write(
                *Stamp(f"shop-{number}", "r1", 1, "2026-09-20T07:00:00Z").failed("credits", {0: ValueError()})
            )
        _, many = await page(store)
        assert "and 4 more accounts" in many.text
        assert "and 4 more ·" in many.text
        # Its own account's alone.
        assert "shop-1 : Owed" not in many.text
        assert "shop-1 : owed is credits" in many.text


async def test_no_personal_data_unless_it_is_asked_for() -> None:
    async with await shop() as store:
        _, shown = await page(store)
        assert "Replies" in shown.text
        assert "fifty at most" not in shown.text
        _, none = await page(store, replies=True)
        assert "None are known. To have them, collect with --include recipients" in none.text
        people = "INSERT INTO recipients (account, broadcast_id, contact_id, name, phone_number, collected_at, run_id) "
        replies = "INSERT INTO replies (account, broadcast_id, contact_id, position, message, date) VALUES "
        await store.write(
            Statement(people + "VALUES ('acme', 170, 1, 'Ann Example', '+15550100', '2026-08-20T07:00:00Z', 'r1')"),
            Statement(
                replies + "('acme', 170, ?, 0, ?, ?)",
                [
                    (1, "Yes <please>", "2026-08-20T07:00:00Z"),
                    (2, "Undated", None),
                    (3, None, "2026-08-20T07:00:00Z"),
                    (4, "Later", "2026-08-21T07:00:00Z"),
                ],
            ),
            Statement(replies + "('acme', 1, 9, 0, 'Of another month', NULL)"),
        )
        _, without = await page(store)
        assert "please" not in without.text
        _, asked = await page(store, replies=True)
        assert "Yes <please>" in asked.text
        assert asked.text.index("Later") < asked.text.index("Yes <please>") < asked.text.index("Undated")
        assert "Of another month" not in asked.text
        # What people said, and not who they are.
        assert "Ann Example" not in asked.text
        assert "+15550100" not in asked.text


@any_store
async def test_replies_without_a_date_are_the_last_to_be_shown(target: str) -> None:
    async with await open_store(target) as store:
        await shop(broadcasts=25, store=store)
        await store.write(
            Statement(
                "INSERT INTO replies (account, broadcast_id, contact_id, position, message, date) "
                "VALUES ('acme', 22, ?, 0, ?, ?)",
                [
                    *((number, "undated", None) for number in range(60)),
                    (100, "first", "2026-08-20T07:00:00Z"),
                    (101, "second", "2026-08-21T07:00:00Z"),
                ],
            )
        )
        data = await load_report(store, now=NOW, replies=True)
    assert [line.message for line in data.replies or []] == ["second", "first", *["undated"] * 48]


async def test_what_was_unusual_is_said() -> None:
    async with await shop() as store:
        assert "What was unusual Nothing." in (await page(store))[1].text
        odd = (await load_report(store, now=NOW)).sent[3]
        await store.write(
            Statement("UPDATE metrics SET opt_outs = deliveries / 5 WHERE broadcast_id = ?", [(odd.broadcast_id,)])
        )
        data = await load_report(store, now=NOW)
        assert [(entry.broadcast.broadcast_id, entry.rate) for entry in data.unusual] == [(odd.broadcast_id, "opt_out")]
        shown = (await page(store))[1].text
        assert "many opt-outs" in shown
        assert data.most_opt_outs[0].broadcast_id == odd.broadcast_id


async def test_lists_have_names_and_lengths_have_links() -> None:
    async with await shop() as store:
        await store.write(
            Statement("UPDATE broadcasts SET list_ids = '[1,2]'"),
            Statement("INSERT INTO lists VALUES ('acme', 1, 'Everybody', 5, '2026-09-20T07:00:00Z', 'r1')"),
        )
        _, shown = await page(store)
    for words in ("Everybody", "list 2", "1 segment, with a link", "1 segment, without a link", "since 1 Aug 2025"):
        assert words in shown.text, words


async def test_nothing_failed_and_the_rest_lasts_for_years() -> None:
    async with await shop() as store:
        await store.write(
            Statement("UPDATE metrics SET failures = 0"),
            Statement("UPDATE credits SET used_this_period = used_this_period / 100"),
        )
        _, shown = await page(store)
        assert "No message failed" in shown.text
        assert "more than two years, at 2 a day" in shown.text
        await store.write(Statement("UPDATE credits SET used_this_period = 1 WHERE run_id = 'c29'"))
        await store.write(Statement("UPDATE credits SET used_this_period = 0 WHERE run_id <> 'c29'"))
        assert "at less than 1 a day" in (await page(store))[1].text


async def test_many_broadcasts_are_only_counted() -> None:
    async with await shop(broadcasts=1000) as store:
        html, shown = await page(store)
        assert "Owed" not in shown.text
        [(sent,)] = await store.read("SELECT broadcasts FROM monthly_rates WHERE month = '2026-08'")
    assert f"The newest 50 of {sent}; all are in ac-sms export" in shown.text
    assert len(html) < 200_000


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
        assert [line.account for line in data.credits] == ["busy", "quiet"]


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
        assert [line.available for line in data.credits] == [0]


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
        totals = (await load_report(store, since=date(2026, 3, 1), now=NOW)).totals
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
        totals = (await load_report(store, since=date(2026, 3, 1), now=NOW)).totals
        assert totals.sends == 3 * (2**63 - 1)


async def test_credits_without_a_course() -> None:
    async with MemoryStore() as store:
        await store.write(Statement("INSERT INTO accounts (account, url, first_seen_at) VALUES ('acme', NULL, '2026')"))
        names = ["period", "next_refill_date", "included_this_period", "used_this_period", "extra_credits", "available"]
        empty: Fields = dict.fromkeys(names)
        await store.write(*Stamp("acme", "c1", 1, "2026-09-20T07:00:00Z").credits(empty))
        _, shown = await page(store)
    assert "at each collection" not in shown.text
    assert "used in this period" not in shown.text
    assert "acme" in shown.text.partition("Next refill")[2]


async def test_long_and_short_spans() -> None:
    for days, words in ((20, "each day"), (100, "each week"), (1999, f"the last {MOST_PERIODS} shown")):
        async with await shop(broadcasts=40, days=days) as store:
            last = FIRST + timedelta(days=days)
            _, shown = await page(store, since=FIRST, until=last)
        assert words in shown.text


def test_codes_in_words() -> None:
    assert "landline" in failure_meaning("30006", "twilio").meaning
    assert "STOP" in failure_meaning("21610", "").meaning
    assert "ActiveCampaign" in failure_meaning("30006", "ac").meaning
    assert "Not a code" in failure_meaning("99999", "twilio").meaning
