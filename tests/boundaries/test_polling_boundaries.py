"""Waits at their end: the last look, and what is said when there is no time for another."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from ac_sms_async import ConfigurationError, WaitTimeoutError
from ac_sms_async.polling import poll_until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


async def looks(timeout: float, *, takes: float = 0.0, **options: Any) -> tuple[list[float], float, str]:
    """When it looked, when it gave up, and what it said."""
    start = anyio.current_time()
    seen: list[float] = []

    async def check() -> int:
        seen.append(anyio.current_time() - start)
        await anyio.sleep(takes)
        return len(seen)

    with pytest.raises(WaitTimeoutError) as caught:
        await poll_until(check, lambda state: False, timeout=timeout, jitter=0, **options)
    # The last one may have been cut off by the end.
    assert caught.value.last in (len(seen), len(seen) - 1)
    return seen, anyio.current_time() - start, str(caught.value)


async def test_the_last_looks_come_in_the_half_second_before_the_end() -> None:
    seen, ended, said = await looks(10.0)
    assert seen == pytest.approx([0.0, 1.0, 2.5, 4.75, 8.125, 9.5, 9.75])
    assert ended == pytest.approx(9.75)
    assert said == "what was waited for was not done within 10 s"


async def test_looks_that_take_long_are_given_a_quarter_more_than_they_took() -> None:
    seen, ended, _ = await looks(10.0, takes=2.0, first=20.0)
    # The second look has to begin 2.5 s before the end. A third would be too late, if it weren't quicker.
    assert seen == pytest.approx([0.0, 7.5, 9.75])
    assert ended == pytest.approx(10)


async def test_a_short_wait_keeps_a_quarter_of_its_time_for_the_last_look() -> None:
    seen, _, said = await looks(1.0, first=5.0, what="the tea")
    assert seen == pytest.approx([0.0, 0.75, 0.875, 0.9375, 0.96875])
    assert said == "the tea was not done within 1 s"


async def test_all_of_the_time_is_used_however_long_a_look_takes() -> None:
    # The look ends exactly when the time kept back for another begins.
    seen, ended, _ = await looks(10.0, takes=7.5)
    assert seen == [0.0, 8.0]
    assert ended == pytest.approx(10)
    seen, ended, _ = await looks(300.0, takes=60.0)
    assert seen == pytest.approx([0, 61, 122.5, 184.75, 245.25])
    assert ended == pytest.approx(300)


@pytest.mark.parametrize(("timeout", "takes", "ended"), [(10.0, 9.5, 10.0), (10.0, 9.51, 9.51), (1.0, 0.96, 0.96)])
async def test_with_less_than_half_a_second_left_and_a_twentieth_it_ends(
    timeout: float, takes: float, ended: float
) -> None:
    assert (await looks(timeout, takes=takes))[1] == pytest.approx(ended)


@pytest.mark.parametrize("name", ["timeout", "first", "maximum"])
@pytest.mark.parametrize("wrong", [0, -1, True, "1", None, float("nan"), 10**400], ids=repr)
async def test_what_is_no_number_of_seconds_is_called_by_its_name(name: str, wrong: Any) -> None:
    options: dict[str, Any] = {"timeout": 10.0, name: wrong}

    async def check() -> None:
        raise AssertionError("nothing is asked")

    with pytest.raises(ConfigurationError, match=f"^{name} must be a finite number of seconds greater than 0"):
        await poll_until(check, lambda state: True, **options)
