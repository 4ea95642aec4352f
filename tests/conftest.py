"""Fixtures that every test shares: both event loops, with real and with virtual time."""

from __future__ import annotations

import asyncio
import logging
import os
import selectors
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from trio.testing import MockClock

# A busy machine makes examples slowly, which says nothing of the code. What fails says how to see it again.
settings.register_profile("everywhere", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
# A gate judges a change, and draws no lots over it. Everywhere else each run makes up other situations.
settings.register_profile("gate", settings.get_profile("everywhere"), derandomize=True, database=None)
settings.load_profile("gate" if os.environ.get("AC_SMS_GATE") else "everywhere")


class _JumpingSelector(selectors.DefaultSelector):
    """Never sleeps: where the loop would wait for a timer, it moves the loop's clock instead."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is not None and timeout > 0:
            self.loop.jump(timeout)
        elif not ready and timeout is None:
            # Nothing is scheduled: only another thread can wake the loop now.
            return super().select(5)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose time runs only when nothing else can."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        super().__init__(selector)
        selector.loop = self
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        self._now += seconds


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Let no test keep the logging levels that a page of the docs or the command set in one before."""
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    levels = [(logger, logger.level) for logger in loggers]
    yield
    for logger, level in levels:
        logger.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def budgets_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Keep the files in which processes share budgets away from those of this user's real programs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AC_SMS_BUDGET_DIR", str(tmp_path_factory.mktemp("budgets")))
        yield


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Real time, for tests with sockets. For virtual time a module overrides it to return `virtual_backend`."""
    return request.param


@pytest.fixture(params=["asyncio", "trio"])
def virtual_backend(request: pytest.FixtureRequest) -> Any:
    """Virtual time on both loops: `anyio_backend = virtual_backend` by an override fixture in the module."""
    if request.param == "asyncio":
        return ("asyncio", {"loop_factory": VirtualLoop})
    return ("trio", {"clock": MockClock(autojump_threshold=0)})
