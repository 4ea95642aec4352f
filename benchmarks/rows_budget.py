"""What a call costs more whose budget all processes of the machine share."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from functools import partial
from statistics import median

from ac_sms_async import RateLimit
from ac_sms_async.budget.file import FOLDER_VARIABLE
from benchmarks.lab import Lab
from benchmarks.report import Figure
from benchmarks.rounds import Contestant, Race, calls_for, race
from benchmarks.server import SMALL_ID

LIMIT = RateLimit(100, per=0.003, margin=0.0)
"""Nobody ever waits for it, and the ledger has some starts in it, as it usually has."""
MOST = 100.0


async def machine_budget(lab: Lab) -> list[Figure]:
    """One warm call after the other, none of which finds a line."""
    os.environ[FOLDER_VARIABLE] = str(lab.folder / "budget")
    async with AsyncExitStack() as stack:
        turns: dict[str, Contestant] = {}
        for budget in ("loop", "machine"):
            sms = await stack.enter_async_context(
                lab.client(budget=budget, rate_limit=LIMIT, account=f"benchmark of {budget}", max_concurrency=1)
            )
            turns[budget] = partial(calls_for, lab.turn, partial(sms.broadcasts.get, SMALL_ID), workers=1)
        result = await race(turns, rounds=lab.rounds)
    return [
        Figure(
            "budget",
            'small GET, default backend, budget="machine" against "loop": CPU more for each call',
            _more(result) * 1e6,
            unit="us",
            target=MOST,
            bound="at most",
            details=result.details(),
        )
    ]


def _more(result: Race) -> float:
    """Seconds of CPU for each call, round by round: what else the machine does is more than the difference."""
    pairs = zip(result.samples["machine"], result.samples["loop"], strict=True)
    return median(machine.cpu / machine.units - loop.cpu / loop.units for machine, loop in pairs)
