"""The account's calendar: what the store says of days, weeks and hours is what clocks in its zone said."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async import ConfigurationError
from ac_sms_async.collect import Statement, Store, StoreError, Window, open_store
from ac_sms_async.collect.calendar import keep_calendar, zone_name, zone_of, zones_of
from ac_sms_async.collect.export import write_table
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.records import Stamp
from ac_sms_async.collect.store.names import rename
from ac_sms_async.collect.store.storable import moment
from ac_sms_async.errors import NotFoundError, ServerError
from tests.collect.conftest import any_store
from tests.collect.fakes import NO_ROW, FakeSource, MemoryStore, not_found

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)

MOMENTS = [
    "2026-01-01T00:27:00Z",
    "2026-01-01T06:00:00Z",
    "2026-03-08T07:59:59Z",
    "2026-03-08T08:00:00Z",
    "2026-11-01T06:59:59Z",
    "2026-11-01T07:00:00Z",
    "2025-12-28T12:00:00Z",
    "2031-07-04T05:30:00Z",
]


async def account_in(store: Store, zone: tzinfo | None, moments: list[str]) -> None:
    """An account in that zone, which sent a broadcast at each of these moments."""
    await store.write(
        Statement(
            "INSERT INTO accounts (account, url, first_seen_at, timezone) VALUES ('acme', NULL, ?, ?)",
            [(moment(NOW), zone_name(zone))],
        ),
        *await keep_calendar(store, zone, NOW),
        *Stamp("acme", "r1", 1, moment(NOW)).broadcasts(
            [{**NO_ROW, "broadcast_id": i, "sent_date": at} for i, at in enumerate(moments, 1)]
        ),
    )


@any_store
@pytest.mark.parametrize(
    "zone",
    [ZoneInfo("America/Chicago"), ZoneInfo("Australia/Lord_Howe"), timezone(timedelta(hours=-6)), UTC],
    ids=str,
)
async def test_days_are_those_of_the_account(target: str, zone: tzinfo) -> None:
    async with open_store(target) as store:
        await account_in(store, zone, MOMENTS)
        found = await store.read(
            "SELECT sent_day, sent_week, sent_month, sent_weekday, sent_hour FROM broadcast_rates ORDER BY broadcast_id"
        )
        months = await store.read("SELECT month, broadcasts FROM monthly_rates ORDER BY month")
    there = [datetime.fromisoformat(at).astimezone(zone) for at in MOMENTS]
    assert found == [
        (
            f"{at:%Y-%m-%d}",
            f"{at.date() - timedelta(days=at.weekday())}",
            f"{at:%Y-%m}",
            at.isoweekday(),
            at.hour,
        )
        for at in there
    ]
    expected = [f"{at:%Y-%m}" for at in there]
    assert months == [(month, expected.count(month)) for month in sorted(set(expected))]


@any_store
async def test_dates_at_the_ends_of_time_have_the_day_that_they_have_in_utc(target: str) -> None:
    async with open_store(target) as store:
        await account_in(store, ZoneInfo("America/Chicago"), ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
        found = await store.read("SELECT sent_day, sent_hour FROM broadcast_rates ORDER BY sent_date")
        assert [(str(day), hour) for day, hour in found] == [("0001-01-01", 0), ("9999-12-31", 23)]
        months = await store.read("SELECT month FROM monthly_rates ORDER BY month")
        assert months == [("0001-01",), ("9999-12",)]


@any_store
async def test_what_was_sent_on_some_days_is_exported(target: str) -> None:
    async with open_store(target) as store:
        await account_in(store, ZoneInfo("America/Chicago"), MOMENTS)

        async def exported(name: str, **part: Any) -> list[int]:
            out = io.StringIO()
            await write_table(store, name, out, format="jsonl", **part)
            return [json.loads(line)["broadcast_id"] for line in out.getvalue().splitlines()]

        for name in ("broadcasts", "broadcast_rates"):
            # Sent on New Year's Eve by the account's clocks, on the day after in UTC.
            assert await exported(name, until=date(2025, 12, 31)) == [1, 7]
            assert await exported(name, account="acme", since=date(2025, 12, 31), until=date(2026, 1, 1)) == [1, 2]
            assert await exported(name, since=date(2031, 7, 4)) == [8]
        assert await exported("metrics", since=date(2025, 12, 31)) == []
        with pytest.raises(StoreError, match="credits is not about single broadcasts"):
            await exported("credits", since=date(2026, 1, 1))
        assert await zones_of(store) == await zones_of(store, account="acme") == [ZoneInfo("America/Chicago")]
        assert await zones_of(store, timezone="+02:00") == [timezone(timedelta(hours=2))]
        assert await zones_of(store, account="nobody") == [UTC]


@any_store
async def test_without_a_zone_days_are_those_of_utc(target: str) -> None:
    async with open_store(target) as store:
        await account_in(store, None, MOMENTS[:1])
        assert await store.read("SELECT timezone, sent_day, sent_hour FROM broadcast_rates") == [
            ("UTC", "2026-01-01", 0)
        ]


@given(
    zone=st.sampled_from(["America/Chicago", "Europe/Berlin", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia"]),
    seconds=st.integers(0, 365 * 37 * 86_400),
)
def test_any_moment_has_the_hour_of_its_zone(zone: str, seconds: int) -> None:
    at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    connection = _store_of(zone).connection
    connection.execute("UPDATE broadcasts SET sent_date = ?", (moment(at),))
    there = at.astimezone(ZoneInfo(zone))
    found = connection.execute("SELECT sent_day, sent_hour FROM broadcast_rates").fetchone()
    assert found == (f"{there:%Y-%m-%d}", there.hour)


_STORES: dict[str, MemoryStore] = {}


def _store_of(zone: str) -> MemoryStore:
    import anyio

    if zone not in _STORES:
        _STORES[zone] = MemoryStore()
        anyio.run(account_in, _STORES[zone], ZoneInfo(zone), MOMENTS[:1])
    return _STORES[zone]


def test_names_of_zones() -> None:
    class Own(timezone.__base__):  # type: ignore[misc,name-defined]
        """A zone without a name."""

    for name in ("America/Chicago", "-06:00", "+05:45", "UTC"):
        assert zone_name(zone_of(name)) == name
    assert zone_of(None) is UTC
    assert zone_name(Own()) is None
    assert zone_name(None) is None
    assert zone_name(timezone(timedelta(seconds=90))) is None
    with pytest.raises(ConfigurationError, match="time zone"):
        zone_of("Europe/Nowhere")


async def test_what_a_newer_database_of_zones_says_takes_the_place_of_the_old() -> None:
    zone = ZoneInfo("Europe/Berlin")
    async with MemoryStore() as store:
        await account_in(store, zone, [])
        assert await keep_calendar(store, zone, NOW) == []
        right = await store.read("SELECT since, utc_offset FROM time_zones ORDER BY since")
        assert right[-1] == ("2036-10-26T01:00:00Z", 3600)
        await store.write(
            Statement("UPDATE time_zones SET utc_offset = 60 WHERE since = '2026-10-25T01:00:00Z'"),
            Statement("INSERT INTO time_zones VALUES ('Europe/Berlin', '2027-01-01T00:00:00Z', 0)"),
            # Kept by somebody whose clock is ahead: not ours to judge.
            Statement("INSERT INTO time_zones VALUES ('Europe/Berlin', '2040-01-01T00:00:00Z', 0)"),
        )
        await store.write(*await keep_calendar(store, zone, NOW))
        assert (
            await store.read(
                "SELECT since, utc_offset FROM time_zones WHERE since < '2040-01-01T00:00:00Z' ORDER BY since"
            )
            == right
        )
        assert await store.read("SELECT COUNT(*) FROM time_zones WHERE since > '2039-01-01T00:00:00Z'") == [(1,)]


async def run(source: FakeSource, store: Store) -> Any:
    return await collect_source(source, store, Window(), frozenset(), now=lambda: NOW)


@any_store
async def test_a_run_keeps_the_zone_and_the_names_of_lists(target: str) -> None:
    source = FakeSource(ids=[1, 2], latency=0.0, pace=0.0)
    async with open_store(target) as store:
        assert (await run(source, store)).status == "complete"
        assert await store.read("SELECT timezone FROM accounts") == [("America/Chicago",)]
        assert await store.read("SELECT broadcast_id, list_id, name FROM broadcast_lists ORDER BY 1, 2") == [
            (1, 1, "List 1"),
            (1, 2, "List 2"),
            (2, 1, "List 1"),
            (2, 2, "List 2"),
        ]
        # A zone without a name says nothing new.
        source.timezone = None
        await run(source, store)
        assert await store.read("SELECT timezone FROM accounts") == [("America/Chicago",)]
        await rename(store, "acme", "globex")
        assert await store.read("SELECT account, timezone FROM accounts") == [("globex", "America/Chicago")]
        assert await store.read("SELECT DISTINCT account FROM lists") == [("globex",)]


@any_store
async def test_ids_of_lists_that_are_no_numbers_are_left_out(target: str) -> None:
    async with open_store(target) as store:
        await account_in(store, UTC, MOMENTS[:3])
        odd = [('["a",7,null,1.5]', 1), ('{"a":1}', 2), (None, 3)]
        await store.write(Statement("UPDATE broadcasts SET list_ids = ? WHERE broadcast_id = ?", odd))
        found = await store.read("SELECT broadcast_id, list_id, name FROM broadcast_lists WHERE broadcast_id <> 2")
        assert found == [(1, 7, None)]


@pytest.mark.parametrize("error", [ServerError("down", status=503), NotFoundError("?", status=404, body=b"<html>")])
async def test_lists_that_could_not_be_had_are_owed(error: Any) -> None:
    source = FakeSource(ids=[1], latency=0.0, pace=0.0)
    source.errors["lists",] = error
    async with MemoryStore() as store:
        result = await run(source, store)
        assert (result.status, result.failed) == ("partial", 1)
        assert "owed: lists (1)" in result.reasons[0]
        source.errors.clear()
        assert (await run(source, store)).status == "complete"


async def test_an_account_without_lists_owes_none() -> None:
    source = FakeSource(ids=[1], latency=0.0, pace=0.0)
    source.errors["lists",] = not_found()
    async with MemoryStore() as store:
        assert (await run(source, store)).status == "complete"


@any_store
async def test_weeks_beside_the_week_before(target: str) -> None:
    at = moment(NOW)
    async with open_store(target) as store:
        # Mondays in Chicago: 2 and 9 March; nothing in the week of the 16th.
        await account_in(
            store,
            ZoneInfo("America/Chicago"),
            ["2026-03-03T15:00:00Z", "2026-03-09T04:30:00Z", "2026-03-10T15:00:00Z", "2026-03-24T15:00:00Z"],
        )
        names = ("sends", "deliveries", "failures", "clicks", "replies", "opt_outs")
        counts = [(100, 80, 20, 8, 0, 4), (100, 80, 20, 8, 0, 4), (100, 100, 0, 20, 1, 1), (50, 50, 0, 5, 0, 0)]
        rows: dict[int, Any] = {
            i: {"broadcast_id": i, **dict(zip(names, row, strict=True))} for i, row in enumerate(counts, 1)
        }
        await store.write(*Stamp("acme", "r1", 1, at).metrics(rows, {}))
        found = await store.read(
            "SELECT week, broadcasts, sends, click_rate, broadcasts_before, sends_before, click_rate_change, "
            "opt_out_rate_change FROM week_over_week ORDER BY week"
        )
        assert found == [
            ("2026-03-02", 2, 200, 0.1, None, None, None, None),
            ("2026-03-09", 1, 100, 0.2, 2, 200, pytest.approx(0.1), pytest.approx(-0.04)),
            ("2026-03-23", 1, 50, 0.1, None, None, None, None),
        ]


@any_store
async def test_the_latest_of_each_account(target: str) -> None:
    source = FakeSource(ids=[1], latency=0.0, pace=0.0)
    async with open_store(target) as store:
        await run(source, store)
        source.errors["metric", 1] = ServerError("down", status=503)
        result = await collect_source(source, store, Window(), frozenset(), now=lambda: NOW + timedelta(days=1))
        [row] = await store.read("SELECT account, timezone, run_id, status, complete_at, owed, available FROM latest")
        assert row == ("acme", "America/Chicago", result.run_id, "partial", moment(NOW), 1, 100)
        await store.write(Statement("DELETE FROM credits"), Statement("DELETE FROM runs"))
        [row] = await store.read("SELECT status, available FROM latest")
        assert row == (None, None)
