"""Whatever the API gives becomes a row that both databases take."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.collect.rows import (
    broadcast_fields,
    credits_fields,
    failure_fields,
    metrics_fields,
    recipient_fields,
    snapshot_fields,
    value,
)
from ac_sms_async.collect.store.schema import table
from ac_sms_async.models import (
    BroadcastMessage,
    BroadcastMetrics,
    FailureDetail,
    Recipient,
    RecipientDetails,
    RecipientReply,
    SmsCredits,
    Snapshot,
)

CST = timezone(timedelta(hours=-6))
AT = datetime(2026, 3, 1, 6, 0, 0, 123456, tzinfo=CST)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
anything = json_values | st.datetimes(timezones=st.just(CST) | st.just(UTC)) | st.dates() | st.binary(max_size=3)


@given(anything)
def test_any_value_fits_both_databases(given_value: Any) -> None:
    kept = value(given_value)
    assert kept is None or isinstance(kept, str | int | float)
    if isinstance(kept, str):
        assert "\x00" not in kept
        kept.encode()
    if isinstance(given_value, list | dict):
        assert "\\u0000" not in str(kept).replace("\\\\", "")
        json.loads(str(kept), parse_constant=pytest.fail)
    connection = sqlite3.connect(":memory:")
    connection.execute("SELECT ?", (kept,)).fetchone()
    connection.close()


@pytest.mark.parametrize(
    ("given_value", "kept"),
    [
        (AT, "2026-03-01T12:00:00Z"),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime.max.replace(tzinfo=CST), None),
        (2**63, None),
        (-(2**63), -(2**63)),
        (True, True),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud800", "?"),
        ([1, 2], "[1,2]"),
        ({"b": float("nan"), "a": "é"}, '{"a":"é","b":null}'),
        ({1: AT}, '{"1":"2026-03-01 06:00:00.123456-06:00"}'),
    ],
)
def test_values(given_value: Any, kept: Any) -> None:
    assert value(given_value) == kept
    assert type(value(given_value)) is type(kept)


def test_a_broadcast() -> None:
    item = BroadcastMessage(id=4, name="Sale", sent_date=AT, list_ids=[1], shorten_track_links_enabled=True)
    fields = broadcast_fields(item)
    assert (fields["broadcast_id"], fields["name"], fields["sent_date"]) == (4, "Sale", "2026-03-01T12:00:00Z")
    assert (fields["list_ids"], fields["shorten_track_links_enabled"], fields["extra"]) == ("[1]", True, None)
    others = {"account", "run_id", "collected_at", "first_collected_at"}
    others |= {"failures_collected_at", "recipients_collected_at", "sitting", "failures_counts", "recipients_counts"}
    assert set(fields) | others == set(table("broadcasts").names)
    unknown = broadcast_fields(BroadcastMessage(id=4, extra={"new": 1}, unparsed={"sent_date": "never"}))
    assert unknown["extra"] == '{"new":1,"sent_date":"never"}'


def test_a_recipient() -> None:
    item = Recipient(
        id=7,
        name="Ann",
        phone_number="+1",
        opt_out="no",
        replies=[RecipientReply(message="Yes", date=AT), RecipientReply(message=None)],
        details=RecipientDetails(error_code="30003", error_source="twilio"),
    )
    row = recipient_fields(item)
    assert (row.contact_id, row.fields["reply_count"], row.fields["error_code"]) == (7, 2, "30003")
    assert row.replies == [
        {"contact_id": 7, "position": 0, "message": "Yes", "date": "2026-03-01T12:00:00Z"},
        {"contact_id": 7, "position": 1, "message": None, "date": None},
    ]
    bare = recipient_fields(Recipient(id=8))
    assert (bare.fields["error_code"], bare.fields["reply_count"], bare.replies) == (None, 0, [])
    others = {"account", "broadcast_id", "run_id", "collected_at", "sitting", "erased_at"}
    assert {*bare.fields, *others} == set(table("recipients").names)


def test_counts_credits_and_failures() -> None:
    assert metrics_fields(BroadcastMetrics(id=3, sends=2))["sends"] == 2
    assert snapshot_fields(Snapshot(campaigns=5, opt_outs=1))["campaigns"] == 5
    assert credits_fields(SmsCredits(extra_credits=9, available=4))["extra_credits"] == 9
    groups = [
        FailureDetail(error_code="30003", error_source="twilio", count=2),
        FailureDetail(error_code="30003", error_source="twilio", count=3),
        FailureDetail(),
    ]
    assert failure_fields(groups) == [
        {"error_code": "30003", "error_source": "twilio", "count": 5},
        {"error_code": "", "error_source": "", "count": 0},
    ]
