"""The sandbox's time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import anyio
import pytest

from ac_sms_async.sandbox import Clock

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Ticks:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_runs_at_its_speed_and_can_be_moved_on() -> None:
    ticks = Ticks()
    clock = Clock(START, speed=60, monotonic=ticks)
    assert clock.datetime() == START
    ticks.now += 2
    clock.advance(5)
    assert clock.now() == START.timestamp() + 125
    # The rate limit counts real seconds, whatever the speed.
    assert clock.elapsed() == 7
    clock.set_speed(0)
    ticks.now += 1000
    assert clock.now() == START.timestamp() + 125
    assert (clock.speed, clock.advanced) == (0, 5)
    clock.advance(1, hours=2, days=3)
    assert clock.advanced == 6 + 2 * 3600 + 3 * 86_400


def test_time_is_now_unless_told() -> None:
    assert abs(Clock().datetime() - datetime.now(UTC)).total_seconds() < 60


def test_the_first_day_is_that_of_chicago_and_needs_no_loop() -> None:
    evening = Clock(datetime(2026, 1, 5, 5, 59, tzinfo=UTC), monotonic=anyio.current_time)
    assert evening.first_day() == date(2026, 1, 4)
    later = Clock(datetime(2026, 1, 5, 6, 0, tzinfo=UTC), speed=60)
    later.advance(days=3)
    later.set_speed(0)
    assert later.first_day() == date(2026, 1, 5)


@pytest.mark.anyio
async def test_time_can_be_the_event_loops() -> None:
    clock = Clock(START, monotonic=anyio.current_time)
    began = clock.now()
    await anyio.sleep(0.01)
    assert clock.now() > began


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2026, 1, 5))  # noqa: DTZ001 - on purpose
    with pytest.raises(ValueError, match="from 0 to"):
        Clock(speed=-1)
    with pytest.raises(ValueError, match="from 0 to"):
        Clock().set_speed(-1)
    for seconds in (-1, float("nan")):
        with pytest.raises(ValueError, match="backwards"):
            Clock().advance(seconds)
    for seconds in (1e12, float("inf")):
        with pytest.raises(ValueError, match="no calendar"):
            Clock().advance(seconds)
    Clock(speed=10_000_000)
