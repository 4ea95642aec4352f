"""Faults between pages, mid-poll and mid-batch: what heals is not noticed, what lasts costs nothing that was there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import anyio
import pytest

from ac_sms_async import RetryPolicy, SMSClient, SMSError, Timeout
from tests.faults.journeys import JOURNEYS, PAGERS, Journey, Outcome
from tests.faults.rule import ATTEMPTS, Cell
from tests.faults.runner import LONG, PATIENT, SHORT
from tests.faults.server import FAULTS, Fault, FaultServer, Phase, ServerThread

pytestmark = pytest.mark.anyio

PHASES = [phase for phase in Phase if phase not in (Phase.CONNECT, Phase.TLS)]
"""By the middle of a journey there is a connection."""

WAIT = 60.0
"""For how many seconds one waits for what is going to happen."""


def client(server: FaultServer, fault: Fault, give_up: float) -> SMSClient:
    short = give_up if fault is Fault.STALL else LONG
    return SMSClient(
        server.url,
        "token",
        timeout=Timeout(short, connect=LONG),
        deadline=give_up if fault is Fault.DRIP else 4 * LONG,
        retry=RetryPolicy(max_attempts=ATTEMPTS, initial=0.0, maximum=0.0),
        rate_limit=None,
        max_concurrency=1,
    )


async def usual_requests(journey: Journey, servers: ServerThread) -> int:
    with servers.serve(journey.upstream()) as server:
        async with client(server, Fault.CUT, LONG) as sms:
            assert await journey.run(sms, WAIT) == Outcome(journey.whole)
    return len(server.seen)


async def problems_of(
    journey: Journey, cell: Cell, servers: ServerThread, usual: int, give_up: float = SHORT
) -> list[str]:
    with servers.serve(journey.upstream()) as server:
        server.inject(cell.phase, cell.fault, skip=journey.skip, times=None if cell.lasting else 1)
        async with client(server, cell.fault, give_up) as sms:
            outcome = await journey.run(sms, 5 * give_up if cell.lasting else WAIT)
            server.heal()
            found = list(_wrong(outcome, journey, cell))
            more = 0 if journey.waits else cell.expected.requests - 1
            if outcome.error is None and len(server.seen) != usual + more:
                found.append(f"{len(server.seen)} requests at the server, {usual} without the fault")
            if outcome.error is not None and journey.name in PAGERS:
                patient = sms.with_options(timeout=LONG, deadline=LONG)
                rest = [row.id async for row in PAGERS[journey.name](patient, outcome.error.resume_token)]
                if outcome.got + rest != journey.whole:
                    found.append(f"resumed with {rest} after {outcome.got}")
            # With one slot and no more, a slot that was lost would be missed here.
            await sms.with_options(timeout=LONG, deadline=LONG).credits.get()
    return found


def _wrong(outcome: Outcome, journey: Journey, cell: Cell) -> Iterator[str]:
    expected, last = cell.expected.outcome, "value"
    if journey.waits and expected not in ("value", "InvalidResponseError") and cell.fault is not Fault.MOVED:
        expected, last = ("WaitTimeoutError", expected) if cell.lasting else ("value", "value")
    name = "value" if outcome.error is None else type(outcome.error).__name__
    if name != expected:
        yield f"expected {expected}, got {name}: {outcome.error!r}"
    elif name == "WaitTimeoutError" and type(cast("SMSError", outcome.error).__cause__).__name__ != last:
        yield f"expected to be told of a {last}: {outcome.error!r}"
    whole = journey.whole if expected == "value" else journey.before
    if cell.lasting or expected == "value":
        if outcome.got != whole:
            yield f"expected {whole}, got {outcome.got}"
    elif outcome.got[: len(whole)] != whole:
        # Struck once only, a batch goes on behind what it lost.
        yield f"expected {whole} at least, got {outcome.got}"


async def test_journeys_struck_in_the_middle(servers: ServerThread, anyio_backend_name: str) -> None:
    suspects: list[tuple[Journey, Cell, int]] = []
    # They wait most of the time, so they do that together.
    limit = anyio.CapacityLimiter(100)

    async def check(journey: Journey, cell: Cell, usual: int) -> None:
        async with limit:
            if await problems_of(journey, cell, servers, usual):
                suspects.append((journey, cell, usual))

    async def check_all(journey: Journey) -> None:
        usual = await usual_requests(journey, servers)
        for cell in _cells(journey, PHASES if anyio_backend_name == "asyncio" else (Phase.SENT, Phase.ANSWER)):
            tasks.start_soon(check, journey, cell, usual)
            # A herd would be late everywhere.
            await anyio.sleep(0.1)

    async with anyio.create_task_group() as tasks:
        for journey in JOURNEYS:
            tasks.start_soon(check_all, journey)
    failures: list[str] = []
    for journey, cell, usual in suspects:
        problems = await problems_of(journey, cell, servers, usual, PATIENT)
        failures += [f"{journey.name}: {cell}: {problem}" for problem in problems]
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)


def _cells(journey: Journey, phases: Iterable[Phase]) -> Iterator[Cell]:
    # What differs between the event loops is the wire, which the table has; so trio gets a part of the journeys.
    for phase in phases:
        for fault in FAULTS[phase]:
            for lasting in (False, True):
                if not (phase is Phase.IDLE and lasting):
                    yield Cell(journey.operation_id, phase, fault, lasting)
