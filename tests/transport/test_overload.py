"""More calls than the account may make: who can be answered in time is, and who can't is told at once.

Made-up situations on virtual time: how much is asked for, in which rhythm, with which deadline, and how long the server
takes. Measured is the second half of each, when all that can pile up has piled up.
"""

from __future__ import annotations

import math
import os
from random import Random
from typing import Any

import anyio
import pytest
from attrs import define, evolve, field, frozen
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from ac_sms_async.errors import OverloadedError, SMSError
from tests.conftest import VirtualLoop
from tests.transport.conftest import Over
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import reading, writing

ALLOWED = 5 / 1.05
"""Requests a second."""
LATEST = 8
"""Where each of so many requests, the latest that ended, took longer, everybody can know that one is in vain."""
DEEP = bool(os.environ.get("AC_SMS_DEEP"))
EXAMPLES = 300 if DEEP else 4
FOUND = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@frozen
class Situation:
    """Who asks how much of whom."""

    times_allowed: float
    """How many times the allowed rate is asked for."""
    deadline: float
    quick: float
    """What most answers take, as a share of the deadline..."""
    slow: float
    """...and the others..."""
    share: float
    """...which are this many of them..."""
    spell: float
    """...by chance (0), or one after the other, in a spell once in so many deadlines."""
    spread: float
    """Every answer takes up to so much longer than that, or less."""
    burst: int
    """So many calls come at a time."""
    even: bool
    """Whether they come like a clock, or by chance."""
    slots: int
    write: bool
    seed: int
    loop: str
    least: float = 20.0
    """Seconds that it lasts, at least."""

    @property
    def seconds(self) -> float:
        return max(self.least, min(5 * self.deadline, 120.0 if DEEP else 40.0))


@define
class Outcome:
    """What came of it."""

    situation: Situation
    began: float = 0.0
    draw: Random = field(init=False)
    takes: dict[int, float] = field(factory=dict[int, float])
    asked: dict[int, float] = field(factory=dict[int, float])
    started: dict[int, float] = field(factory=dict[int, float])
    ended: dict[int, float] = field(factory=dict[int, float])
    """In the order in which they ended, answered or not."""
    got: set[int] = field(factory=set[int])
    errors: dict[int, tuple[SMSError, float]] = field(factory=dict[int, tuple[SMSError, float]])

    def __attrs_post_init__(self) -> None:
        self.draw = Random(self.situation.seed)

    def start(self, number: int) -> float:
        """A request reaches the server: how long its answer takes."""
        situation, now = self.situation, anyio.current_time()
        slow = self.draw.random() < situation.share
        if situation.spell:
            slow = (now - self.began) / situation.deadline / situation.spell % 1 > 1 - situation.share
        usual = situation.slow if slow else situation.quick
        takes = situation.deadline * usual * self.draw.uniform(1 - situation.spread, 1 + situation.spread)
        self.started[number], self.takes[number] = now, takes
        return takes

    @property
    def late(self) -> list[int]:
        """The requests of the second half that had been answered in time if they had had all the time of their call."""
        half = self.began + self.situation.seconds / 2
        return [n for n, at in self.started.items() if at >= half and self.takes[n] < self.situation.deadline]

    @property
    def in_vain(self) -> list[int]:
        """The calls that had waited, and were sent when they had less time left than each of the latest had taken."""
        took = [(at, at - self.started[n]) for n, at in self.ended.items() if n in self.started]
        known, found = 0, list[int]()
        for n, at in self.started.items():
            while known < len(took) and took[known][0] < at:
                known += 1
            left = self.situation.deadline - (at - self.asked[n])
            if known >= LATEST and at > self.asked[n] and left < min(time for _, time in took[known - LATEST : known]):
                found.append(n)
        return found

    @property
    def share_got(self) -> float:
        late = self.late
        return len(self.got.intersection(late)) / len(late) if late else math.nan

    @property
    def rate_got(self) -> float:
        """Answers a second that somebody got, in the second half."""
        return len(self.got.intersection(self.late)) / (self.situation.seconds / 2)


class Answering(FakeBackend):
    """Notes which call each request was of."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(self._step)
        self.outcome = outcome

    def _step(self, request: Any) -> Step:
        number = int(request.target.rpartition("/")[2])
        return Step(latency=self.outcome.start(number))


def play(over: Over, situation: Situation) -> Outcome:
    """Let it happen."""
    outcome = Outcome(situation)
    transport = over(Answering(outcome), deadline=situation.deadline, max_concurrency=situation.slots)
    arrivals = Random(situation.seed)

    async def call(number: int) -> None:
        make = writing if situation.write else reading
        begun = outcome.asked[number] = anyio.current_time()
        try:
            await transport.send(make(path=f"/calls/{number}"))
        except SMSError as error:
            outcome.errors[number] = error, anyio.current_time() - begun
        else:
            outcome.got.add(number)
        outcome.ended[number] = anyio.current_time()

    async def main() -> None:
        outcome.began = anyio.current_time()
        number = 0
        async with transport, anyio.create_task_group() as tasks:
            while anyio.current_time() - outcome.began < situation.seconds:
                for _ in range(situation.burst):
                    tasks.start_soon(call, number)
                    number += 1
                pause = situation.burst / (situation.times_allowed * 5)
                await anyio.sleep(pause if situation.even else arrivals.expovariate(1 / pause))

    if situation.loop == "asyncio":
        anyio.run(main, backend="asyncio", backend_options={"loop_factory": VirtualLoop})
    else:
        anyio.run(main, backend="trio", backend_options={"clock": MockClock(autojump_threshold=0)})
    return outcome


def situations(**fixed: Any) -> st.SearchStrategy[Situation]:
    kinds: dict[str, Any] = {
        "times_allowed": st.floats(1.5, 4),
        "deadline": st.floats(2, 60 if DEEP else 10),
        "quick": st.floats(0.001, 0.6),
        "slow": st.floats(0.001, 1.5),
        "share": st.sampled_from([0.0, 0.0, 0.03, 0.2, 0.5]),
        "spell": st.sampled_from([0.0, 0.0, 3.0]),
        "spread": st.sampled_from([0.0, 0.1, 0.6]),
        "burst": st.sampled_from([1, 1, 7, 40]),
        "even": st.booleans(),
        "slots": st.sampled_from([1, 10, 10, 10, 100]),
        "write": st.booleans(),
        "seed": st.integers(0, 10_000),
        "loop": st.sampled_from(["asyncio", "asyncio", "asyncio", "trio"]),
    }
    return st.builds(Situation, **{**kinds, **{name: st.just(value) for name, value in fixed.items()}})


PLAIN = Situation(1.6, 10.0, 0.025, 0.0, 0.0, 0.0, 0.0, 1, True, 10, False, 1, "asyncio")
"""An app that asks for eight a second, with answers in a quarter of a second."""


SLOWER = Situation(3.0, 8.0, 0.02, 0.6, 0.5, 3.0, 0.1, 40, False, 100, False, 1, "asyncio")
"""Bursts of forty, and a server that turns slow while they wait."""


@FOUND
@example(PLAIN)
@given(situations(spell=0.0))
def test_nine_of_ten_requests_that_are_sent_are_answers_that_somebody_gets(over: Over, situation: Situation) -> None:
    # Of a few dozen answers, two more or less are chance.
    outcome = play(over, evolve(situation, least=300.0 if DEEP else 200.0))
    late = outcome.late
    if len(late) >= 100:
        assert outcome.share_got >= 0.9, (len(late), outcome.share_got)
    if situation.write and not situation.share:
        # Nobody has to wonder whether a write was done.
        doubtful = [n for n, (error, _) in outcome.errors.items() if error.maybe_applied and n in late]
        assert len(doubtful) <= 0.1 * len(late)


@FOUND
@example(SLOWER)
@example(evolve(SLOWER, slots=10, write=True, loop="trio"))
@given(situations(share=0.5, spell=3.0) | situations(share=0.2))
def test_what_everybody_can_know_to_be_in_vain_is_not_sent(over: Over, situation: Situation) -> None:
    # Of a server none of whose answers come in time now and then is asked whether that is still so.
    assume(max(situation.quick, situation.slow) * (1 + situation.spread) < 0.9)
    outcome = play(over, situation)
    assert not outcome.in_vain, (len(outcome.in_vain), len(outcome.started))


@FOUND
@example(PLAIN)
@given(situations(slots=100, share=0.0, burst=1, quick=0.01, spread=0.6))
def test_who_can_be_served_is_not_refused(over: Over, situation: Situation) -> None:
    outcome = play(over, situation)
    assert outcome.rate_got >= 0.9 * ALLOWED, outcome.rate_got


@FOUND
@given(situations())
def test_a_refusal_says_that_nothing_was_sent_and_when_to_come_back(over: Over, situation: Situation) -> None:
    errors = [error for error, _ in play(over, situation).errors.values() if isinstance(error, OverloadedError)]
    assert all(not error.maybe_applied and error.attempts == 0 and error.retry_after >= 1 for error in errors)


@FOUND
@example(PLAIN)
@example(evolve(PLAIN, burst=7, slots=10))
@example(Situation(3.0, 31.0, 0.5625, 1.0, 0.0, 0.0, 0.0, 7, True, 100, False, 0, "asyncio"))
@example(Situation(1.5, 39.0, 0.125, 1.0, 0.0, 0.0, 0.0, 40, False, 100, False, 889, "asyncio"))
@given(situations(share=0.0, spread=0.0, slots=100))
def test_a_refusal_comes_at_once_where_the_server_answers_as_ever(over: Over, situation: Situation) -> None:
    outcome = play(over, situation)
    refused = [after for error, after in outcome.errors.values() if isinstance(error, OverloadedError)]
    # Bursts that come by chance may leave time enough for all.
    assume(len(refused) > 10)
    assert sum(refused) / len(refused) <= 0.2 * situation.deadline


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize("deadline", [3.0, 20.0, 300.0])
def test_who_asks_for_less_than_the_limit_is_never_refused(over: Over, loop: str, deadline: float) -> None:
    usual = Situation(0.9, deadline, 0.4, 1.5, 0.2, 0.0, 0.9, 1, True, 1000, False, 3, loop)
    outcome = play(over, usual)
    assert not [error for error, _ in outcome.errors.values() if isinstance(error, OverloadedError)]
