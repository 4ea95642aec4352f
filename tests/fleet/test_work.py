"""A worker's jobs, in this process, at a sandbox without a limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job, Status
from psycopg import sql

from ac_sms_async import (
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    RateLimit,
    ServerError,
)
from ac_sms_async.collect import Statement, StoreError, Window
from ac_sms_async.collect.store.postgres import PostgresStore
from ac_sms_async.fleet import (
    Database,
    Enqueued,
    FleetError,
    LeaseLostError,
    Plan,
    Vault,
    Worker,
    add_account,
    enqueue,
    find_accounts,
    fleet_status,
    open_database,
)
from ac_sms_async.fleet import job as job_module
from ac_sms_async.fleet.app import MAX_ATTEMPTS, Again, Retries, again, make_app
from ac_sms_async.fleet.fence import FencedJobManager
from ac_sms_async.fleet.job import Collector
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.prometheus import prometheus_text
from ac_sms_async.fleet.queue import QUEUE, SCHEDULE, TIDY
from ac_sms_async.fleet.stores import LeasedStore, Stores
from ac_sms_async.sandbox import Clock, Sandbox
from tests.fleet.waiting import until

pytestmark = pytest.mark.anyio

FULL = Plan(Window())


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "LIMIT", RateLimit(500, per=0.1, margin=0))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=["acme", "globex"], broadcasts=20, rate_limit=None, clock=Clock(speed=0)) as running:
        yield running


async def add_all(database: Database, sandbox: Sandbox, vault: Vault, **tokens: str) -> None:
    for name, access in sandbox.accounts.items():
        token = tokens.get(name, access.token)
        await add_account(database, name, access.url, token=token, vault=vault, plan=FULL)


def a_job(sandbox: Sandbox, account: str = "acme") -> Job:
    lock = sandbox.accounts[account].url
    return Job(id=1, queue="fleet", lock=lock, queueing_lock=None, task_name="t")


async def outcome(database: Database, name: str) -> tuple[str | None, str | None, int, int]:
    [row] = await database.rows("SELECT * FROM accounts WHERE name = %s", (name,))
    return row["last_outcome"], row["last_reason"], row["requests"], row["rows"]


# A job


async def test_a_job_collects_its_account_and_keeps_the_books(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault
) -> None:
    await add_all(database, sandbox, vault)
    async with Stores(fleet_dsn) as stores:
        collector = Collector(database, stores, Lease(30), vault, worker="here")
        await collector.run(a_job(sandbox), "acme", FULL.to_json())
        [(number,)] = await (await stores.get()).read("SELECT COUNT(*) FROM metrics WHERE account = 'acme'")
    assert number == 20
    assert await outcome(database, "acme") == ("complete", None, sandbox.journal.seen, 40)
    [sitting] = await database.rows("SELECT * FROM sittings")
    assert (sitting["worker"], sitting["outcome"], sitting["rows"]) == ("here", "complete", 40)
    assert sitting["ended_at"] is not None


async def test_a_job_begins_with_silence_for_whom_had_the_account_before(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_all(database, sandbox, vault)
    limit = RateLimit()
    slept: list[tuple[float, int]] = []

    async def sleep(seconds: float) -> None:
        slept.append((seconds, sandbox.journal.seen))

    monkeypatch.setattr(job_module, "LIMIT", limit)
    monkeypatch.setattr("ac_sms_async.fleet.job.anyio.sleep", sleep)
    async with Stores(fleet_dsn) as stores:
        await Collector(database, stores, Lease(30), vault).run(a_job(sandbox), "acme", FULL.to_json())
    assert slept[0] == (limit.window, 0)
    assert sandbox.journal.seen > 0


async def test_a_job_that_fails_says_why(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    await add_all(database, sandbox, vault, acme="wrong")
    async with Stores(fleet_dsn) as stores:
        with pytest.raises((AuthenticationError, PermissionDeniedError)) as caught:
            await Collector(database, stores, Lease(30), vault).run(a_job(sandbox), "acme", FULL.to_json())
    ended = await outcome(database, "acme")
    assert ended[:2] == ("failed", type(caught.value).__name__)
    assert "acme failed: " in caplog.text
    assert "wrong" not in caplog.text.replace("wrong,", "")


async def test_a_job_without_its_token_is_not_begun(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault
) -> None:
    await add_account(database, "acme", sandbox.accounts["acme"].url, token_env="NOT_SET_ANYWHERE")
    async with Stores(fleet_dsn) as stores:
        with pytest.raises(FleetError, match="NOT_SET_ANYWHERE"):
            await Collector(database, stores, Lease(30), vault).run(a_job(sandbox), "acme", FULL.to_json())
        with pytest.raises(FleetError, match="no account 'gone'"):
            await Collector(database, stores, Lease(30), vault).run(a_job(sandbox), "gone", FULL.to_json())
    assert (await outcome(database, "acme"))[1] == "WorkerUnfitError"
    assert sandbox.journal.seen == 0


async def test_one_host_may_do_without_tls(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the environment says so, as in containers with a sandbox: when it is added, and at each worker."""
    access = sandbox.accounts["acme"]
    url = access.url.replace("127.0.0.1", "0.0.0.0")
    job = Job(id=1, queue="fleet", lock=url, queueing_lock=None, task_name="t")
    for trusted in ("", "0.0.0.0:1"):
        monkeypatch.setenv("ACTIVECAMPAIGN_INSECURE_HOST", trusted)
        with pytest.raises(ConfigurationError, match="name its host in ACTIVECAMPAIGN_INSECURE_HOST"):
            await add_account(database, "acme", url, token=access.token, vault=vault, plan=FULL)
    host = url.removeprefix("http://").partition("/")[0]
    monkeypatch.setenv("ACTIVECAMPAIGN_INSECURE_HOST", host)
    await add_account(database, "acme", f" {url} ", token=access.token, vault=vault, plan=FULL)
    async with Stores(fleet_dsn) as stores:
        await Collector(database, stores, Lease(30), vault).run(job, "acme", FULL.to_json())
        assert (await outcome(database, "acme"))[0] == "complete"
        monkeypatch.delenv("ACTIVECAMPAIGN_INSECURE_HOST")
        with pytest.raises(FleetError, match="name its host in ACTIVECAMPAIGN_INSECURE_HOST"):
            await Collector(database, stores, Lease(30), vault).run(job, "acme", FULL.to_json())


async def test_without_a_lease_no_request_starts_and_nothing_is_written(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault
) -> None:
    await add_all(database, sandbox, vault)
    now = 0.0

    def freeze(*_: Any) -> float:
        nonlocal now
        now = 100.0
        return 0.0

    lease = Lease(30, clock=lambda: now)
    async with Stores(fleet_dsn) as stores:
        store = await stores.get()
        before = await store.read("SELECT * FROM runs")
        collector = Collector(database, stores, lease, vault)
        sandbox.faults.add("503", count=1)
        with pytest.MonkeyPatch.context() as patched:
            # Frozen where the next one cannot be stopped any more: the request itself has begun.
            patched.setattr("ac_sms_async.transport.call.Call._delay_after", freeze)
            with pytest.raises(LeaseLostError):
                await collector.run(a_job(sandbox), "acme", FULL.to_json())
        assert before == []
        assert [row[0] for row in await store.read("SELECT status FROM runs")] == ["running"]
    # The one that was answered 503, and those beside it; none of them was tried again.
    assert len({(entry.operation, entry.query) for entry in sandbox.journal}) == sandbox.journal.seen
    assert await outcome(database, "acme") == (None, None, 0, 0)


async def test_a_job_that_is_stopped_says_so_and_the_next_sitting_goes_on(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault
) -> None:
    await add_all(database, sandbox, vault)
    sandbox.faults.add("slow", seconds=30)
    async with Stores(fleet_dsn) as stores:
        collector = Collector(database, stores, Lease(30), vault)
        with anyio.move_on_after(1):
            await collector.run(a_job(sandbox), "acme", FULL.to_json())
        assert (await outcome(database, "acme"))[0] == "interrupted"
        sandbox.faults.clear()
        await collector.run(a_job(sandbox), "acme", FULL.to_json())
        [(runs,)] = await (await stores.get()).read("SELECT COUNT(*) FROM runs")
    assert runs == 1
    assert (await outcome(database, "acme"))[0] == "complete"


async def test_a_job_that_fails_without_a_lease_leaves_the_books_to_its_replacement(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_all(database, sandbox, vault)
    lease = Lease(30)

    async def collect(*_: Any, **__: Any) -> None:
        lease.give_up()
        raise StoreError("broken off")

    monkeypatch.setattr(job_module, "collect_source", collect)
    async with Stores(fleet_dsn) as stores:
        with pytest.raises(StoreError):
            await Collector(database, stores, lease, vault).run(a_job(sandbox), "acme", FULL.to_json())
    assert await outcome(database, "acme") == (None, None, 0, 0)
    assert await database.rows("SELECT outcome, ended_at FROM sittings") == [{"outcome": None, "ended_at": None}]


async def test_books_that_cannot_be_kept_do_not_hide_how_a_job_ended(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    await add_all(database, sandbox, vault)
    async with Stores(fleet_dsn) as stores:
        collector = Collector(database, stores, Lease(30), vault)
        await stores.get()
        await database.rows("ALTER TABLE accounts RENAME COLUMN last_error TO elsewhere")
        await collector.run(a_job(sandbox), "acme", FULL.to_json())
    assert "could not note how the job of acme ended" in caplog.text


async def test_a_sitting_that_was_left_open_is_closed_by_the_next_one(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault
) -> None:
    await add_all(database, sandbox, vault)
    lease = Lease(30)
    async with Stores(fleet_dsn) as stores:
        lease.give_up()
        with pytest.raises(LeaseLostError):
            await Collector(database, stores, lease, vault).run(a_job(sandbox), "acme", FULL.to_json())
        await Collector(database, stores, Lease(30), vault).run(a_job(sandbox), "acme", FULL.to_json())
    assert [row["outcome"] for row in await database.rows("SELECT outcome FROM sittings ORDER BY id")] == [
        "lost",
        "complete",
    ]


# Its store


async def test_stores_are_shared_and_renewed_when_they_break(fleet_dsn: str) -> None:
    async with Stores(fleet_dsn, size=2) as stores:
        first, second, third = [await stores.get() for _ in range(3)]
        assert first is third
        assert first is not second
        stores.abort()
        for broken in (first, second):
            with pytest.raises(StoreError):
                await broken.read("SELECT 1")
            assert broken.closed
            # There is nothing left to break off.
            broken.abort()
        renewed = [await stores.get() for _ in range(2)]
        assert first not in renewed
        assert await renewed[0].read("SELECT 1") == [(1,)]
    assert renewed[0].closed
    async with Stores(fleet_dsn) as unused:
        unused.abort()


async def test_a_store_within_a_lease(fleet_dsn: str) -> None:
    lease = Lease(30)
    async with await PostgresStore.open(fleet_dsn) as own:
        async with LeasedStore(own, lease) as store:
            account = ("acme", "https://acme.example", "2026-01-01T00:00:00Z")
            await store.write(
                Statement("INSERT INTO accounts (account, url, first_seen_at) VALUES (?, ?, ?)", [account])
            )
            lease.give_up()
            with pytest.raises(LeaseLostError):
                await store.write(Statement("DELETE FROM accounts"))
            assert await store.read("SELECT account FROM accounts") == [("acme",)]
            async with store.stream("SELECT account FROM accounts") as chunks, store.exclusive("acme"):
                assert [chunk async for chunk in chunks] == [[("acme",)]]
        assert not own.closed


async def test_a_write_that_fails_leaves_nothing_behind_and_the_next_one_goes_on(fleet_dsn: str) -> None:
    insert = "INSERT INTO accounts (account, url, first_seen_at) VALUES (?, ?, ?)"
    rows = [(name, "https://acme.example", "2026-01-01T00:00:00Z") for name in ("acme", "globex")]
    async with Stores(fleet_dsn) as stores:
        store = await stores.get()
        with pytest.raises(StoreError, match="duplicate key"):
            await store.write(Statement(insert, rows[:1]), Statement(insert, []), Statement(insert, rows))
        assert await store.read("SELECT * FROM accounts") == []
        await store.write(Statement(insert, rows))
        assert len(await store.read("SELECT * FROM accounts")) == 2
        assert await store.read("SHOW synchronous_commit") == [("off",)]


# The app


@pytest.mark.parametrize(
    ("error", "failures", "expected"),
    [
        (ServerError("503", status=503), 1, 5),
        (ServerError("503", status=503), 4, 135),
        (ServerError("503", status=503), 7, 3600),
        (ServerError("503", status=503), MAX_ATTEMPTS, None),
        (StoreError("gone"), 50, 30),
        (AuthenticationError("401", status=401), 1, None),
        (ConfigurationError("bad"), 1, None),
        (FleetError("another URL's token"), 1, None),
    ],
)
async def test_which_failures_are_tried_again_and_when(
    error: Exception, failures: int, expected: int | None, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    async def counted(*_: Any) -> int:
        return failures

    monkeypatch.setattr(Collector, "failures", counted)
    database: Any = None
    later = await again(Collector(database, Stores(""), Lease(30)), a_job(sandbox), error)
    assert (None if later is None else later.seconds) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Again(7), {"retry_in": {"seconds": 7}, "lock": None, "priority": None}),
        (Again(0, "https://a.example"), {"retry_in": {"seconds": 0}, "lock": "https://a.example", "priority": None}),
        (Again(30, priority=-1), {"retry_in": {"seconds": 30}, "lock": None, "priority": -1}),
        (asyncio.CancelledError(), {"retry_in": {"seconds": 0}}),
        (JobAborted(), {"retry_in": {"seconds": 0}}),
        (AuthenticationError("401", status=401), None),
    ],
)
def test_what_the_queue_is_told(
    error: BaseException, expected: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def decide(**options: Any) -> str:
        asked.append(options)
        return "a decision"

    monkeypatch.setattr("ac_sms_async.fleet.app.RetryDecision", decide)
    job = Job(id=1, queue="fleet", lock=None, queueing_lock=None, task_name="t", attempts=50)
    decision = Retries().get_retry_decision(exception=error, job=job)
    assert asked == ([] if expected is None else [expected])
    assert (decision is None) == (expected is None)


async def test_the_upkeep_runs_by_itself(database: Database, fleet_dsn: str, vault: Vault) -> None:
    await add_account(database, "acme", "https://acme.example", token_env="T", schedule="0 * * * *")
    await database.rows("UPDATE accounts SET next_at = now() - interval '1 minute'")
    await database.rows(
        "INSERT INTO sittings (account, job_id, worker, ended_at) VALUES "
        "('acme', 1, 'w', now() - interval '80 hours'), ('acme', 2, 'w', now())"
    )
    lease = Lease(30)
    async with Stores(fleet_dsn) as stores:
        app = make_app(Collector(database, stores, lease, vault), FencedJobManager(database, lease))
        registry: Any = app.periodic_registry
        assert {task.cron for task in registry.periodic_tasks.values()} == {"* * * * *", "17 * * * *"}
        for name in (SCHEDULE, TIDY):
            await app.configure_task(name, queueing_lock=name).defer_async(timestamp=0)
        await app.run_worker_async(wait=False, concurrency=1, install_signal_handlers=False, listen_notify=False)
    left = {row["job_id"] for row in await database.rows("SELECT job_id FROM sittings")}
    assert 2 in left
    assert 1 not in left
    [job] = await database.rows("SELECT args FROM procrastinate_jobs WHERE task_name = 'ac-sms:collect'")
    assert job["args"]["account"] == "acme"


# A worker


async def test_a_worker_drains_the_queue(database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault) -> None:
    await add_all(database, sandbox, vault, globex="wrong")
    await add_account(database, "later", f"{sandbox.url}/later", token_env="T")
    await enqueue(database, ["acme", "globex"])
    ready: list[bool] = []
    with anyio.fail_after(30):
        await Worker(dsn=fleet_dsn, vault=vault, drain=True).run(ready=lambda: ready.append(True))
    assert ready == [True]
    status = await fleet_status(database)
    assert {account.name: account.state for account in status.accounts} == {
        "acme": "ok",
        "globex": "failing",
        "later": "new",
    }
    assert status.jobs == {"todo": 0, "doing": 0, "failed": 1}
    assert status.workers == 0
    assert status.requests_per_second > 0
    assert status.rows_per_second > 0
    acme, globex, later = status.accounts
    assert acme.last_success_at is not None
    assert acme.lag < 30 < later.lag + 40
    assert globex.reason in ("AuthenticationError", "PermissionDeniedError")
    text = prometheus_text(status)
    assert 'ac_sms_fleet_account_state{account="acme",state="ok"} 1\n' in text
    assert f'ac_sms_fleet_account_failure{{account="globex",reason="{globex.reason}"}} 1\n' in text
    assert 'ac_sms_fleet_rows_total{account="acme"} 40\n' in text
    assert "ac_sms_fleet_workers 0\n" in text
    assert 'last_success_timestamp_seconds{account="later"}' not in text


async def test_a_worker_that_drains_waits_for_what_another_one_does(
    database: Database, fleet_dsn: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ac_sms_async.fleet.worker._BETWEEN_LOOKS", 0.01)
    await add_account(database, "acme", "https://acme.example", token_env="PATH")
    await enqueue(database)
    other = FencedJobManager(database, Lease(30))
    job = await other.fetch_job([QUEUE], await other.register_worker())
    assert job is not None
    ready, ended = anyio.Event(), anyio.Event()

    async def drain() -> None:
        await Worker(dsn=fleet_dsn, vault=vault, drain=True).run(ready=ready.set)
        ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(drain)
        await ready.wait()
        with anyio.move_on_after(0.3):
            await ended.wait()
        assert not ended.is_set()
        await other.finish_job(job, Status.SUCCEEDED, delete_job=False)
        with anyio.fail_after(10):
            await ended.wait()


async def test_no_token_is_in_jobs_rows_or_logs(
    database: Database,
    fleet_dsn: str,
    sandbox: Sandbox,
    vault: Vault,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = [sandbox.accounts["acme"].token, "a-token-that-is-refused"]
    monkeypatch.setenv("GLOBEX_TOKEN", tokens[1])
    access = sandbox.accounts
    await add_account(database, "acme", access["acme"].url, token=tokens[0], vault=vault, plan=FULL)
    await add_account(database, "globex", access["globex"].url, token_env="GLOBEX_TOKEN", plan=FULL)
    await enqueue(database)
    # So that it is tried again, and says so.
    sandbox.faults.add("503", count=1)
    await Worker(dsn=fleet_dsn, vault=vault, drain=True).run()
    status = await fleet_status(database)
    assert [account.state for account in status.accounts] == ["ok", "failing"]
    kept = [prometheus_text(status), str(status.to_json()), repr(await find_accounts(database)), caplog.text]
    for row in await database.rows("SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'ac_sms%%'"):
        name = sql.Identifier(row["schemaname"], row["tablename"])
        async with database.transaction() as connection:
            found = await connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(name))
            kept += [text for (text,) in await found.fetchall()]
    assert any("ac-sms:collect" in text for text in kept)
    assert any("trying again" in text for text in kept)
    for token in tokens:
        assert [text for text in kept if token in text] == []


async def test_states_of_accounts_and_odd_names(database: Database, sandbox: Sandbox, vault: Vault) -> None:
    name = 'a "quoted"\\\nname'
    await add_account(database, name, sandbox.url, token_env="T")
    assert await enqueue(database) == Enqueued([name], [])

    async def state() -> str:
        return (await fleet_status(database)).accounts[0].state

    assert await state() == "queued"
    await database.rows("UPDATE accounts SET last_outcome = 'failed'")
    assert await state() == "retrying"
    await database.rows("UPDATE procrastinate_jobs SET status = 'doing'")
    status = await fleet_status(database)
    assert status.accounts[0].state == "running"
    assert 'account_state{account="a \\"quoted\\"\\\\\\nname",state="running"} 1' in prometheus_text(status)
    assert status.to_json()["accounts"][0]["name"] == name
    await database.rows("UPDATE procrastinate_jobs SET status = 'succeeded'")
    await database.rows("UPDATE accounts SET last_outcome = 'partial'")
    assert await state() == "partial"


async def test_a_worker_is_stopped_and_its_job_goes_back_into_the_queue(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault
) -> None:
    await add_all(database, sandbox, vault)
    await enqueue(database, ["acme"])
    sandbox.faults.add("slow", seconds=30)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(Worker(dsn=fleet_dsn, vault=vault).run)
            await until(lambda: sandbox.journal.seen > 0)
            group.cancel_scope.cancel()
    [job] = await database.rows("SELECT status::text, attempts FROM procrastinate_jobs WHERE lock IS NOT NULL")
    assert job == {"status": "todo", "attempts": 1}
    assert (await outcome(database, "acme"))[0] == "interrupted"
    assert await database.rows("SELECT 1 FROM procrastinate_workers") == []


async def test_a_worker_without_a_database_says_so_at_once(dsn: str, vault: Vault) -> None:
    with pytest.raises(FleetError, match="ac-sms fleet init"):
        await Worker(dsn=dsn, vault=vault).run()
    with pytest.raises(FleetError, match="at least 5 seconds"):
        await Worker(dsn=dsn, vault=vault, stalled_after=4).run()


async def test_a_worker_begins_anew_when_the_database_went_away(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    await add_all(database, sandbox, vault)
    sandbox.faults.add("slow", seconds=0.3)
    cuts = 0

    async def cut() -> None:
        """End all its connections, as a server does that shuts down."""
        nonlocal cuts
        while cuts < 2:
            await anyio.sleep(0.5)
            ended = await database.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
            cuts += bool(ended)

    async with anyio.create_task_group() as group:
        worker = Worker(dsn=fleet_dsn, vault=vault, stalled_after=5)
        group.start_soon(worker.run)
        group.start_soon(cut)
        await until(lambda: cuts == 2)
        await enqueue(database)

        async def done() -> bool:
            return {account.state for account in (await fleet_status(database)).accounts} == {"ok"}

        await until(done)
        group.cancel_scope.cancel()


async def test_a_worker_that_lost_its_lease_begins_anew(
    database: Database, fleet_dsn: str, sandbox: Sandbox, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_all(database, sandbox, vault)
    await enqueue(database, ["acme"])
    sandbox.faults.add("slow", seconds=30)
    leases: list[Lease] = []

    def lease(seconds: float) -> Lease:
        leases.append(Lease(seconds))
        return leases[-1]

    monkeypatch.setattr("ac_sms_async.fleet.worker.Lease", lease)
    async with anyio.create_task_group() as group:
        group.start_soon(Worker(dsn=fleet_dsn, vault=vault, stalled_after=5).run)
        with anyio.fail_after(20):
            await until(lambda: sandbox.journal.seen > 0)
            sandbox.faults.clear()
            leases[0].give_up()
            # Its worker counts as dead, and is the one that notices.
            await database.rows("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")

            async def done() -> bool:
                return (await outcome(database, "acme"))[0] == "complete"

            await until(done)
        group.cancel_scope.cancel()
    assert len(leases) == 2


async def test_a_database_that_stays_away_is_waited_for(
    database: Database, fleet_dsn: str, vault: Vault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float] = []
    outcomes: list[Exception | bool] = [FleetError("gone"), StoreError("gone"), False, True]
    sessions = iter(outcomes)

    async def session(*_: Any) -> bool:
        outcome = next(sessions)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(Worker, "_session", session)
    monkeypatch.setattr("ac_sms_async.fleet.worker.anyio.sleep", sleep)
    await Worker(dsn=fleet_dsn, vault=vault).run()
    assert waits == [1.0, 1.0, 1.0]
    assert "begins anew, under another name" in caplog.text
    assert "out of reach, trying again in 1 s: gone" in caplog.text

    calls = 0
    real = open_database

    def unreachable(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls in (2, 3, 4, 5, 6, 7):
            raise FleetError("refused")
        return real(*args, **options)

    waits.clear()
    sessions = iter([False, True])
    monkeypatch.setattr("ac_sms_async.fleet.worker.open_database", unreachable)
    await Worker(dsn=fleet_dsn, vault=vault).run()
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
