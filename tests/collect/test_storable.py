"""Whatever a server or a command line gives, both stores take it, and give it back as it can be kept."""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ac_sms_async import UnprocessableError
from ac_sms_async.collect import Statement, Window, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.rows import broadcast_fields, failure_fields
from ac_sms_async.collect.store.storable import as_json, moment, short, storable
from ac_sms_async.models import BroadcastMessage, FailureDetail
from tests.collect.conftest import any_store
from tests.collect.fakes import EVERYTHING, FakeSource

pytestmark = pytest.mark.anyio

AT = "2026-03-01T12:00:00Z"
EXAMPLES = 400 if os.environ.get("AC_SMS_DEEP") else 25

texts = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["\x00", "\ud800", "a\udcffb", "'; --", "%s?"]
)
scalars = (
    st.none()
    | st.booleans()
    | texts
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.datetimes(timezones=st.just(UTC))
    | st.datetimes(timezones=st.sampled_from([timezone(timedelta(hours=h)) for h in (-23, -6, 0, 9, 23)]))
    | st.dates()
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


def nested(levels: int) -> Any:
    found: Any = "deep"
    for level in range(levels):
        found = [found] if level % 2 else {"in": found}
    return found


@any_store
async def test_anything_can_be_kept(target: str) -> None:
    """What is bound never stops a run; and it comes back as what `storable` made of it."""
    async with await open_store(target) as store:

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(texts, values, st.integers(-(2**70), 2**70), values)
        @example("\x00", nested(2000), 2**63, "\ud800")
        @example("a" * 100_000, float("nan"), -(2**63) - 1, {"a": 10**5000, "\x00": "\udfff"})
        @example("x", datetime.max.replace(tzinfo=timezone(timedelta(hours=-6))), 0, datetime.min.replace(tzinfo=UTC))
        def check(name: str, extra: Any, count: int, error: Any) -> None:
            async def write() -> None:
                insert = Statement(
                    "INSERT INTO failed_ids (account, kind, broadcast_id, error, error_type, http_status, attempts, "
                    "first_failed_at, last_failed_at, run_id) VALUES ('a', 'k', 1, ?, ?, ?, 1, ?, ?, ?)",
                    [(name, str(storable(error)), count, AT, AT, "r")],
                )
                await store.write(Statement("DELETE FROM failed_ids"), insert)
                [(kept, _, number)] = await store.read("SELECT error, error_type, http_status FROM failed_ids")
                assert (kept, number) == (storable(name), storable(count))
                # Also a value that is looked for.
                found = await store.read("SELECT COUNT(*) FROM failed_ids WHERE error = ? AND kind <> ?", (name, name))
                assert found == [(int(name != "k"),)]
                await store.write(
                    Statement("DELETE FROM broadcasts"),
                    Statement(
                        "INSERT INTO broadcasts (account, broadcast_id, name, extra, first_collected_at, collected_at, "
                        "run_id) VALUES ('a', 1, ?, ?, ?, ?, 'r')",
                        [(name, as_json(extra), AT, AT)],
                    ),
                )
                await store.read("SELECT name, extra FROM broadcasts")

            anyio.from_thread.run(write)

        await anyio.to_thread.run_sync(check)


@any_store
async def test_what_a_server_says_of_an_error_is_kept(target: str) -> None:
    source = FakeSource(ids=[1, 2], latency=0.0, pace=0.0)
    source.errors["failures", 1] = UnprocessableError("no \x00 \ud800 " + "long " * 9, status=422)
    async with await open_store(target) as store:
        result = await collect_source(source, store, Window(name="\udcff\x00"), EVERYTHING)
        assert result.status == "partial"
        [(error,)] = await store.read("SELECT error FROM failed_ids")
        assert str(error).startswith("no \ufffd ? long")


def test_numbers_times_and_depths() -> None:
    assert storable(2**63) is None
    assert storable(2**63 - 1) == 2**63 - 1
    assert storable(float("nan")) is None
    assert storable(date(33, 4, 3)) == "0033-04-03"
    assert moment(datetime(33, 4, 3, 15, tzinfo=UTC)) == "0033-04-03T15:00:00Z"
    assert storable(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))) is None
    assert "nested too deeply" in as_json(nested(sys.getrecursionlimit() * 3))
    assert "nested too deeply" not in as_json(nested(60))
    assert as_json([10**400]) == '["(a number too large to be kept)"]'
    assert as_json([2**70]) == f"[{2**70}]"
    assert len(short("x" * 9999)) == 255


def test_what_no_column_has_room_for_is_kept_beside() -> None:
    late = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-6)))
    fields = broadcast_fields(BroadcastMessage(id=1, sent_date=late, sent_to_count=2**70))
    assert (fields["sent_date"], fields["sent_to_count"]) == (None, None)
    assert fields["extra"] == f'{{"sent_date":"9999-12-31T23:59:59-06:00","sent_to_count":{2**70}}}'
    [group] = failure_fields([FailureDetail(error_code="1", count=2**62), FailureDetail(error_code="1", count=2**62)])
    assert group["count"] == 2**63 - 1
    codes = [FailureDetail(error_code=f"{'x' * 9000}{end}", count=1) for end in "ab"]
    [group] = failure_fields(codes)
    assert (len(str(group["error_code"])), group["count"]) == (255, 2)


@any_store
async def test_years_of_all_centuries(target: str) -> None:
    times = ["0001-01-01T00:00:00Z", "0033-04-03T15:00:00Z", "0999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"]
    async with await open_store(target) as store:
        sql = (
            "INSERT INTO broadcasts (account, broadcast_id, sent_date, first_collected_at, collected_at, run_id) "
            "VALUES ('a', ?, ?, ?, ?, 'r')"
        )
        rows = [(number, storable(datetime.fromisoformat(at)), AT, AT) for number, at in enumerate(times)]
        await store.write(Statement(sql, rows))
        assert await store.read("SELECT sent_date FROM broadcasts ORDER BY broadcast_id") == [(at,) for at in times]
        months = await store.read("SELECT month FROM monthly_rates ORDER BY month")
        assert months == [("0001-01",), ("0033-04",), ("0999-12",), ("9999-12",)]
        from ac_sms_async.collect.report import load_report

        await load_report(store)


async def test_no_lock_of_a_name_that_is_no_text(tmp_path: Path) -> None:
    async with await open_store(tmp_path / "m.sqlite") as store, store.exclusive("\udcff\x00"):
        await anyio.lowlevel.checkpoint()
