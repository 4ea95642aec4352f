"""What a job collects, there and back."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from ac_sms_async.collect import Window
from ac_sms_async.fleet import Plan


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan(Window()),
        Plan(Window.since_last(timedelta(days=2.5)), frozenset({"failures"})),
        Plan(Window(date(2026, 1, 1), date(2026, 2, 1), status="sent"), frozenset({"failures", "recipients"})),
        Plan(Window(None, date(2026, 2, 1), name="Sale")),
    ],
)
def test_a_plan_survives_the_database(plan: Plan) -> None:
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert json.loads(plan.key) == plan.to_json()
