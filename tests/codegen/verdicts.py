"""What becomes of a changed document: another layer that works, an error that names the place, or something worse.

python -m tests.codegen.verdicts        every single change of the vendor's document
python -m tests.codegen.verdicts 300    300 of them, drawn anew each time
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from codegen.keywords import ShapeError
from codegen.overlay import OverlayError, apply
from codegen.render import Refused, overlay, render
from tests.codegen.layer import Files, faults
from tests.codegen.mutants import Mutant, mutants

DOCUMENT = Path(__file__).parents[2] / "openapi.json"

_NONE = "a field of an answer may always be None"
_ANY_SUCCESS = "every 2xx is read alike"
_WORDS = "words for people, of which ours stand in the layer"
_ILLUSTRATION = "says nothing about what is sent and read"
_MARK = "another tool's mark"
_MAY_BE_EMPTY = "a deletion's success may come without an object, as the overlay says"

SURVIVORS = {
    "answers 202 as well": _ANY_SUCCESS,
    "success by range": _ANY_SUCCESS,
    "answers 204 as well": _MAY_BE_EMPTY,
    "headers on an answer": "an answer's headers are handed on whole",
    "new words for an answer": _WORDS,
    "new summary": _WORDS,
    "take the summary away": _WORDS,
    "other tags": _WORDS,
    "words on a path": _WORDS,
    "words on a body": _WORDS,
    "new title": _WORDS,
    "new contact": _WORDS,
    "new document key": _WORDS,
    "new title of a value": _WORDS,
    "example on a parameter": _ILLUSTRATION,
    "example on a property": _ILLUSTRATION,
    "another tool's mark": _MARK,
    "mark on a path": _MARK,
    "mark on an operation": _MARK,
    "OpenAPI 3.1": "the words that the document uses mean the same in 3.0 and 3.1",
    "body of an error answer": "errors are read as they come, whatever the document says of them",
    "make nullable": _NONE,
    "make not nullable": _NONE,
    "retype to nullable by type": _NONE,
    "retype to null or text": _NONE,
    "forbid other properties": "a request sends no others, and an answer's are kept in `extra`",
}
"""Kinds of change that need not show in the layer, with the reason. What concerns None needn't in answers, and
where the overlay says so already."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one changed document fared; `detail` says more."""

    outcome: str
    """another layer, refused, survives for a reason; and what must not be: same layer, broken layer, nameless error,
    traceback"""
    detail: str = ""

    @property
    def good(self) -> bool:
        """The change didn't slip through, or may."""
        return self.outcome in ("another layer", "refused", "survives for a reason")


@cache
def document() -> dict[str, Any]:
    """The vendor's document."""
    found: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    return found


@cache
def layer() -> Files:
    """The layer that the vendor's document makes."""
    return render(apply(document(), overlay()))


def verdict(mutant: Mutant) -> Verdict:
    """Renders a mutant of the vendor's document, and judges what comes out."""
    changed = mutant.of(document())
    if changed == document():
        return Verdict("survives for a reason", "the document says so itself")
    try:
        files = render(apply(changed, overlay()))
    except (OverlayError, ShapeError, Refused) as error:
        named = any(word in str(error).replace("~1", "/") for word in mutant.words)
        return Verdict("refused" if named else "nameless error", str(error))
    except Exception as error:
        return Verdict("traceback", f"{type(error).__name__}: {error}")
    if files == layer():
        reason = SURVIVORS.get(mutant.kind)
        if (
            reason is None
            or (reason == _NONE and not (_in_an_answer(mutant) or _is_cleared(mutant)))
            or (reason == _MAY_BE_EMPTY and "delete" not in mutant.place)
        ):
            return Verdict("same layer")
        return Verdict("survives for a reason", reason)
    found = faults(files, changed)
    return Verdict("broken layer", "; ".join(found)) if found else Verdict("another layer")


def _in_an_answer(mutant: Mutant) -> bool:
    return mutant.place[:2] == ("components", "schemas") and not str(mutant.place[2]).endswith("Request")


def _is_cleared(mutant: Mutant) -> bool:
    """Whether the overlay says of a request's field that None clears it."""
    found: Any = apply(document(), overlay())
    for step in mutant.place:
        if isinstance(found, list):
            # Only schemas are cleared, and there is no list on the way to one of a field.
            return False
        found = found.get(step, {})
    return bool(found.get("nullable"))


def _judged(mutants_of: tuple[int, ...]) -> list[tuple[int, Verdict]]:
    every = list(mutants(document()))
    return [(index, verdict(every[index])) for index in mutants_of]


def main(arguments: Iterable[str]) -> int:
    """Judges all of them, or as many as are asked for; tells what slipped, and how many survive for which reason."""
    every = list(mutants(document()))
    indexes = list(range(len(every)))
    for number in arguments:
        indexes = sorted(random.sample(indexes, int(number)))
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    slipped: list[str] = []
    step = 50
    chunks = [tuple(indexes[start : start + step]) for start in range(0, len(indexes), step)]
    with ProcessPoolExecutor(2) as pool:
        for judged in pool.map(_judged, chunks):
            for index, found in judged:
                outcomes[found.outcome] += 1
                if found.outcome == "survives for a reason":
                    reasons[found.detail] += 1
                if not found.good:
                    slipped.append(f"{found.outcome}: {every[index]}\n    {found.detail}")
            print(f"\r{outcomes.total()} of {len(indexes)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for outcome, count in outcomes.most_common():
        print(f"{count:6} {outcome}")
    for reason, count in reasons.most_common():
        print(f"{count:6}   {reason}")
    print("\n".join(slipped))
    return 1 if slipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
