"""The fault table as a page for people: `python -m tests.faults.publish` writes docs/reference/fault-table.md."""

from __future__ import annotations

from pathlib import Path

from tests.faults.calls import CALLS
from tests.faults.journeys import JOURNEYS
from tests.faults.rule import ATTEMPTS, Cell, Expected, cells
from tests.faults.server import Phase

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "fault-table.md"

_PHASES = {
    Phase.CONNECT: "While connecting",
    Phase.TLS: "During the TLS handshake",
    Phase.IDLE: "On a connection kept open, between two requests",
    Phase.SENDING: "While the request is being sent",
    Phase.SENT: "After the server received the request, before it answers",
    Phase.HEADERS: "In the answer's headers",
    Phase.BODY: "In the answer's body",
    Phase.ANSWER: "In what the server answers",
}

_INTRO = f"""# What happens when something breaks

<!-- Written by `python -m tests.faults.publish` from the operations and one rule; a test holds it current. -->

Each line is a fault at one step of an exchange; the tests inject it on real sockets, for every operation, on asyncio
and trio, over plain TCP and TLS, on both backends and on a client of the user's own. In the tests a call is tried at
most {ATTEMPTS} times. A cell says what the caller gets, and how many requests the server saw. **Maybe applied** marks
the errors whose `.maybe_applied` is True: the write may have taken effect, so look before you send it again.

*Once* means that the first attempt meets the fault and the next would not; *always*, that every attempt does. After
each of them the next call works, and no connection is left open.
"""


_LONGER = """
## In the middle of something longer

The faults that can strike on an open connection do so in these, too, with the outcome that the table names. What heals
is not noticed. What lasts ends a pager or a wait with that error, and marks the ids of a batch that it struck; all rows
and ids before it were given out, and a pager's `.resume_token` goes on there without a gap or a repetition.
"""


def _words(expected: Expected) -> str:
    requests = f"{expected.requests} request{'' if expected.requests == 1 else 's'}"
    outcome = "the value" if expected.outcome == "value" else f"`{expected.outcome}`"
    return f"{outcome}, {requests}" + (", **maybe applied**" if expected.maybe_applied else "")


def _kinds() -> dict[str, list[str]]:
    """Calls that behave alike in every cell, under the name of their kind."""
    behaviours: dict[tuple[Expected, ...], list[str]] = {}
    for call in CALLS:
        behaviours.setdefault(tuple(cell.expected for cell in cells(call, tls=True)), []).append(call)
    return {_kind(calls[0]): calls for calls in behaviours.values()}


def _kind(call: str) -> str:
    operation = next(cells(call, tls=True)).operation
    if operation.writes:
        return "Writes"
    return "Exports, streamed" if operation.streams else "Reads"


def page() -> str:
    """The page as it has to be."""
    kinds = _kinds()
    parts = [_INTRO, "| kind | operations |\n|---|---|"]
    parts += [f"| {kind} | {', '.join(f'`{call}`' for call in calls)} |" for kind, calls in kinds.items()]
    columns: dict[str, dict[tuple[Phase, str, bool], Cell]] = {
        kind: {(cell.phase, cell.fault.value, cell.lasting): cell for cell in cells(calls[0], tls=True)}
        for kind, calls in kinds.items()
    }
    first = next(iter(columns.values()))
    for phase, title in _PHASES.items():
        parts.append(f"\n## {title}\n")
        parts.append("| fault | | " + " | ".join(columns) + " |\n|---|---" + "|---" * len(columns) + "|")
        for key in first:
            if key[0] is phase:
                told = (_words(column[key].expected) for column in columns.values())
                parts.append(f"| {key[1]} | {'always' if key[2] else 'once'} | {' | '.join(told)} |")
    parts.append(_LONGER)
    parts += [f"- {journey.name}" for journey in JOURNEYS]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
