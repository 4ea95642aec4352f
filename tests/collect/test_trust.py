"""What was found to be lost or never noticed, one by one: each was once followed by `complete`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from ac_sms_async import SMSClient
from ac_sms_async.collect import RunResult, Statement, StoreError, Window, collect_accounts
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.needs import REFRESH
from ac_sms_async.collect.privacy import forget
from ac_sms_async.collect.window import Detail
from ac_sms_async.errors import (
    ConfigurationError,
    NotFoundError,
    PagingError,
    PermissionDeniedError,
    ServerError,
    SMSError,
    UnprocessableError,
)
from tests.collect.fakes import EVERYTHING, Killed, MemoryStore
from tests.collect.life import START, Life, Person, State, Trouble

pytestmark = pytest.mark.anyio

SINCE = Window.since_last()
REFUSED = UnprocessableError("no", status=422)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


def account(broadcasts: int = 3, people: int = 3) -> Life:
    """Some broadcasts, each with a failed message."""
    life = Life()
    for place in range(broadcasts):
        i = life.add(State("Sale", "sent", START - timedelta(days=place)), people)
        if people:
            change(life, i, lambda person: evolve(person, failed="30003"))
    return life


def change(life: Life, i: int, what: Callable[[Person], Person]) -> None:
    state = life.state(i)
    assert state is not None
    contact = min(state.people)
    life.put(i, evolve(state, people={**state.people, contact: what(state.people[contact])}))


async def run(
    life: Life,
    store: MemoryStore,
    window: Window | None = None,
    include: frozenset[Detail] = frozenset(),
    *,
    days: float = 1,
    **options: Any,
) -> RunResult:
    life.now += timedelta(days=days)
    life.requests.clear()
    life.next_start = 0.0
    return await collect_source(life, store, window or Window(), include, now=lambda: life.now, **options)


async def rows(store: MemoryStore, sql: str) -> list[Any]:
    return [row[0] if len(row) == 1 else row for row in await store.read(sql)]


def asked(life: Life, kind: str) -> list[int]:
    return [what[1] for what in life.requests if what[0] == kind]


# Ids that fail


async def test_five_ids_that_fail_for_ever_stop_nothing_and_are_given_up() -> None:
    life, store = account(12), MemoryStore()
    for i in range(1, 7):
        life.troubles["failures", i] = Trouble(REFUSED)
    first = await run(life, store, SINCE, EVERYTHING)
    assert (first.status, first.exit_code, first.failed) == ("partial", 3, 6)
    assert first.reasons == ("owed: failures of 6 broadcasts, such as: no",)
    assert await rows(store, "SELECT error FROM runs") == ["owed: failures of 6 broadcasts, such as: no"]
    assert await rows(store, "SELECT COUNT(*) FROM failure_groups") == [6]
    tries = runs = 1
    for _ in range(40):
        runs += 1
        new = life.add(State("New", "sent", life.now), 2)
        result = await run(life, store, SINCE, EVERYTHING)
        assert await rows(store, f"SELECT COUNT(*) FROM metrics WHERE broadcast_id = {new}") == [1]
        again = [i for i in asked(life, "failures") if i < 7]
        tries += bool(again)
        # What is owed comes after the new broadcast's recipients were asked for.
        assert not again or life.requests.index(("recipients", new, 0)) < life.requests.index(("failures", again[0]))
        if result.status == "complete":
            break
    assert (tries, runs) == (8, 24)
    assert await rows(store, "SELECT COUNT(*) FROM failed_ids WHERE given_up_at IS NOT NULL") == [6]
    # A full run asks all the same, and what succeeds is no longer in the way.
    life.troubles.clear()
    assert (await run(life, store, Window(), EVERYTHING)).status == "complete"
    assert await rows(store, "SELECT COUNT(*) FROM failed_ids") == [0]


async def test_a_broadcast_that_is_gone_owes_nothing() -> None:
    life, store = account(), MemoryStore()
    life.troubles["metrics", 2] = Trouble(REFUSED)
    assert (await run(life, store)).status == "partial"
    life.put(2, None)
    assert (await run(life, store)).status == "complete"
    assert await rows(store, "SELECT broadcast_id FROM broadcasts WHERE deleted_at IS NOT NULL") == [2]


async def test_no_details_is_an_answer_but_only_the_apis_own() -> None:
    life, store = account(), MemoryStore()
    life.troubles["failures", 1] = Trouble(NotFoundError("none", status=404, body=b'{"message": "none"}'))
    life.troubles["failures", 2] = Trouble(NotFoundError("?", status=404, body=b"<html>"))
    result = await run(life, store, include=EVERYTHING)
    assert (result.status, result.failed) == ("partial", 1)
    assert await rows(store, "SELECT broadcast_id FROM failed_ids") == [2]


async def test_a_storm_over_details_leaves_lists_and_counts_alone() -> None:
    life, store = account(130, people=1), MemoryStore()
    for i in life.history:
        life.troubles["failures", i] = Trouble(ServerError("down", status=503))
    result = await run(life, store, include=EVERYTHING)
    assert (result.status, str(result.error)) == ("failed", "down")
    assert await rows(store, "SELECT COUNT(*) FROM metrics") == [130]
    assert len(asked(life, "failures")) < 20
    # Nobody learned anything about those ids.
    assert set(await rows(store, "SELECT attempts FROM failed_ids")) == {0}
    life.troubles.clear()
    again = await run(life, store, include=EVERYTHING)
    assert (again.status, again.resumed) == ("complete", True)


# What is gone


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (None, True),
        (NotFoundError("No Result found", status=403, body=b'{"message": "No Result found"}'), True),
        (PermissionDeniedError("Forbidden", status=403, body=b'{"message": "Forbidden"}'), False),
        (NotFoundError("?", status=404, body=b"<html>"), False),
        (NotFoundError("?", status=404, body=b"[" * 100_000), False),
    ],
)
@pytest.mark.parametrize("window", [Window(), SINCE])
async def test_what_is_deleted_is_marked(window: Window, error: SMSError | None, gone: bool) -> None:
    life, store = account(), MemoryStore()
    await run(life, store, window)
    state = life.state(2)
    life.put(2, None)
    if error is not None:
        life.troubles["broadcast", 2] = Trouble(error)
    result = await run(life, store, window)
    assert result.status == ("complete" if gone else "partial")
    assert await rows(store, "SELECT COUNT(*) FROM broadcasts") == [3]
    marked = "SELECT broadcast_id FROM broadcasts WHERE deleted_at IS NOT NULL"
    assert await rows(store, marked) == ([2] if gone else [])
    # Seen again, it is no longer marked.
    life.put(2, state)
    assert (await run(life, store, window)).status == "complete"
    assert await rows(store, marked) == []


async def test_too_many_at_once_are_not_believed_but_may_be_accepted() -> None:
    life, store = account(12, people=0), MemoryStore()
    await run(life, store)
    for i in range(1, 7):
        life.put(i, None)
    result = await run(life, store)
    assert result.status == "partial"
    assert "6 of 12 known broadcasts are not in the list any more" in result.reasons[0]
    assert await rows(store, "SELECT COUNT(*) FROM broadcasts WHERE deleted_at IS NOT NULL") == [0]
    assert (await run(life, store, accept_deletions=True)).status == "complete"
    assert await rows(store, "SELECT COUNT(*) FROM broadcasts WHERE deleted_at IS NOT NULL") == [6]


async def test_a_list_that_ends_early_or_has_rows_without_an_id_is_not_complete() -> None:
    life, store = account(), MemoryStore()
    life.cuts["list"] = Trouble(SMSError())
    assert (await run(life, store)).reasons == ("the list ended after 2 of 3 broadcasts",)
    life.cuts["list"] = Trouble(SMSError(), 1)
    assert (await run(life, store)).status == "complete"
    life.unreadable = 2
    assert (await run(life, store)).reasons == ("2 rows of the list came without a usable id",)


async def test_a_list_that_never_ends_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    # So that nine rows are already more than twice the nine that it names, and the margin.
    monkeypatch.setattr("ac_sms_async.paging.walk._MARGIN", -10)
    result = await run(account(9, people=0), MemoryStore())
    assert (result.status, type(result.error)) == ("failed", PagingError)


# Recipients


async def test_who_is_erased_is_blanked_after_a_full_pass_and_not_before() -> None:
    life, store = account(1), MemoryStore()
    change(life, 1, lambda person: evolve(person, replies=("Yes",)))
    await run(life, store, include=EVERYTHING)
    life.person(0, 0, lambda _: None)
    life.cuts["recipients"] = Trouble(SMSError())
    life.add(State("Large", "sent", life.now), 3)
    result = await run(life, store, include=EVERYTHING)
    assert (result.status, result.failed) == ("partial", 1)
    assert "recipients came" in result.reasons[0]
    life.cuts.clear()
    assert (await run(life, store, include=EVERYTHING)).status == "complete"
    people = "SELECT name, phone_number, error_code, erased_at IS NOT NULL FROM recipients WHERE broadcast_id = 1"
    assert (await rows(store, people))[0] in [("Contact 1", "+15550000001", "30003", 0), (None, None, "30003", 1)]
    erased = await rows(store, "SELECT contact_id FROM recipients WHERE erased_at IS NOT NULL")
    assert len(erased) == 1
    assert await rows(store, "SELECT COUNT(*) FROM recipients") == [6]


async def test_a_server_that_names_no_total_is_believed_while_nobody_vanishes() -> None:
    life, store = Life(says_total=False), MemoryStore()
    life.add(State("Sale", "sent", START), 3)
    assert (await run(life, store, include=EVERYTHING)).status == "complete"
    life.person(0, 0, lambda _: None)
    result = await run(life, store, include=EVERYTHING)
    assert result.reasons == ("owed: recipients of 1 broadcasts, such as: 2 of an unknown number of recipients came",)


async def test_forgotten_they_stay_so() -> None:
    life, store = account(2), MemoryStore()
    change(life, 1, lambda person: evolve(person, replies=("Yes",)))
    await run(life, store, include=EVERYTHING)
    with pytest.raises(ValueError, match="either"):
        await forget(store)
    assert await forget(store, phone="+0") == 0
    assert await forget(store, phone="+15550000001", account="other") == 0
    assert await forget(store, phone="+15550000001", account="acme") == 1
    assert await forget(store, contact=4) == 1
    assert await forget(store, contact=999, account="acme") == 0
    assert (await run(life, store, include=EVERYTHING)).status == "complete"
    blank = "SELECT contact_id FROM recipients WHERE name IS NULL AND phone_number IS NULL AND erased_at IS NOT NULL "
    blank += "ORDER BY 1"
    assert await rows(store, blank) == [1, 4]
    assert await rows(store, "SELECT COUNT(*) FROM replies") == [0]
    # One that a run wrote while it was being forgotten goes with the next one.
    store.connection.execute("UPDATE recipients SET name = 'Ann', erased_at = NULL WHERE contact_id = 1")
    life.troubles["recipients", 1] = Trouble(REFUSED)
    await run(life, store, include=EVERYTHING)
    assert await rows(store, blank) == [1, 4]


async def test_personal_data_is_kept_for_so_long() -> None:
    life, store = account(2), MemoryStore()
    life.add(State("Undated", "sent"), 1)
    with pytest.raises(ConfigurationError, match="negative"):
        await run(life, store, keep_personal=timedelta(days=-1))
    named = "SELECT COUNT(*) FROM recipients WHERE name IS NOT NULL"
    await run(life, store, include=EVERYTHING)
    assert await rows(store, named) == [7]
    # Not fetched again, and blanked all the same.
    await run(life, store, days=1, keep_personal=timedelta(days=3))
    assert await rows(store, named) == [4]
    await run(life, store, include=EVERYTHING, days=60, keep_personal=timedelta(days=2))
    assert await rows(store, named) == [1]


# A refresh costs what changed


async def test_failure_groups_are_fetched_where_counts_have_moved() -> None:
    life, store = account(4), MemoryStore()
    assert (await run(life, store, include=EVERYTHING)).failure_groups == 4
    again = await run(life, store, include=EVERYTHING)
    assert (again.status, asked(life, "failures")) == ("complete", [])
    assert sorted(set(asked(life, "recipients"))) == [1, 2, 3, 4]
    change(life, 2, lambda person: evolve(person, clicks=1))
    await run(life, store, include=EVERYTHING)
    assert asked(life, "failures") == [2]
    await run(life, store, include=EVERYTHING, refresh=True)
    assert sorted(asked(life, "failures")) == [1, 2, 3, 4]
    await run(life, store, include=EVERYTHING, days=REFRESH.days + 1)
    assert sorted(asked(life, "failures")) == [1, 2, 3, 4]
    # Nothing failed, as is known now: no request is needed to take the groups away.
    change(life, 3, lambda person: evolve(person, failed=None))
    await run(life, store, SINCE, EVERYTHING, days=0.1)
    assert asked(life, "failures") == []
    assert await rows(store, "SELECT broadcast_id FROM failure_groups") == [1, 2, 4]


@pytest.mark.parametrize("window", [Window(), SINCE])
async def test_what_a_killed_run_owed_is_not_skipped_for_ever(window: Window) -> None:
    undisturbed = 0
    for moment in range(1, 40):
        life, store = account(2), MemoryStore()
        await run(life, store, window, EVERYTHING)
        for i in (1, 2):
            change(life, i, lambda person: evolve(person, failed="30005", clicks=2))
        store.kill_at = store.writes + moment
        try:
            await run(life, store, window, EVERYTHING)
        except Killed:
            pass
        else:
            undisturbed += 1
        store.kill_at = None
        # Another command, so that no run is gone on with.
        assert (await run(life, store, window, EVERYTHING, fresh=True)).status == "complete"
        assert await rows(store, "SELECT error_code FROM failure_groups") == ["30005", "30005"], moment
    assert 0 < undisturbed < 39


async def test_what_was_never_collected_is_owed_whatever_its_age() -> None:
    life, store = account(2), MemoryStore()
    life.add(State("Undated", "sent"), 1)
    life.add(State("Odd", "paused"))
    await run(life, store, SINCE)
    await run(life, store, SINCE, days=300)
    life.add(State("Now", "sent", life.now), 1)
    await run(life, store, SINCE, days=1)
    await run(life, store, SINCE, EVERYTHING, days=1)
    # At rest, and never asked for their details before.
    assert sorted(asked(life, "failures")) == [1, 2]
    assert sorted(set(asked(life, "recipients"))) == [1, 2, 3, 5]
    result = await run(life, store, SINCE, EVERYTHING, days=1)
    assert (result.status, asked(life, "failures"), asked(life, "recipients")) == ("complete", [], [])
    # What was cleared at rest is cleared without a request.
    store.connection.execute("UPDATE metrics SET failures = 0 WHERE broadcast_id = 1")
    await run(life, store, SINCE, EVERYTHING, days=1)
    assert await rows(store, "SELECT broadcast_id FROM failure_groups") == [2]


async def test_details_of_what_could_never_be_counted_are_fetched_all_the_same() -> None:
    life, store = Life(), MemoryStore()
    life.add(State("Draft", "draft"))
    assert (await run(life, store)).status == "complete"
    # Its counts fail for ever, and are given up; then it is sent.
    life.troubles["metrics", 1] = Trouble(UnprocessableError("no", status=422))
    assert (await run(life, store, Window.since_last())).status == "partial"
    await store.write(Statement("UPDATE failed_ids SET given_up_at = last_failed_at"))
    life.deliver(0, 3)
    for _ in range(2):
        assert (await run(life, store, Window.since_last(), EVERYTHING)).status == "complete"
    assert await rows(store, "SELECT COUNT(*) FROM recipients") == [3]


async def test_dates_at_the_beginning_of_time() -> None:
    life, store = Life(), MemoryStore()
    life.add(State("Old", "sent", datetime(1, 1, 1, tzinfo=UTC)), 1)
    for _ in range(3):
        assert (await run(life, store, SINCE, EVERYTHING)).status == "complete"


async def test_an_account_without_anything() -> None:
    life, store = Life(), MemoryStore()
    assert (await run(life, store, SINCE, EVERYTHING)).status == "complete"
    life.add(State("All erased", "sent", life.now), 1)
    await run(life, store, SINCE, EVERYTHING)
    life.person(0, 0, lambda _: None)
    assert (await run(life, store, Window(), EVERYTHING)).status == "complete"
    assert await rows(store, "SELECT name FROM recipients") == [None]


async def test_what_ends_one_account_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: dict[str, Exception | None] = {"a": RecursionError("too deep"), "b": StoreError("full"), "c": None}
    done = await run(account(1), MemoryStore())

    async def collect(sms: SMSClient, *_: Any, **__: Any) -> RunResult:
        error = ends[sms.transport.account]
        if error is not None:
            raise error
        return done

    monkeypatch.setattr("ac_sms_async.collect.job.collect", collect)
    async with (
        SMSClient("https://a.example", "token-of-a", account="a") as one,
        SMSClient("https://b.example", "token-of-b", account="b") as two,
        SMSClient("https://c.example", "token-of-c", account="c") as three,
    ):
        results = await collect_accounts([one, two, three], MemoryStore())
        assert [(result.status, result.error) for result in results] == [
            ("failed", ends["a"]),
            ("failed", ends["b"]),
            ("complete", None),
        ]
        # A store that failed all of them is one error, and not a group.
        with pytest.raises(StoreError, match="full"):
            await collect_accounts([two], MemoryStore())
