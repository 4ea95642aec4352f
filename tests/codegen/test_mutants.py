"""Nothing that the vendor changes slips through: it makes another layer that works, or an error that names the place.

Here some of the changes, other ones in each run; `make mutation-document` makes them all.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.codegen.layer import faults
from tests.codegen.mutants import Mutant, mutants
from tests.codegen.verdicts import SURVIVORS, document, layer, verdict

EVERY = list(mutants(document()))
COUNT = 1000 if os.environ.get("AC_SMS_DEEP") else 30


def drawn() -> list[Mutant]:
    """One mutant of each of some kinds: the kinds are uneven in number, and a rare one is no less a change."""
    kinds = sorted({mutant.kind for mutant in EVERY})
    by_kind = {kind: [mutant for mutant in EVERY if mutant.kind == kind] for kind in kinds}
    return [random.choice(by_kind[random.choice(kinds)]) for _ in range(COUNT)]


def test_no_change_slips_through() -> None:
    slipped = [f"{mutant}: {found}" for mutant in drawn() if not (found := verdict(mutant)).good]
    assert slipped == []


def test_what_may_be_ignored_is_judged_at_each_kind_of_place() -> None:
    for part in ("parameters", "schemas"):
        found = next(mutant for mutant in EVERY if mutant.kind == "new title of a value" and part in mutant.place)
        assert verdict(found).good


def test_the_changes_are_many_and_every_reason_to_survive_is_used() -> None:
    assert len(EVERY) > 5000
    assert SURVIVORS.keys() <= {mutant.kind for mutant in EVERY}
    assert all(mutant.of(document()) != document() for mutant in random.sample(EVERY, 50))


def test_the_layer_of_the_vendors_document_is_sound() -> None:
    assert faults(layer(), document()) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("api/broadcasts.py", "write_int(limit", "write_gone(limit", "undefined names: ['write_gone']"),
        ("api/broadcasts.py", '"filters[name]"', '"filters[title]"', "listBroadcasts: parameters differ"),
        ("api/broadcasts.py", "limit: int | None = None", "limit: int", "listBroadcasts: what is required differs"),
        ("api/broadcasts.py", 'method="PUT"', 'method="POST"', "updateBroadcast: method or operationId differs"),
        ("api/broadcasts.py", "json=body.to_dict()", "json=UNSET", "body is missing"),
        ("models/page_meta.py", '"total": self.total', '"totals": self.total', "listBroadcasts: 200.meta is"),
        ("models/recipient.py", '"sentDate"', '"sentdate"', "extra is"),
        ("models/broadcast_ids.py", "class BroadcastIds", "class BroadcastId", "can't be used"),
        ("models/broadcast_ids.py", "def to_dict", "def to_dict(", "does not compile"),
    ],
)
def test_a_broken_layer_is_seen(file: str, old: str, new: str, fault: str) -> None:
    assert old in layer()[file]
    broken = {**layer(), file: layer()[file].replace(old, new)}
    assert any(fault in found for found in faults(broken, document())), faults(broken, document())
