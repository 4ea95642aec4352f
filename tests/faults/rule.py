"""What has to happen in each cell of the fault table, as one rule: written from the promises, not from the client.

A fault either struck before any byte of the request could leave, or nobody can tell how far the server got. That,
and whether the operation changes anything, decides everything else.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from tests.faults.answers import OPERATIONS, Operation
from tests.faults.calls import CALLS
from tests.faults.server import FAULTS, Fault, Phase

ATTEMPTS = 2
"""The client's `max_attempts` in the table."""

CERTIFICATE_FAULTS = (Fault.UNTRUSTED, Fault.WRONG_HOST, Fault.EXPIRED)


@frozen
class Expected:
    """What the caller gets, and how often the upstream server was asked."""

    outcome: str
    """"value", or the name of the one error class."""
    requests: int
    maybe_applied: bool = False


@frozen
class Cell:
    """One fault, at one step, of one call."""

    call: str
    phase: Phase
    fault: Fault
    lasting: bool
    """True: every attempt meets the fault. False: only the first."""

    def __str__(self) -> str:
        return f"{self.call}, {self.phase.value}, {self.fault.value} {'always' if self.lasting else 'once'}"

    @property
    def operation(self) -> Operation:
        return OPERATIONS[self.call.partition(" ")[0]]

    @property
    def expected(self) -> Expected:
        return expected(self.operation, self.phase, self.fault, self.lasting)


def expected(operation: Operation, phase: Phase, fault: Fault, lasting: bool) -> Expected:
    if phase is Phase.IDLE:
        # A connection that died while nobody used it is noticed before it is used again.
        return Expected("value", 1)
    if phase in (Phase.CONNECT, Phase.TLS):
        # Nothing can have arrived, so even a write may try again.
        return Expected("ConnectError", 0) if lasting else Expected("value", 1)
    if phase is Phase.ANSWER:
        return _answered(operation, fault, lasting)
    arrived = 0 if phase is Phase.SENDING else 1
    if phase is Phase.BODY and fault is Fault.GARBAGE:
        return Expected("InvalidResponseError", 1, operation.writes)
    if fault is Fault.DRIP:
        # Only the deadline ends it, and it leaves no time for another attempt.
        return Expected("DeadlineExceededError", arrived, operation.writes)
    if operation.writes:
        return Expected("TransportError", arrived, True)
    if phase is Phase.BODY and operation.streams:
        # The caller has read a part of it already, so nobody may begin again without a word.
        return Expected("TransportError", 1)
    return Expected("TransportError", ATTEMPTS * arrived) if lasting else Expected("value", 1 + arrived)


def _answered(operation: Operation, fault: Fault, lasting: bool) -> Expected:
    if fault is Fault.MOVED:
        return Expected("APIStatusError", 1)
    error = {
        Fault.TIMEOUT_408: "APIStatusError",
        Fault.LIMITED_429: "RateLimitedError",
        Fault.ERROR_500: "ServerError",
        Fault.DOWN_503: "ServerError",
    }[fault]
    if operation.writes and fault is not Fault.LIMITED_429:
        return Expected(error, 1, True)
    # Turned away by the rate limit is not begun.
    return Expected(error, ATTEMPTS) if lasting else Expected("value", 2)


def cells(call: str, *, tls: bool) -> Iterator[Cell]:
    """Every cell of one call. The steps of TLS only exist with TLS."""
    for phase, faults in FAULTS.items():
        if phase is Phase.TLS and not tls:
            continue
        for fault in faults:
            for lasting in (False, True):
                # A certificate that is bad once only, and an idle connection that breaks forever, are no cases.
                senseless = (fault in CERTIFICATE_FAULTS and not lasting) or (phase is Phase.IDLE and lasting)
                if not senseless:
                    yield Cell(call, phase, fault, lasting)


def all_cells() -> list[Cell]:
    return [cell for call in CALLS for cell in cells(call, tls=True)]
