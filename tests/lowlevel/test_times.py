"""Times without an offset are the account's wall clock, also in the hours that it shows twice or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.lowlevel.models import BroadcastMessage, Recipient, RecipientReply, SmsCredits

CHICAGO = ZoneInfo("America/Chicago")
CST, CDT = timedelta(hours=-6), timedelta(hours=-5)


def sent(text: str, zone: tzinfo = CHICAGO) -> datetime:
    moment = Recipient.from_dict({"id": 1, "sentDate": text}, zone).sent_date
    assert moment is not None
    return moment


@pytest.mark.parametrize(
    ("text", "offset", "utc"),
    [
        ("2026-01-15 12:00:00", CST, "2026-01-15T18:00:00+00:00"),
        ("2026-07-15 12:00:00", CDT, "2026-07-15T17:00:00+00:00"),
        # The clock goes from 02:00 to 03:00: what lies between never was, and has the offset from before.
        ("2026-03-08 01:59:59", CST, "2026-03-08T07:59:59+00:00"),
        ("2026-03-08 02:00:00", CST, "2026-03-08T08:00:00+00:00"),
        ("2026-03-08 02:30:00", CST, "2026-03-08T08:30:00+00:00"),
        ("2026-03-08 03:00:00", CDT, "2026-03-08T08:00:00+00:00"),
        # The clock goes from 02:00 back to 01:00: what it shows twice is the first of the two.
        ("2026-11-01 00:59:59", CDT, "2026-11-01T05:59:59+00:00"),
        ("2026-11-01 01:00:00", CDT, "2026-11-01T06:00:00+00:00"),
        ("2026-11-01 01:30:00", CDT, "2026-11-01T06:30:00+00:00"),
        ("2026-11-01 02:00:00", CST, "2026-11-01T08:00:00+00:00"),
    ],
)
@pytest.mark.parametrize("padding", ["", " "], ids=["as it comes", "repaired"])
def test_a_year_in_chicago(text: str, offset: timedelta, utc: str, padding: str) -> None:
    moment = sent(padding + text)
    assert moment.utcoffset() == offset
    assert moment.astimezone(UTC).isoformat() == utc
    assert (moment.tzinfo, moment.fold) == (CHICAGO, 0)
    assert moment.replace(tzinfo=None).isoformat(" ") == text


def test_the_zone_is_the_callers_choice() -> None:
    assert sent("2026-01-15 12:00:00", UTC).utcoffset() == timedelta(0)
    assert sent("2026-01-15 12:00:00", timezone(timedelta(hours=2))).utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("midnight", ["2026-01-15T24:00:00", "2026-01-15 24:00", "2026-01-15T24:00:00-06:00"])
def test_the_end_of_a_day_is_the_start_of_the_next_on_every_python(midnight: str) -> None:
    assert sent(midnight) == datetime(2026, 1, 16, tzinfo=CHICAGO)


@pytest.mark.parametrize("text", ["2026-01-15T24:00:01", "9999-12-31T24:00:00", "2026-02-30T24:00:00"])
def test_no_other_time_has_an_hour_24(text: str) -> None:
    read = Recipient.from_dict({"id": 1, "sentDate": text}, CHICAGO)
    assert (read.sent_date, read.unparsed) == (None, {"sentDate": text})


def test_an_offset_that_is_given_counts() -> None:
    assert sent("2026-11-01T01:30:00-06:00").astimezone(UTC).isoformat() == "2026-11-01T07:30:00+00:00"


def test_every_time_of_the_account_is_in_its_zone_and_scheduled_dates_are_in_utc() -> None:
    text = "2026-07-15 12:00:00"
    names = ("sent_date", "created_at", "updated_at", "deleted_at", "scheduled_date")
    broadcast = BroadcastMessage.from_dict({"id": 1, **dict.fromkeys(names, text)}, CHICAGO)
    moments = {name: getattr(broadcast, name) for name in names}
    assert moments.pop("scheduled_date") == datetime(2026, 7, 15, 12, tzinfo=UTC)
    assert set(moments.values()) == {datetime(2026, 7, 15, 12, tzinfo=CHICAGO)}
    assert RecipientReply.from_dict({"date": text}, CHICAGO).date == datetime(2026, 7, 15, 12, tzinfo=CHICAGO)
    refill = SmsCredits.from_dict({"nextRefillDate": text}, CHICAGO).next_refill_date
    assert refill == datetime(2026, 7, 15, 12, tzinfo=CHICAGO)
    padded = BroadcastMessage.from_dict({"id": 1, "scheduled_date": f" {text}"}, CHICAGO)
    assert padded.scheduled_date == datetime(2026, 7, 15, 12, tzinfo=UTC)


zones = st.sampled_from([CHICAGO, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC"), UTC])


@given(naive=st.datetimes(), zone=zones, separator=st.sampled_from(" T"))
def test_any_wall_clock_time_is_read_as_it_stands(naive: datetime, zone: tzinfo, separator: str) -> None:
    moment = sent(naive.isoformat(separator), zone)
    assert moment.replace(tzinfo=None) == naive
    assert moment.tzinfo is zone
    assert moment.fold == 0


@given(aware=st.datetimes(timezones=zones))
def test_any_moment_with_an_offset_keeps_it_and_comes_back(aware: datetime) -> None:
    moment = sent(aware.isoformat())
    assert moment.utcoffset() == aware.utcoffset()
    assert moment.replace(tzinfo=None) == aware.replace(tzinfo=None, fold=0)
    again = Recipient.from_dict(Recipient(id=1, sent_date=moment).to_dict(), CHICAGO)
    assert again.sent_date == moment
