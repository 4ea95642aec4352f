"""Leases: as good as the last heartbeat, and lost for good."""

from __future__ import annotations

import sys
import time

import anyio
import pytest

from ac_sms_async import RateLimit
from ac_sms_async.fleet import LeaseLostError
from ac_sms_async.fleet.lease import MARGIN, Lease, since_boot

pytestmark = pytest.mark.anyio


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_ends_before_others_may_take_over(clock: Clock) -> None:
    lease = Lease(30, clock=clock)
    clock.now += 30 - MARGIN - 0.01
    lease.check()
    clock.now += 0.01
    with pytest.raises(LeaseLostError):
        lease.check()


def test_what_was_sent_last_is_out_of_the_servers_window_when_others_take_over() -> None:
    assert RateLimit().window < MARGIN


def test_a_heartbeat_counts_from_when_it_was_asked_for(clock: Clock) -> None:
    lease = Lease(30, clock=clock)
    asked_at = clock.now = 110
    clock.now = 120
    lease.renew(asked_at)
    clock.now = 110 + 30 - MARGIN - 0.01
    assert not lease.lost
    clock.now = 110 + 30 - MARGIN
    assert lease.lost


def test_a_heartbeat_that_comes_too_late_brings_nothing_back(clock: Clock) -> None:
    lease = Lease(30, clock=clock)
    clock.now += 60  # frozen
    lease.renew(clock.now)
    assert lease.lost
    clock.now -= 60
    assert lease.lost


def test_it_can_be_given_up(clock: Clock) -> None:
    lease = Lease(30, clock=clock)
    lease.give_up()
    assert lease.lost


async def test_waiting_for_its_end() -> None:
    lease = Lease(MARGIN + 0.2)
    with anyio.fail_after(2):
        await anyio.sleep(0.1)
        lease.renew(lease.clock())
        began = time.monotonic()
        await lease.wait_lost()
    assert time.monotonic() - began >= 0.15

    lease = Lease(60)
    async with anyio.create_task_group() as group:
        group.start_soon(lease.wait_lost)
        await anyio.sleep(0.01)
        lease.give_up()


def test_the_clock_goes_on_while_the_machine_sleeps_where_the_system_has_such_a_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert since_boot() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=1)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert since_boot() == pytest.approx(time.monotonic(), abs=1)
