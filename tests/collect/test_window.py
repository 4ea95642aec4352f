"""Which broadcasts a run is about."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ac_sms_async.collect import Window
from ac_sms_async.collect.window import Listing, details
from ac_sms_async.errors import ConfigurationError

MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def test_modes() -> None:
    assert Window().mode == "full"
    assert Window(*MARCH).mode == Window(name="Sale").mode == "window"
    assert Window.since_last().mode == "since_last"


def test_listings() -> None:
    assert Window(*MARCH, status="sent").listing == Listing(*MARCH, status="sent")
    # What is new or gone can't be known otherwise.
    assert Window.since_last().listing == Listing()


def test_the_same_command_has_the_same_spec() -> None:
    assert Window(*MARCH).spec({"recipients", "failures"}) == Window(*MARCH).spec(["failures", "recipients"])
    specs = {Window().spec(()), Window().spec({"failures"}), Window(*MARCH).spec(()), Window.since_last().spec(())}
    specs.add(Window.since_last(timedelta(days=7)).spec(()))
    assert len(specs) == 5


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"start": MARCH[1], "end": MARCH[0]}, "after its end"),
        ({"start": datetime(2026, 1, 1)}, "must be a datetime.date"),  # noqa: DTZ001 - a mistake of the caller
        ({"end": "2026-01-01"}, "must be a datetime.date"),
        ({"horizon": timedelta(0)}, "longer than nothing"),
        ({"horizon": timedelta(1), "name": "x"}, "takes no dates and no filters"),
    ],
)
def test_what_makes_no_sense(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Window(**given)


def test_details() -> None:
    assert details(()) == frozenset()
    assert details(["failures", "failures"]) == {"failures"}
    with pytest.raises(ConfigurationError, match="not 'replies'"):
        details({"replies"})
    with pytest.raises(ConfigurationError, match="must be a set"):
        details("failures")
