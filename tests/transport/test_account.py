"""What clients of one account share: the strictest of their limits, a pause, and how long it is remembered."""

from __future__ import annotations

import gc
from itertools import pairwise
from typing import Any

import anyio
import pytest

from ac_sms_async.options import RateLimit
from ac_sms_async.transport.account import LONGEST_PAUSE, Account, account_state
from tests.budget.budgets import let_go
from tests.transport.accounts import Client, shared

pytestmark = pytest.mark.anyio

FIVE = RateLimit(5)


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


async def test_the_stricter_of_two_limits_holds_also_for_those_who_wait_already() -> None:
    clients = [Client(), Client(), Client()]
    account = Account("acme")
    account.join(clients[0], RateLimit(10))
    account.join(clients[1], RateLimit(20))
    assert account.budget.limit == RateLimit(10)
    clock = anyio.current_time
    began = clock()
    started: list[float] = []

    async def caller() -> None:
        await let_go(account.budget)
        started.append(clock() - began)

    async with anyio.create_task_group() as tasks:
        for _ in range(14):
            tasks.start_soon(caller)
        await anyio.sleep(0.1)
        account.join(clients[2], RateLimit(1))
    assert account.budget.limit == RateLimit(1)
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(started[10:]))


async def test_clients_of_one_account_share_its_state_in_one_loop() -> None:
    now = anyio.current_time()
    one, two, other = Client(), Client(), Client()
    account = account_state("acme", one, FIVE, now)
    assert account_state("acme", two, None, now) is account
    assert account_state("other", other, FIVE, now) is not account
    assert account.budget.limit == FIVE


async def test_accounts_are_forgotten_once_that_makes_no_difference() -> None:
    now = anyio.current_time()
    kept = Client()
    in_use = account_state("in use", kept, FIVE, now)
    spent, paused, opening, unlimited = (
        account_state(name, Client(), limit, now)
        for name, limit in (("spent", FIVE), ("paused", FIVE), ("opening", FIVE), ("unlimited", None))
    )
    await let_go(spent.budget)
    paused.pause(now, 5)
    begun = await let_go(opening.budget)
    begun.opening()
    # Clients die here at once, by their last reference.
    for number in range(80):
        account_state(f"many {number}", Client(), FIVE, now)
    assert account_state("in use", kept, FIVE, now) is in_use
    assert account_state("spent", kept, FIVE, now) is spent
    assert account_state("paused", kept, FIVE, now) is paused
    assert account_state("opening", kept, FIVE, now) is opening
    assert account_state("unlimited", kept, None, now) is not unlimited


def test_a_limit_leaves_with_a_client_that_its_program_forgot() -> None:
    account, clients = shared(RateLimit(5), RateLimit(1), RateLimit(3))
    assert account.budget.limit == RateLimit(1)
    del clients[1]
    gc.collect()
    assert account.budget.limit == RateLimit(3)
    account.leave(clients[1])
    assert account.budget.limit == RateLimit(5)
    account.leave(clients[0])
    # Nobody is left, and whoever comes next still finds the log.
    assert account.budget.limit == RateLimit(5)
    account.join(clients[0], None)
    assert account.budget.limit is None


async def test_a_pause_wakes_the_clients_when_it_becomes_longer_and_lasts_an_hour_at_most() -> None:
    account = Account("acme")
    client = Client()
    account.join(client, None)
    assert account.pause(0.0, 7.0)
    assert client.woken == 1
    assert not account.pause(0.0, 6.0)
    assert not account.pause(1.0, 6.0)
    assert client.woken == 1
    assert not account.pause(6.9, 1.0)
    assert (account.budget.paused_until, client.woken) == (7.9, 2)
    # A pause that ends now has ended.
    assert account.pause(7.9, 1e9)
    assert account.budget.paused_until == 7.9 + LONGEST_PAUSE
