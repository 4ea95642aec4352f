"""The requests of a client that run at once: who waits longest is next, and what cancelling leaves behind."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from ac_sms_async.transport.slots import Slots
from tests.budget.budgets import patient

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


async def test_slots_go_to_who_waits_longest() -> None:
    slots = Slots(2)
    order: list[int] = []
    running: list[int] = []

    async def caller(number: int) -> None:
        await slots.acquire(patient, "bulk")
        order.append(number)
        running.append(number)
        assert len(running) <= 2
        await anyio.sleep(1 + number / 10)
        running.remove(number)
        slots.release()

    for _ in range(2):
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(caller, number)
                await anyio.wait_all_tasks_blocked()
        assert order == list(range(6))
        assert anyio.current_time() - began < 5
        order.clear()


async def test_a_slot_is_never_lost_to_a_cancelled_waiter() -> None:
    slots = Slots(1)

    async def caller() -> None:
        await slots.acquire(patient, "bulk")
        slots.release()

    await slots.acquire(patient, "bulk")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller)
        await anyio.wait_all_tasks_blocked()
        assert slots.waiting == {"interactive": 0, "bulk": 1}
        # Cancelled first, then handed the slot before it gets to run.
        tasks.cancel_scope.cancel()
        slots.release()
    with anyio.fail_after(1):
        await slots.acquire(patient, "bulk")
    assert slots.waiting == {"interactive": 0, "bulk": 0}
