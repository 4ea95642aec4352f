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
    assert caught.value.last == len(seen)
    return seen, anyio.current_time() - start, str(caught.value)


async def test_the_last_look_comes_half_a_second_before_the_end() -> None:
    seen, ended, said = await looks(10.0)
    assert seen == pytest.approx([0.0, 1.0, 2.5, 4.75, 8.125, 9.5])
    assert ended == pytest.approx(9.5)
    assert said == "what was waited for was not done within 10 s"


async def test_looks_that_take_long_are_given_a_quarter_more_than_they_took() -> None:
    seen, ended, _ = await looks(10.0, takes=2.0, first=20.0)
    # The second look has to begin 2.5 s before the end.
    assert seen == pytest.approx([0.0, 7.5])
    assert ended == pytest.approx(9.5)


async def test_a_short_wait_keeps_a_quarter_of_its_time_for_the_last_look() -> None:
    seen, _, said = await looks(1.0, first=5.0, what="the tea")
    assert seen == pytest.approx([0.0, 0.75])
    assert said == "the tea was not done within 1 s"


async def test_no_time_left_at_all_is_the_end() -> None:
    # The look ends exactly when the time kept back for another begins.
    seen, ended, _ = await looks(10.0, takes=7.5)
    assert seen == [0.0]
    assert ended == pytest.approx(7.5)


@pytest.mark.parametrize("name", ["timeout", "first", "maximum"])
@pytest.mark.parametrize("wrong", [0, -1, True, "1", None, float("nan")], ids=repr)
async def test_what_is_no_number_of_seconds_is_called_by_its_name(name: str, wrong: Any) -> None:
    options: dict[str, Any] = {"timeout": 10.0, name: wrong}

    async def check() -> None:
        raise AssertionError("nothing is asked")

    with pytest.raises(ConfigurationError, match=f"^{name} must be a number of seconds above 0"):
        await poll_until(check, lambda state: True, **options)
