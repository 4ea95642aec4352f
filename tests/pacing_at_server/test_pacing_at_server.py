"""The rate limit as the server sees it, on real sockets and in real time.

The scenarios wait most of the time, so those of one test run at once, each with a client, an event loop and a server of
its own.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import anyio
import pytest
from attrs import frozen

from ac_sms_async import RetryPolicy, SMSClient
from tests.faults.server import ServerThread
from tests.pacing_at_server.observed import LIMIT, Account, Lag, most_in_a_second

LOOPS = ("asyncio", "trio")
CALM = 0.025
"""Seconds by which a loop may be late in a measurement that counts."""
TRIES = 3


@pytest.fixture(scope="module")
def servers() -> Iterator[ServerThread]:
    thread = ServerThread()
    yield thread
    thread.stop()


@frozen
class Scenario:
    """One program against one account."""

    loop: str
    account: Account
    program: Callable[[str], Awaitable[None]]


def run_at_once(servers: ServerThread, scenarios: list[Scenario]) -> float:
    """Run every scenario in a thread, and raise what went wrong in any. Returns how late a loop was at worst."""
    problems: list[BaseException] = []
    lag = Lag()

    async def watched(scenario: Scenario, url: str) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lag.watch)
            await scenario.program(url)
            tasks.cancel_scope.cancel()

    def run(scenario: Scenario) -> None:
        try:
            with servers.serve(scenario.account) as server, servers.beside(lag.watch):
                anyio.run(watched, scenario, server.url, backend=scenario.loop)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run, args=(scenario,)) for scenario in scenarios]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if problems:
        raise problems[0]
    return lag.worst


def client(url: str) -> SMSClient:
    return SMSClient(url, "token", retry=RetryPolicy(max_attempts=6, initial=0.05, maximum=0.1))


async def times(count: int, call: Callable[[], Awaitable[Any]]) -> None:
    for _ in range(count):
        await call()


async def a_mix(url: str) -> None:
    """Tasks, pages fetched ahead, a batch with workers, retries, and two clients: 30-odd requests for one account."""
    async with client(url) as one, client(url) as two, anyio.create_task_group() as tasks:
        for sms in (one, two):
            for _ in range(3):
                tasks.start_soon(times, 2, sms.credits.get)
            tasks.start_soon(times, 2, sms.broadcasts.list(prefetch=4).to_list)
            tasks.start_soon(partial(sms.metrics.fetch, range(1, 7), chunk_size=2))


def test_never_a_sixth_request_in_a_second(servers: ServerThread) -> None:
    for tries in range(TRIES):
        jittery = [Account(jitter=jitter, seed=seed, fail_every=7) for seed, jitter in enumerate((0, 0, 0.02, 0.02))]
        wild = [Account(jitter=0.1, seed=seed, enforce=True) for seed in (4, 5)]
        scenarios = [Scenario(LOOPS[i % 2], account, a_mix) for i, account in enumerate([*jittery, *wild])]
        lag = run_at_once(servers, scenarios)
        # What is promised at 20 ms of jitter can't be seen to the end on a machine whose own loops are later than that:
        # it gets another chance, and in the last one a second that is shorter by what was its own doing.
        if lag < CALM or tries == TRIES - 1:
            _check(jittery, wild, less=lag if lag >= CALM else 0.0)
            return


def _check(jittery: list[Account], wild: list[Account], *, less: float) -> None:
    for account in jittery:
        assert len(account.arrivals) >= 30
        assert most_in_a_second(account.arrivals, less=less) <= LIMIT, (less, account)
    for account in wild:
        # At ten times the jitter a sixth may slip through; the account must never be shut out for long.
        assert most_in_a_second(account.arrivals, less=less) <= LIMIT + 1, (less, account)
        assert less or len(account.refused) <= 2


def test_after_a_429_the_whole_account_waits_and_no_other(servers: ServerThread) -> None:
    turned_away = [Account(jitter=0.0, turn_away=4, retry_after=2) for _ in LOOPS]
    others = [Account(jitter=0.0) for _ in LOOPS]

    async def both_accounts(blocked: str, free: str) -> None:
        async with (
            client(blocked) as one,
            client(blocked) as two,
            client(free) as other,
            anyio.create_task_group() as tasks,
        ):
            for sms in (one, two):
                for _ in range(3):
                    tasks.start_soon(times, 2, sms.credits.get)
            tasks.start_soon(times, 14, other.credits.get)

    def program(other: Account) -> Callable[[str], Awaitable[None]]:
        async def run(url: str) -> None:
            with servers.serve(other) as free:
                await both_accounts(url, free.url)

        return run

    run_at_once(servers, [Scenario(LOOPS[i], account, program(others[i])) for i, account in enumerate(turned_away)])
    for account, other in zip(turned_away, others, strict=True):
        refused = account.refused[0]
        # What was on its way already may still arrive; then nobody moves until the time is up.
        after = [arrival - refused for arrival in account.arrivals if arrival > refused + 0.05]
        assert min(after) >= 2.0
        assert len(account.arrivals) == 13
        gaps = [later - earlier for earlier, later in pairwise(other.arrivals)]
        assert max(gaps) < 1.5, "the other account noticed"
