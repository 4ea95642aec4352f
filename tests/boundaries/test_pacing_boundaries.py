"""Pacing at the very moment when something ends, and limits that are stricter in one way and looser in another."""

from __future__ import annotations

import pytest

from ac_sms_async import RateLimit
from ac_sms_async.transport.pacing import Account


def _account(*limits: RateLimit) -> Account:
    account = Account("acme")
    for limit in limits:
        account.restrict(limit)
    return account


@pytest.mark.parametrize("turn", [1, -1])
def test_fewer_requests_per_second_are_stricter_however_many_they_are(turn: int) -> None:
    slow, quick = RateLimit(20, per=10.0), RateLimit(5, per=1.0)
    assert _account(*(slow, quick)[::turn]).limit == slow


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_equal_rates_the_smaller_burst_is_stricter(turn: int) -> None:
    burst, even = RateLimit(10, per=2.0, margin=0), RateLimit(5, per=1.0, margin=0)
    assert _account(*(burst, even)[::turn]).limit == even


def test_a_pause_that_ends_now_has_ended() -> None:
    account = _account()
    assert account.pause(10.0, 5.0)
    assert not account.pause(14.9, 1.0)
    assert account.paused_until == 15.9
    assert account.pause(15.9, 1.0)


def test_an_account_is_idle_from_the_moment_that_its_last_window_ends() -> None:
    limit = RateLimit(5, per=1.0, margin=0.5)
    account = _account(limit)
    account.pause(0.0, 3.0)
    assert not account.is_idle(2.9)
    assert account.is_idle(3.0)
    account.opening(0.0)
    assert not account.is_idle(9.0)
    account.opened(10.0)
    assert not account.is_idle(11.4)
    assert account.is_idle(11.5)


def test_a_connection_that_is_open_takes_nothing_from_the_budget_any_more() -> None:
    limit = RateLimit(1, per=1.0, margin=0)
    account = _account(limit)
    for moment in (0.0, 5.0, 10.0):
        assert account.wait(moment, limit) == 0.0
        account.opening(moment)
        assert account.wait(moment, limit) == float("inf")
        account.opened(None)
    assert account.wait(10.0, limit) == 0.0
