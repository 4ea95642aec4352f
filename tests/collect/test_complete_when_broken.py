"""What makes `complete` true, taken out piece by piece: the property sees that each of them is missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from ac_sms_async.collect import ledger, needs
from ac_sms_async.collect.ledger import Ledger
from ac_sms_async.collect.needs import Known
from ac_sms_async.collect.rows import COUNTS, Fields
from tests.collect.collecting import Collecting

Patch = Callable[[pytest.MonkeyPatch], None]

STAGES = "ac_sms_async.collect.stages"
EXAMPLES = 3000
"""So many at most; most are seen within some hundreds."""


def _never_counted(patch: pytest.MonkeyPatch) -> None:
    def must_count(seen: Fields, known: Known, since: datetime | None) -> bool:
        return needs.must_count(seen, evolve(known, counts=(0,) * len(COUNTS)), since)

    patch.setattr(ledger, "must_count", must_count)


def _short(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(f"{STAGES}._Pass.short", False)


def _exact(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(f"{STAGES}._Pass.exact", True)


def _gone(patch: pytest.MonkeyPatch) -> None:
    async def nothing(_: object) -> None:
        return None

    patch.setattr(f"{STAGES}.Stages._look_for_gone", nothing)


def _owed(patch: pytest.MonkeyPatch) -> None:
    async def nothing(_: Ledger) -> list[tuple[str, int, str]]:
        return []

    patch.setattr(Ledger, "owed", nothing)


BREAKS: dict[str, Patch] = {
    "what was never counted is counted, whatever its age": _never_counted,
    "a list that ends early is noticed": _short,
    "recipients who come and go while they are read are noticed": _exact,
    "what is no longer listed is looked for": _gone,
    "what failed is owed": _owed,
}


@pytest.mark.skipif(not os.environ.get("AC_SMS_DEEP"), reason="takes minutes: AC_SMS_DEEP=1")
@pytest.mark.parametrize("without", BREAKS.values(), ids=BREAKS)
def test_the_property_sees_that_it_is_missing(without: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0

    class Counted(Collecting):
        def __init__(self) -> None:
            nonlocal seen
            seen += 1
            super().__init__()

    without(monkeypatch)
    with pytest.raises(AssertionError) as caught:
        run_state_machine_as_test(
            Counted,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=12,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
            ),
        )
    print(f"seen after {seen} lives: {caught.value}")
