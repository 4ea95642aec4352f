"""Runs cells of the fault table against a client and says what was not as promised."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import httpx
from attrs import frozen

from ac_sms_async import RetryPolicy, SMSClient, SMSError, Timeout
from tests.faults.answers import minimal
from tests.faults.calls import CALLS
from tests.faults.conftest import Trust
from tests.faults.rule import ATTEMPTS, Cell
from tests.faults.server import Fault, FaultServer, Phase, ServerThread
from tests.faults.waiting import comes_true
from tests.secrets.finder import traces

TOKEN = "tok-5ecret-of-the-fault-table"
SHORT = 1.0
"""Seconds after which a client gives up on a server that does not move. A busy machine may need more itself."""
PATIENT = 4.0
"""The same for a cell that is run a second time, by itself: then what is still wrong is not the machine's doing."""
LONG = 5.0
OPENS_AFTER = 0.1
"""Seconds after which a port that refused or swallowed connections takes them."""


@frozen
class World:
    """What the client runs on."""

    loop: str
    backend: str
    tls: bool

    def __str__(self) -> str:
        return f"{self.loop}-{self.backend}-{'https' if self.tls else 'http'}"


@asynccontextmanager
async def client_for(
    cell: Cell, server: FaultServer, trust: Trust, world: World, give_up: float
) -> AsyncGenerator[SMSClient]:
    unbounded = cell.phase is Phase.CONNECT and not cell.lasting
    handshake = cell.phase in (Phase.CONNECT, Phase.TLS)
    waits = cell.fault is Fault.STALL or (handshake and cell.fault is Fault.DRIP)
    short = give_up if waits else LONG
    retry = (
        # Nobody can say how many attempts fit into the time for which a port is closed.
        RetryPolicy(max_attempts=200, initial=0.01, maximum=0.01)
        if unbounded
        else RetryPolicy(max_attempts=ATTEMPTS, initial=0.0, maximum=0.0)
    )
    async with AsyncExitStack() as stack:
        wire: dict[str, Any] = {"backend": world.backend, "ssl_context": trust.client if world.tls else None}
        if world.backend == "http_client":
            verify = trust.client if world.tls else False
            wire = {"http_client": await stack.enter_async_context(httpx.AsyncClient(verify=verify))}
        sms = SMSClient(
            server.url,
            TOKEN,
            timeout=Timeout(short, connect=short if handshake else LONG),
            deadline=give_up if cell.fault is Fault.DRIP and not handshake else 4 * LONG,
            retry=retry,
            rate_limit=None,
            # With one slot only, a slot that is lost is noticed by the next call.
            max_concurrency=1,
            **wire,
        )
        yield await stack.enter_async_context(sms)


async def problems_of(
    cell: Cell, servers: ServerThread, trust: Trust, world: World, give_up: float = SHORT
) -> list[str]:
    """What was not as expected in this cell; [] when all was."""
    certificates = trust.certificates if world.tls else None
    closed = cell.phase is Phase.CONNECT
    with servers.serve(minimal, certificates=certificates, listening=not closed) as server:
        async with client_for(cell, server, trust, world, give_up) as sms:
            found = await _call(cell, server, servers, sms)
            server.heal()
            if closed and cell.lasting:
                servers.run(server.listen())
            before = len(server.seen)
            try:
                await sms.with_options(timeout=LONG, deadline=LONG).credits.get()
            except Exception as error:
                found.append(f"the next call failed: {error!r}")
            if len(server.seen) != before + 1:
                found.append(f"the next call took {len(server.seen) - before} requests")
        if not await comes_true(lambda: server.open == 0):
            found.append(f"{server.open} connections were left open")
    return found


async def _call(cell: Cell, server: FaultServer, servers: ServerThread, sms: SMSClient) -> list[str]:
    if cell.phase is Phase.CONNECT:
        if cell.fault is Fault.STALL:
            server.blackhole()
        if not cell.lasting:
            servers.later(OPENS_AFTER, server.listen)
    else:
        server.inject(cell.phase, cell.fault, times=None if cell.lasting else 1)
    if cell.phase is Phase.IDLE:
        await sms.credits.get()
        server.seen.clear()
        await anyio.sleep(0.05)
    expected = cell.expected
    found: list[str] = []
    error: BaseException | None = None
    started = time.monotonic()
    try:
        await CALLS[cell.call](sms)
    except Exception as caught:
        error = caught
    took = time.monotonic() - started
    outcome = "value" if error is None else type(error).__name__
    if outcome != expected.outcome:
        found.append(f"expected {expected.outcome}, got {outcome}: {error!r}")
    if len(server.seen) != expected.requests:
        found.append(f"expected {expected.requests} requests at the server, got {len(server.seen)}")
    if error is not None:
        found += _wrong_with(error, cell)
    if took > 2 * LONG:
        found.append(f"took {took:.1f} s")
    return found


def _wrong_with(error: BaseException, cell: Cell) -> Iterable[str]:
    if not isinstance(error, SMSError):
        yield f"not an error of ours: {error!r}"
        return
    if error.maybe_applied is not cell.expected.maybe_applied:
        yield f"maybe_applied is {error.maybe_applied}"
    if not max(1, cell.expected.requests) <= error.attempts <= ATTEMPTS:
        yield f"attempts is {error.attempts}"
    if error.request is None or error.request.operation_id != cell.operation.operation_id:
        yield f"request is {error.request!r}"
    if bool(error.unconfirmed) is not (cell.call == "createBroadcast" and error.maybe_applied):
        yield f"unconfirmed is {error.unconfirmed!r}"
    for place in traces(error, TOKEN):
        yield f"the token shows in {place}"
