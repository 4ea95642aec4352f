"""Rounds: contestants take turns in random order, so that what else the machine does hits them all alike."""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

from attrs import field, frozen


@frozen
class Sample:
    """What one turn of one contestant did: units of work, seconds on the clock, seconds of CPU."""

    units: float
    seconds: float
    cpu: float


Contestant = Callable[[], Awaitable[Sample]]


@frozen
class Race:
    """The samples of every contestant, and ratios of their medians."""

    samples: Mapping[str, list[Sample]]

    def rate(self, name: str) -> float:
        """Units per second on the clock."""
        return statistics.median(sample.units / sample.seconds for sample in self.samples[name])

    def cost(self, name: str) -> float:
        """Seconds of CPU per unit."""
        return statistics.median(sample.cpu / sample.units for sample in self.samples[name])

    def speed(self, ours: str, theirs: str) -> float:
        """How many times as many units per second `ours` does as `theirs`."""
        return self.rate(ours) / self.rate(theirs)

    def expense(self, ours: str, theirs: str) -> float:
        """How many times the CPU per unit of `theirs` that `ours` takes."""
        return self.cost(ours) / self.cost(theirs)

    def best(self, *names: str) -> str:
        """The contestant that does the most units per second."""
        return max(names, key=self.rate)

    def details(self) -> dict[str, dict[str, float]]:
        """The medians by contestant, for the JSON result."""
        return {
            name: {
                "per_second": round(self.rate(name), 2),
                "cpu_us_per_unit": round(self.cost(name) * 1e6, 3),
            }
            for name in self.samples
        }


async def race(contestants: Mapping[str, Contestant], *, rounds: int) -> Race:
    """Let every contestant take a turn to warm up, then one in each round."""
    samples: dict[str, list[Sample]] = {name: [] for name in contestants}
    for take_turn in contestants.values():
        await take_turn()
    names = list(contestants)
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            gc.collect()
            samples[name].append(await contestants[name]())
    return Race(samples)


@frozen
class Watch:
    """The clock and the CPU time of this process, from when it was made."""

    _started: float = field(factory=time.perf_counter, init=False)
    _cpu: float = field(factory=time.process_time, init=False)

    def sample(self, units: float) -> Sample:
        return Sample(units, time.perf_counter() - self._started, time.process_time() - self._cpu)


async def calls_for(seconds: float, call: Callable[[], Awaitable[object]], *, workers: int) -> Sample:
    """Make calls for some seconds, `workers` at a time; the unit is a call."""
    done = 0
    watch = Watch()
    end = time.perf_counter() + seconds

    async def work() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call()
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    return watch.sample(done)


async def calls(count: int, call: Callable[[], Awaitable[object]], *, workers: int) -> Sample:
    """Make a number of calls, `workers` at a time; the unit is a call."""
    turns = iter(range(count))

    async def work() -> None:
        for _ in turns:
            await call()

    watch = Watch()
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    return watch.sample(count)


def repeated(seconds: float, function: Callable[[], object]) -> Contestant:
    """A contestant that calls a plain function for some seconds; the unit is a call."""

    async def take_turn() -> Sample:
        done = 0
        watch = Watch()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            function()
            done += 1
        return watch.sample(done)

    return take_turn
