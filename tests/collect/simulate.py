"""Years of an account's life, collected day by day, in virtual time: `python -m tests.collect.simulate SEED YEARS`.

Every week something is sent; counts come late, contacts reply and are erased, broadcasts are edited and deleted. Two
machines, whose clocks are minutes or years apart, collect it: each day what can still change, each month everything.
Requests fail, for some days too; processes die at any write. Whenever a run says that it is complete, the store is held
against every state that the account had during that sitting. An account lives for ten years at most; then the next.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn

from attrs import Factory, define, evolve

from ac_sms_async.collect import RunResult, Window
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.window import Detail
from ac_sms_async.errors import NotFoundError, ServerError, TransportError, UnprocessableError
from tests.collect.fakes import EVERYTHING, Killed, Mortal
from tests.collect.life import Life, Person, State, Trouble
from tests.collect.truth import differences
from tests.conftest import VirtualLoop

LIFETIME = 10
DAYS = 365
KEPT = 400
"""How many days broadcasts are kept by those who send them, more or less."""

JUMPS = (-3650.0, -400.0, -1.0, -0.01, 0.0, 0.0, 0.0, 0.01, 1.0, 400.0, 3650.0)
ERRORS = (
    NotFoundError("nothing here", status=404, body=b'{"message": "nothing here"}'),
    UnprocessableError("\ud800", status=422),
    ServerError("down", status=503),
    TransportError("reset"),
)
TEXTS = ("Yes", "STOP", "a\x00b", "\ud800", "=cmd|x", "مرحبا", "")


@define
class Figures:
    """What came of it."""

    runs: Counter[str] = Factory(Counter[str])
    """By how they ended."""
    sent: int = 0
    requests: int = 0
    differences: int = 0

    def __str__(self) -> str:
        by_end = ", ".join(f"{count:,} {end}" for end, count in self.runs.most_common())
        return (
            f"{self.runs.total():,} runs ({by_end}), {self.requests:,} requests, {self.sent:,} broadcasts sent, "
            f"{self.differences} differences"
        )


class Simulation:
    """One account and its store, from the first day on."""

    def __init__(self, seed: int, figures: Figures) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.figures = figures
        self.life = Life(page_size=100)
        self.store = Mortal()
        self.clocks = [timedelta(0), timedelta(minutes=7)]
        self.accept = False

    async def live(self, days: int) -> None:
        """So many days."""
        for day in range(days):
            self.life.now += timedelta(days=1)
            self._spend_a_day(day)
            await self._collect(Window() if day % 30 == 29 else Window.since_last())
        await self.store.aclose()

    # The account

    def _often(self, times_a_year: float) -> bool:
        return self.chance.random() < times_a_year / DAYS

    def _spend_a_day(self, day: int) -> None:
        life, chance = self.life, self.chance
        if day % 7 == 0:
            age = 90 if self._often(30) else 0
            sent = life.now - timedelta(days=age)
            life.add(State(f"Week {day // 7}", "sent", sent, counted=not self._often(30)), chance.randint(1, 12))
            self.figures.sent += 1
        if self._often(20):
            life.add(State("Draft", chance.choice(("draft", "scheduled", "paused"))))
        if self._often(15):
            life.deliver(chance.randint(0, 5), chance.randint(1, 8))
        for _ in range(chance.randint(0, 3)):
            self._change(self.life)
        if self._often(25):
            old = [i for i in life.living() if i < len(life.history) - KEPT // 6]
            for i in old[: chance.randint(1, 12)]:
                life.put(i, None)
        if self._often(12):
            self.clocks[chance.randint(0, 1)] = timedelta(days=chance.choice(JUMPS))
        self._trouble()

    def _change(self, life: Life) -> None:
        chance = self.chance
        place, who, text = chance.randint(0, 9), chance.randint(0, 9), chance.choice(TEXTS)

        def reply(person: Person) -> Person:
            return evolve(person, replies=(*person.replies, text))

        def click(person: Person) -> Person:
            return evolve(person, clicks=person.clicks + 1)

        def fail(person: Person) -> Person:
            return evolve(person, failed=None if person.failed else chance.choice(("30003", "30007")))

        what = chance.random()
        if what < 0.7:
            life.person(place, who, chance.choice((reply, click, click, fail)))
        elif what < 0.8:
            life.edit(place, text)
        elif what < 0.85:
            life.person(place, who, lambda person: evolve(person, name=text), moving=False)
        elif what < 0.9:
            life.person(place, who, _erased, moving=False)
        elif what < 0.97:
            life.count(place)
        else:
            life.delete(place)

    def _trouble(self) -> None:
        """What heals by itself, or after some days."""
        life, chance = self.life, self.chance
        if self._often(60):
            life.troubles.clear()
            life.cuts.clear()
        if self._often(40):
            kind = chance.choice(("failures", "recipients", "metrics", "broadcast"))
            if (i := life.chosen(chance.randint(0, 9))) is not None:
                life.troubles[kind, i] = Trouble(chance.choice(ERRORS), chance.choice((1, 2, None)))
        if self._often(10):
            # An outage of the whole API, at some request.
            kind = chance.choice(("list", "chunk", "credits"))
            life.troubles[kind, 0] = Trouble(ServerError("down", status=503), chance.choice((1, 3, None)))
        if self._often(15):
            life.cuts[chance.choice(("list", "recipients"))] = Trouble(
                TransportError("cut"), chance.choice((1, 2, None))
            )

    # Those who collect it

    async def _collect(self, window: Window) -> None:
        """One command, by either machine; where it dies, it is started again."""
        life, chance = self.life, self.chance
        include: frozenset[Detail] = EVERYTHING
        while True:
            machine = chance.randint(0, 1)
            life.refused.clear()
            life.script = [(chance.randint(1, 8), self._change) for _ in range(chance.choice((0, 0, 1, 3)))]
            life.next_start = 0.0
            self.store.left = chance.randint(0, 30) if self._often(40) else None
            first, already = life.version, len(life.requests)
            try:
                result = await collect_source(
                    life, self.store, window, include, now=self._clock(machine), accept_deletions=self.accept
                )
            except Killed:
                self.figures.runs["killed"] += 1
                continue
            finally:
                self.figures.requests += len(life.requests) - already
                life.requests.clear()
                self.store.left = None
            await self._judge(result, window, include, first)
            return

    def _clock(self, machine: int) -> Callable[[], datetime]:
        return lambda: self.life.now + self.clocks[machine]

    async def _judge(self, result: RunResult, window: Window, include: frozenset[Detail], first: int) -> None:
        self.figures.runs[result.status] += 1
        # Somebody reads why, looks at the account, and says that they are deleted indeed.
        self.accept = any("too many to be believed" in reason for reason in result.reasons)
        if result.status == "complete":
            for wrong in await differences(self.store, self.life, window, include, first, self.life.version):
                self.figures.differences += 1
                print(f"seed {self.seed}, {self.life.now:%Y-%m-%d}, {window.mode}: {wrong}", flush=True)


def _erased(_: Person) -> None:
    return None


def simulate(seed: int, years: int) -> Figures:
    """So many years of accounts that live for ten years at most."""
    figures = Figures()
    for place, begun in enumerate(range(0, years, LIFETIME)):
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(Simulation(seed + place, figures).live(DAYS * min(LIFETIME, years - begun)))
    return figures


def main(seed: int = 1, years: int = LIFETIME) -> NoReturn:
    """Say what came of it; 1 where anything was otherwise."""
    began = time.perf_counter()
    figures = simulate(seed, years)
    print(f"{years} years from seed {seed}: {figures}, in {time.perf_counter() - began:.0f} s")
    sys.exit(1 if figures.differences else 0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
