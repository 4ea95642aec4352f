"""A year of an account, another one each time; `make simulate` lets it live for longer."""

from __future__ import annotations

import os
import random

from tests.collect.simulate import simulate


def test_a_year_of_an_account() -> None:
    seed = 1 if os.environ.get("AC_SMS_GATE") else random.randrange(1_000_000)
    figures = simulate(seed, 1)
    assert figures.differences == 0, f"make simulate SEED={seed} YEARS=1"
    assert figures.runs["complete"] > 100
    assert figures.runs["killed"] > 0
