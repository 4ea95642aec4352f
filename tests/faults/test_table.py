"""Every fault, at every step, of every operation: the client does what the rule says, on real sockets."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.faults.answers import OPERATIONS
from tests.faults.calls import CALLS
from tests.faults.conftest import Trust
from tests.faults.rule import Cell, all_cells
from tests.faults.runner import PATIENT, World, problems_of
from tests.faults.server import FAULTS, Fault, Phase, ServerThread

pytestmark = pytest.mark.anyio

WORLDS = [
    World("asyncio", "httpx", tls=False),
    World("asyncio", "httpx", tls=True),
    World("trio", "httpx", tls=False),
    World("asyncio", "httptools", tls=False),
    World("asyncio", "http_client", tls=False),
]
TLS_WORLDS = [
    World("asyncio", "httpx", tls=True),
    World("trio", "httpx", tls=True),
    World("asyncio", "httptools", tls=True),
]


WAITING_WORLDS = [
    World("asyncio", "httpx", tls=True),
    World("trio", "httpx", tls=False),
    World("asyncio", "httptools", tls=True),
]
WAITING = (Fault.STALL, Fault.DRIP, Fault.LIMITED_429)
"""Faults that take time: their cells wait all at once, those of all phases together."""
STRIKES = [
    (phase, fault, world)
    for phase, faults in FAULTS.items()
    for fault in faults
    if fault not in WAITING
    for world in (TLS_WORLDS if phase is Phase.TLS else WORLDS)
]


@pytest.fixture
def anyio_backend(world: World) -> Any:
    return world.loop


@pytest.mark.parametrize(
    ("phase", "fault", "world"), STRIKES, ids=[f"{p.value}-{f.value}-{w}".replace(" ", "_") for p, f, w in STRIKES]
)
async def test_fault(phase: Phase, fault: Fault, world: World, servers: ServerThread, trust: Trust) -> None:
    cells = [cell for cell in all_cells() if cell.phase is phase and cell.fault is fault]
    await _check(cells, world, servers, trust, at_once=12)


# Waiting is all the same with TLS and without, and takes long.
@pytest.mark.parametrize("world", WAITING_WORLDS, ids=str)
async def test_faults_that_take_time(world: World, servers: ServerThread, trust: Trust) -> None:
    cells = [cell for cell in all_cells() if cell.fault in WAITING and (cell.phase is Phase.TLS) <= world.tls]
    await _check(cells, world, servers, trust, at_once=100, apart=0.02)


async def _check(
    cells: list[Cell], world: World, servers: ServerThread, trust: Trust, *, at_once: int, apart: float = 0.0
) -> None:
    """Run the cells, so many at once, begun so many seconds apart: those that come in a herd are late everywhere."""
    limit = anyio.CapacityLimiter(at_once)
    suspects: list[Cell] = []

    async def check(cell: Cell) -> None:
        async with limit:
            if await problems_of(cell, servers, trust, world):
                suspects.append(cell)

    assert cells
    async with anyio.create_task_group() as tasks:
        for cell in cells:
            tasks.start_soon(check, cell)
            await anyio.sleep(apart)
    failures: list[str] = []
    for cell in suspects:
        problems = await problems_of(cell, servers, trust, world, PATIENT)
        failures += [f"{cell}: {problem}" for problem in problems]
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)


def test_every_operation_of_the_document_is_in_the_table() -> None:
    assert {call.partition(" ")[0] for call in CALLS} == set(OPERATIONS)


def test_every_phase_has_its_faults() -> None:
    assert set(FAULTS) == set(Phase)
