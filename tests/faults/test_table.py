"""Every fault, at every step, of every operation: the client does what the rule says, on real sockets."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.faults.answers import OPERATIONS
from tests.faults.calls import CALLS
from tests.faults.conftest import Trust
from tests.faults.rule import all_cells
from tests.faults.runner import World, problems_of
from tests.faults.server import FAULTS, Fault, Phase, ServerThread

pytestmark = pytest.mark.anyio

WORLDS = [
    World("asyncio", "httpx", tls=False),
    World("asyncio", "httpx", tls=True),
    World("trio", "httpx", tls=False),
    World("asyncio", "aiohttp", tls=False),
]
TLS_WORLDS = [
    World("asyncio", "httpx", tls=True),
    World("trio", "httpx", tls=True),
    World("asyncio", "aiohttp", tls=True),
]


def worlds(phase: Phase, fault: Fault) -> list[World]:
    if phase is Phase.TLS:
        return TLS_WORLDS
    # Waiting is all the same with TLS and without, and takes long.
    return WORLDS[1:] if fault in (Fault.STALL, Fault.DRIP) else WORLDS


STRIKES = [
    (phase, fault, world) for phase, faults in FAULTS.items() for fault in faults for world in worlds(phase, fault)
]


@pytest.fixture
def anyio_backend(world: World) -> Any:
    return world.loop


@pytest.mark.parametrize(
    ("phase", "fault", "world"), STRIKES, ids=[f"{p.value}-{f.value}-{w}".replace(" ", "_") for p, f, w in STRIKES]
)
async def test_fault(phase: Phase, fault: Fault, world: World, servers: ServerThread, trust: Trust) -> None:
    # Those that only wait may all wait at once.
    limit = anyio.CapacityLimiter(36 if fault in (Fault.STALL, Fault.DRIP, Fault.LIMITED_429) else 12)
    failures: list[str] = []

    async def check(cell: Any) -> None:
        async with limit:
            problems = await problems_of(cell, servers, trust, world)
        how = "always" if cell.lasting else "once"
        failures.extend(f"{cell.call}, {how}: {problem}" for problem in problems)

    async with anyio.create_task_group() as tasks:
        for cell in all_cells():
            if cell.phase is phase and cell.fault is fault:
                tasks.start_soon(check, cell)
    if failures:
        pytest.fail("\n".join(sorted(failures)), pytrace=False)


def test_every_operation_of_the_document_is_in_the_table() -> None:
    assert {call.partition(" ")[0] for call in CALLS} == set(OPERATIONS)


def test_every_phase_has_its_faults() -> None:
    assert set(FAULTS) == set(Phase)
