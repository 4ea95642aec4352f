"""Each account's schedule and plan on its own: what one of them says never stops the others."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from ac_sms_async.fleet import Database, Enqueued, FleetError, Plan, add_account, enqueue, enqueue_due, retry_failed
from ac_sms_async.fleet.accounts import next_time
from ac_sms_async.fleet.errors import WorkerUnfitError

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 28, tzinfo=UTC)
DEEP = bool(os.environ.get("AC_SMS_DEEP"))

FIELDS = st.one_of(
    st.sampled_from(
        ["*", "0", "30", "31", "2", "12", "L", "*/7", "1-5", "R", "H", "mon", "2#5", "1-99", "*/0", "é", "²"]
    ),
    st.text(max_size=4),
)
SCHEDULES = st.one_of(
    st.text(max_size=30),
    st.lists(FIELDS, min_size=1, max_size=7).map(" ".join),
    st.sampled_from(["0 3 * * *", "@daily", "@reboot", "0 0 30 2 *", "0 0 1 12 * 0 2026", "* * * * *\x00", "\ud800"]),
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mode", "include", "horizon_days", "start", "end", "name", "status", "type", "timezones"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
PLANS = JSON | st.fixed_dictionaries(
    {"mode": st.just("full"), "include": st.lists(st.sampled_from(["failures", "links"]), max_size=2)},
    optional={"horizon_days": LEAVES, "start": LEAVES, "name": LEAVES, "cohort": LEAVES},
)


async def add(database: Database, name: str, schedule: str | None = "0 * * * *") -> None:
    await add_account(database, name, f"https://{name}.api-us1.com", token_env="TOKEN", schedule=schedule)


@pytest.mark.parametrize("schedule", ["0 0 1 12 * 0 2026", "0 0 30 2 *", "0 0 31 2,4 *", "* * * * * *", "@reboot"])
def test_a_schedule_that_is_none_is_refused_with_a_sentence(schedule: str) -> None:
    with pytest.raises(FleetError, match=r"is not a cron schedule|is never due"):
        next_time(schedule, NOW)


@settings(max_examples=2000 if DEEP else 150, deadline=None)
@given(SCHEDULES)
def test_any_text_is_a_schedule_that_goes_on_or_is_refused(schedule: str) -> None:
    when = NOW
    try:
        when = next_time(schedule, when)
    except FleetError:
        return
    for _ in range(3):
        later = next_time(schedule, when)
        assert later > when
        when = later
    assert len(schedule.split()) == 5 or schedule.startswith("@")


@settings(max_examples=2000 if DEEP else 150, deadline=None)
@given(PLANS)
def test_any_plan_is_read_or_refused_as_one_of_another_release(value: Any) -> None:
    try:
        plan = Plan.from_json(value)
    except WorkerUnfitError:
        return
    assert Plan.from_json(plan.to_json()) == plan


@settings(max_examples=200 if DEEP else 15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bad=st.lists(
        st.tuples(SCHEDULES.filter(lambda text: "\x00" not in text and "\ud800" not in text), PLANS), max_size=4
    )
)
async def test_whatever_is_in_the_table_the_others_are_enqueued(database: Database, bad: list[tuple[str, Any]]) -> None:
    await database.rows("DELETE FROM procrastinate_jobs")
    await database.rows("DELETE FROM accounts")
    names = [f"a{place}" for place in range(len(bad))]
    for name, (schedule, plan) in zip(names, bad, strict=True):
        await add(database, name)
        await database.rows(
            "UPDATE accounts SET schedule = %s, plan = %s WHERE name = %s",
            (schedule.encode("utf-8", "replace").decode(), Jsonb(plan), name),
        )
    await add(database, "good")
    due = datetime.now(UTC) + timedelta(days=1)
    outcome = await enqueue_due(database, due)
    assert "good" in outcome.queued
    # Each is accounted for, and none is asked about again at once.
    assert sorted([*outcome.queued, *outcome.refused]) == sorted([*names, "good"])
    assert await enqueue_due(database, due) == Enqueued()
    for name, problem in outcome.refused.items():
        [row] = await database.rows("SELECT last_error, last_outcome FROM accounts WHERE name = %s", (name,))
        assert row == {"last_error": problem, "last_outcome": "failed"}


async def test_one_bad_schedule_in_the_table_does_not_stop_the_others(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    for name, schedule in (("acme", "0 0 1 12 * 0 2026"), ("globex", "0 0 30 2 *"), ("initech", "0 * * * *")):
        await add(database, name)
        await database.rows("UPDATE accounts SET schedule = %s WHERE name = %s", (schedule, name))
    outcome = await enqueue_due(database, datetime.now(UTC) + timedelta(days=1))
    assert outcome.queued == ["initech"]
    assert list(outcome.refused) == ["acme", "globex"]
    assert "acme was not scheduled" in caplog.text


async def test_a_plan_of_a_newer_release_stops_its_own_account_only(database: Database) -> None:
    for name in ("acme", "globex"):
        await add(database, name)
    newer = Jsonb({"mode": "cohort", "include": ["links"], "cohort": 3})
    await database.rows("UPDATE accounts SET plan = %s WHERE name = 'acme'", (newer,))
    with pytest.raises(FleetError, match="another release"):
        await enqueue(database, ["acme"])
    outcome = await enqueue(database)
    assert (outcome.queued, list(outcome.refused)) == (["globex"], ["acme"])
    # By a plan that this release knows it can be collected.
    assert (await enqueue(database, ["acme"], plan=Plan())).queued == ["acme"]


async def test_failed_jobs_of_a_newer_release_leave_the_others_to_be_done_again(database: Database) -> None:
    for name in ("acme", "globex"):
        await add(database, name)
    await enqueue(database)
    await database.rows("UPDATE procrastinate_jobs SET status = 'failed'")
    await database.rows(
        "UPDATE procrastinate_jobs SET args = jsonb_set(args, '{plan}', '{\"mode\": \"cohort\"}') "
        "WHERE args->>'account' = 'acme'"
    )
    outcome = await retry_failed(database)
    assert (outcome.queued, list(outcome.refused)) == (["globex"], ["acme"])


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
async def test_names_that_no_database_holds_are_refused(database: Database, name: str) -> None:
    with pytest.raises(FleetError, match="can't be kept"):
        await add_account(database, name, "https://acme.api-us1.com", token_env="T")
    with pytest.raises(FleetError, match="can't be kept"):
        await add_account(database, "acme", "https://acme.api-us1.com", token_env=name)
