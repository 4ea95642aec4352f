"""What a run fetches, how it ends, and what it leaves to the next."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import anyio
import pytest

from ac_sms_async.collect import Progress, Row, RunResult, Statement, StoreBusyError, StoreError, Window
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.window import Detail
from ac_sms_async.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    ServerError,
    TransportError,
)
from tests.collect.fakes import EVERYTHING, FakeSource, Killed, MemoryStore, contents, not_found

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


async def run(
    source: FakeSource,
    store: MemoryStore,
    window: Window | None = None,
    include: frozenset[Detail] = frozenset(),
    *,
    now: datetime = NOW,
    **options: Any,
) -> RunResult:
    return await collect_source(source, store, window or Window(), include, now=lambda: now, **options)


async def rows(store: MemoryStore, sql: str) -> list[Any]:
    return [row[0] if len(row) == 1 else row for row in await store.read(sql)]


def counted(source: FakeSource) -> set[int]:
    """The broadcasts whose metrics were asked for."""
    return {i for what in source.requests if what[0] == "metrics" for i in what[1:]}


def kinds(source: FakeSource) -> set[str]:
    return {what[0] for what in source.requests}


async def test_collects_everything_once() -> None:
    store, source = MemoryStore(), FakeSource()
    result = await run(source, store, include=EVERYTHING)
    assert (result.status, result.exit_code, result.resumed, result.error) == ("complete", 0, False, None)
    assert (result.broadcasts, result.metrics, result.missing, result.failed) == (23, 23, 0, 0)
    sizes = {i: source.size(i) for i in source.ids}
    assert await rows(store, "SELECT COUNT(*) FROM broadcasts") == [23]
    assert await rows(store, "SELECT SUM(sends) FROM metrics") == [sum(sizes.values())]
    assert await rows(store, "SELECT COUNT(*) FROM recipients") == [sum(sizes.values())] == [result.recipients]
    assert await rows(store, "SELECT COUNT(*) FROM replies") == [result.replies]
    with_failures = [i for i in source.ids if source.counts(i)["failures"]]
    assert await rows(store, "SELECT broadcast_id FROM failure_groups ORDER BY 1") == with_failures
    assert result.failure_groups == len(with_failures)
    assert await rows(store, "SELECT available FROM credits") == [100]
    assert await rows(store, "SELECT campaigns FROM snapshots") == [23]
    assert await rows(store, "SELECT status FROM runs") == ["complete"]
    assert (
        await rows(store, "SELECT COUNT(*) FROM work") == [0] == await rows(store, "SELECT COUNT(*) FROM checkpoints")
    )
    assert len(set(source.requests)) == len(source.requests)
    # Drafts have neither recipients nor failures, and aren't asked for them.
    assert not {("failures", 10), ("recipients:10", 0)} & set(source.requests)


async def test_details_only_where_asked_for() -> None:
    store, source = MemoryStore(), FakeSource()
    await run(source, store)
    assert kinds(source) == {"list", "metrics", "credits", "lists", "snapshot"}


async def test_second_run_keeps_history_of_what_changed() -> None:
    store, source = MemoryStore(), FakeSource(ids=[1, 2, 3])
    await run(source, store)
    source.clicks[2] = 7
    await run(source, store, now=NOW + timedelta(days=1))
    assert await rows(store, "SELECT broadcast_id, clicks FROM metrics_history ORDER BY 1, 2") == [
        (1, 1),
        (2, 1),
        (2, 7),
        (3, 1),
    ]
    assert await rows(store, "SELECT broadcast_id, substr(changed_at, 9, 2), clicks FROM metrics ORDER BY 1") == [
        (1, "20", 1),
        (2, "21", 7),
        (3, "20", 1),
    ]
    assert await rows(store, "SELECT COUNT(*) FROM credits") == [2]


async def test_a_writer_that_wakes_late_writes_no_more() -> None:
    store, source, late = MemoryStore(), FakeSource(ids=[1]), FakeSource(ids=[1])
    source.clicks[1], late.clicks[1] = 9, 1

    async def other() -> None:
        assert (await run(source, store, exclusive=False)).status == "complete"

    late.before = {("metrics", 1): other}
    with pytest.raises(StoreBusyError, match="has begun to collect the account 'acme'"):
        await run(late, store, now=NOW + timedelta(days=3650))
    assert await rows(store, "SELECT clicks FROM metrics") == [9]
    assert await rows(store, "SELECT status FROM runs ORDER BY sitting") == ["complete"]


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(days=40), timedelta(days=3650)])
async def test_a_clock_that_was_ahead_changes_nothing(ahead: timedelta) -> None:
    store, source = MemoryStore(), FakeSource(ids=[7, 8, 9])  # the last one was sent on the 10th of October
    since = Window.since_last(timedelta(days=60))
    await run(source, store, since, now=NOW + ahead)
    source.clicks = {9: 7}
    source.ids.append(24)
    result = await run(source, store, since)
    assert (result.status, result.broadcasts) == ("complete", 4)
    assert await rows(store, "SELECT broadcast_id, clicks FROM metrics ORDER BY 1") == [(7, 1), (8, 1), (9, 7), (24, 1)]


async def test_failed_ids_are_owed_to_the_next_run() -> None:
    store, source = MemoryStore(), FakeSource()
    source.errors = {
        ("failures", 4): ServerError("down", status=503),
        ("recipients:5", 0): TransportError("reset"),
        ("metric", 7): not_found(),
        ("credits",): PermissionDeniedError("no", status=403),
    }
    result = await run(source, store, include=EVERYTHING)
    assert (result.status, result.exit_code, result.failed) == ("partial", 3, 4)
    owed = "SELECT kind, broadcast_id, error_type, http_status, attempts FROM failed_ids ORDER BY 1"
    assert await rows(store, owed) == [
        ("credits", 0, "PermissionDeniedError", 403, 1),
        ("failures", 4, "ServerError", 503, 1),
        ("metrics", 7, "NotFoundError", 404, 1),
        ("recipients", 5, "TransportError", None, 1),
    ]
    again = await run(source, store, include=EVERYTHING, now=NOW + timedelta(hours=1))
    assert again.status == "partial"
    assert [row[-1] for row in await rows(store, owed)] == [2, 2, 2, 2]
    source.errors = {}
    source.requests = []
    last = await run(source, store, Window(start=date(2027, 1, 1)), EVERYTHING, now=NOW + timedelta(hours=2))
    assert (last.status, await rows(store, owed)) == ("complete", [])
    # Nothing is in that window but what was owed.
    assert ("failures", 4) in source.requests
    assert ("metrics", 7) in source.requests
    calm, quiet = MemoryStore(), FakeSource()
    await run(quiet, calm, include=EVERYTHING)
    for name in ("metrics", "recipients", "replies", "failure_groups"):
        assert (await contents(store))[name] == (await contents(calm))[name]


async def test_sent_but_not_counted_is_looked_at_all_the_same() -> None:
    store, source = MemoryStore(), FakeSource(ids=[1, 2, 10], missing={1, 10})
    result = await run(source, store, include=EVERYTHING)
    assert (result.status, result.missing, result.metrics) == ("complete", 2, 1)
    assert ("failures", 1) in source.requests
    assert ("recipients:1", 0) in source.requests
    assert not {("failures", 10), ("recipients:10", 0)} & set(source.requests)


@pytest.mark.parametrize("where", [("list", 4), ("metrics", *range(1, 24)), ("failures", 4), ("credits",)])
async def test_a_refused_token_ends_it_and_it_goes_on_afterwards(where: tuple[Any, ...]) -> None:
    store, source = MemoryStore(), FakeSource()
    source.errors = {where: AuthenticationError("wrong token", status=401)}
    result = await run(source, store, include=EVERYTHING)
    assert (result.status, result.exit_code, result.failed) == ("failed", 1, 0)
    assert isinstance(result.error, AuthenticationError)
    assert await rows(store, "SELECT status, error FROM runs") == [("failed", "wrong token")]
    source.errors = {}
    again = await run(source, store, include=EVERYTHING)
    assert (again.status, again.resumed, again.run_id) == ("complete", True, result.run_id)
    calm = MemoryStore()
    await run(FakeSource(), calm, include=EVERYTHING)
    assert await contents(store) == await contents(calm)


async def test_an_outage_is_noticed_and_gone_on_from() -> None:
    store, source = MemoryStore(), FakeSource(ids=list(range(1, 60)))
    source.errors = {("failures", i): ServerError("down", status=503) for i in source.ids}
    result = await run(source, store, include=EVERYTHING)
    assert result.status == "failed"
    assert 5 <= result.failed < 20
    source.errors = {}
    again = await run(source, store, include=EVERYTHING)
    assert (again.status, again.resumed, again.failed) == ("complete", True, 0)


async def test_an_outage_of_metrics_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ac_sms_async.collect.stages.CHUNK", 2)
    store, source = MemoryStore(), FakeSource(ids=list(range(1, 40)))
    source.errors = {("metric", i): ServerError("down", status=503) for i in source.ids}
    result = await run(source, store)
    assert result.status == "failed"
    assert isinstance(result.error, ServerError)
    # A success between them says that it is those ids.
    store, source = MemoryStore(), FakeSource(ids=list(range(1, 40)))
    source.errors = {("metric", i): ServerError("down", status=503) for i in source.ids if i % 8 != 0}
    result = await run(source, store)
    assert (result.status, result.failed) == ("partial", 35)


async def test_mistakes_are_raised_and_the_run_can_be_gone_on_with() -> None:
    store, source = MemoryStore(), FakeSource()
    source.errors = {("snapshot",): ConfigurationError("the client is closed")}
    with pytest.raises(ConfigurationError, match="closed"):
        await run(source, store)
    source.errors = {}
    assert (await run(source, store)).resumed


async def test_cancelled_it_says_so_and_goes_on() -> None:
    store, source = MemoryStore(), FakeSource()
    with anyio.move_on_after(3):
        await run(source, store, include=EVERYTHING)
    assert await rows(store, "SELECT status FROM runs") == ["interrupted"]
    result = await run(source, store, include=EVERYTHING)
    assert (result.status, result.resumed) == ("complete", True)
    assert await rows(store, "SELECT status, resumed FROM runs") == [("complete", 1)]


async def test_cancelled_it_ends_so_although_the_store_fails_then(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(MemoryStore):
        async def write(self, *statements: Statement, durable: bool = False) -> None:
            if scope.cancel_called:
                raise StoreError("the disk is gone")
            await super().write(*statements, durable=durable)

    store, source = Failing(), FakeSource()
    with anyio.CancelScope() as scope:

        async def cancel() -> None:
            scope.cancel()

        source.before["recipients:1", 0] = cancel
        await run(source, store, include=EVERYTHING)
    assert scope.cancelled_caught
    assert "could not note that the run of acme was interrupted: the disk is gone" in caplog.text
    # As after a kill, the same command goes on with it.
    assert await rows(store, "SELECT status FROM runs") == ["running"]
    scope = anyio.CancelScope()
    assert (await run(source, store, include=EVERYTHING)).resumed


async def test_a_store_that_fails_is_told_as_what_it_is() -> None:
    class Failing(MemoryStore):
        is_full = is_gone = False

        async def write(self, *statements: Statement, durable: bool = False) -> None:
            if source.requests:
                self.is_full = True
                raise StoreError("the disk is full")
            await super().write(*statements, durable=durable)

        async def read(self, sql: str, values: Row = ()) -> list[Row]:
            # Whose turn it is can't be asked either.
            if self.is_full and self.is_gone:
                raise StoreError("the disk is gone")
            return await super().read(sql, values)

    for is_gone in (False, True):
        source = FakeSource()
        store = Failing()
        store.is_gone = is_gone
        with pytest.raises(StoreError, match="the disk is full"):
            await run(source, store)


async def test_work_that_nobody_did_is_owed() -> None:
    """It would be a mistake in here, and one that must not be called complete."""
    store, source = MemoryStore(), FakeSource()

    async def forget() -> None:
        await store.write(
            Statement(
                "INSERT INTO work (run_id, kind, broadcast_id, seq, done) SELECT run_id, 'nothing', 1, 0, 0 FROM runs"
            )
        )

    source.before["credits",] = forget
    result = await run(source, store, include=EVERYTHING)
    assert (result.status, result.reasons) == ("partial", ("1 requests were not made",))


async def test_another_command_does_not_take_up_a_run() -> None:
    store, source = MemoryStore(), FakeSource()
    store.kill_at = 4
    with pytest.raises(Killed):
        await run(source, store)
    store.kill_at = None
    other = await run(source, store, include=frozenset({"failures"}))
    assert not other.resumed
    assert await rows(store, "SELECT status FROM runs ORDER BY status") == ["complete", "running"]
    assert (await run(source, store)).resumed


@pytest.mark.parametrize(("later", "fresh"), [(timedelta(days=4), False), (timedelta(hours=1), True)])
async def test_old_runs_are_given_up(later: timedelta, fresh: bool) -> None:
    store, source = MemoryStore(), FakeSource()
    store.kill_at = 4
    with pytest.raises(Killed):
        await run(source, store)
    store.kill_at = None
    result = await run(source, store, now=NOW + later, fresh=fresh)
    assert (result.status, result.resumed) == ("complete", False)
    assert await rows(store, "SELECT status FROM runs ORDER BY status") == ["abandoned", "complete"]
    assert await rows(store, "SELECT COUNT(*) FROM work") == [0]


async def test_since_last_fetches_what_can_still_change() -> None:
    store, source = MemoryStore(), FakeSource()
    since = Window.since_last(timedelta(days=60))
    first = await run(source, store, since, EVERYTHING, now=NOW)
    assert first.broadcasts == 23  # There was no last run, so it is everything.
    source.requests = []
    source.statuses = {10: "sent"}
    source.clicks = {10: 3, 11: 5}
    source.ids.append(24)
    second = await run(source, store, since, EVERYTHING, now=NOW + timedelta(days=1))
    # Sent from the middle of September on: 9, 11, 21, 22, 23, and 10, which was a draft before; 20 is one still. 24 is
    # of January, and new.
    assert counted(source) == {9, 10, 11, 20, 21, 22, 23, 24}
    assert second.broadcasts == 24
    assert await rows(store, "SELECT clicks FROM metrics WHERE broadcast_id = 10") == [3]
    # What has not moved keeps its details; what is new gets them.
    assert [what[1] for what in source.requests if what[0] == "failures"] == [10, 11]
    asked = {name for name in kinds(source) if name.startswith("recipients")}
    assert asked == {"recipients:10", "recipients:11", "recipients:24"}


async def test_since_last_looks_after_what_left_all_lists() -> None:
    store, source = MemoryStore(), FakeSource(ids=[1, 2, 10, 20], statuses={1: "scheduled", 2: "odd"})
    since = Window.since_last(timedelta(days=30))
    await run(source, store, since)
    # 1 was sent long ago as the server's dates go, 2 is in no list though it is there, 10 is gone, 20 is a draft still.
    source.statuses = {1: "sent", 2: "odd"}
    source.ids = [1, 20]
    source.errors = {("broadcast", 10): not_found()}
    source.requests = []
    result = await run(source, store, since, now=NOW + timedelta(days=1))
    assert result.status == "complete"
    assert {what for what in source.requests if what[0] == "broadcast"} == {("broadcast", 2), ("broadcast", 10)}
    assert await rows(store, "SELECT broadcast_id FROM broadcasts WHERE deleted_at IS NOT NULL") == [10]
    assert await rows(store, "SELECT status FROM broadcasts WHERE broadcast_id = 1") == ["sent"]
    source.requests = []
    await run(source, store, since, now=NOW + timedelta(days=2))
    assert ("broadcast", 10) not in source.requests


async def test_since_last_counts_what_was_sent_lately_though_no_list_names_it() -> None:
    store, source = MemoryStore(), FakeSource(ids=[10, 11])  # 11 was sent on the 10th of December
    await run(source, store, now=NOW + timedelta(days=30))
    source.ids, source.requests = [10], []
    await run(source, store, Window.since_last(), now=NOW + timedelta(days=31))
    assert counted(source) == {10, 11}


async def test_since_last_goes_on_with_its_own_dates() -> None:
    store, source = MemoryStore(), FakeSource()
    since = Window.since_last(timedelta(days=60))
    await run(source, store)
    source.requests = []
    store.kill_at = store.writes + 5
    with pytest.raises(Killed):
        await run(source, store, since, now=NOW + timedelta(days=1))
    store.kill_at = None
    result = await run(source, store, since, now=NOW + timedelta(days=2))
    assert (result.status, result.resumed) == ("complete", True)
    assert await rows(store, "SELECT window_start FROM runs WHERE mode = 'since_last'") == ["2026-09-11"]
    assert counted(source) == {9, 10, 11, 20, 21, 22, 23}


async def test_progress_counts_up() -> None:
    store, source = MemoryStore(), FakeSource()
    seen: list[Progress] = []
    result = await run(source, store, include=EVERYTHING, on_progress=seen.append)
    last = seen[-1]
    assert (last.account, last.expected, last.broadcasts) == ("acme", 23, 23)
    assert (last.metrics_done, last.metrics_total) == (23, 23)
    assert last.failures_done == last.failures_total == result.failure_groups
    assert last.recipients_done == last.recipients_total == 21
    assert last.recipients == last.recipients_expected == result.recipients
    assert last.elapsed == result.seconds
    for before, after in pairwise(seen):
        assert after.metrics_done >= before.metrics_done
        assert after.elapsed >= before.elapsed


async def test_memory_store_is_held_and_may_not_be() -> None:
    store, source = MemoryStore(), FakeSource(ids=[1])
    store.held.add("acme")
    with pytest.raises(AssertionError):
        await run(source, store)
    assert (await run(source, store, exclusive=False)).status == "complete"
