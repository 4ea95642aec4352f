"""Whatever may happen to an account, the clocks and the machine while a job collects it, as a state machine.

An account lives, and a job collects it: between its requests broadcasts are sent, edited and deleted, counts come late,
contacts reply and are erased, requests fail; processes die, clocks jump, windows and details change from run to run.
Whenever a run says that it is complete, the store is held against every state that the account had during that sitting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ac_sms_async.collect import RunResult, Window
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.window import Detail
from ac_sms_async.errors import (
    BadRequestError,
    NotFoundError,
    ServerError,
    SMSError,
    TransportError,
    UnprocessableError,
)
from tests.collect.fakes import Killed, Mortal
from tests.collect.life import Life, Person, State, Trouble
from tests.collect.truth import differences
from tests.conftest import VirtualLoop

__all__ = ["Collecting"]

Change = Callable[[Life], None]

TEXTS = ("Sale", "", "a\x00b", "\ud800", "=cmd|x", "🎉 مرحبا", "line\nline")
STATUSES = ("draft", "scheduled", "sending", "paused")

texts = st.sampled_from(TEXTS)
places = st.integers(0, 5)


def _send(people: int, text: str, days_ago: int | None, counted: bool, life: Life) -> None:
    sent = None if days_ago is None else life.now - timedelta(days=days_ago)
    life.add(State(text, "sent", sent, counted=counted), people)


def _make(status: str, life: Life) -> None:
    life.add(State("new", status))


def _deliver(place: int, people: int, life: Life) -> None:
    life.deliver(place, people)


def _edit(place: int, text: str, life: Life) -> None:
    life.edit(place, text)


def _delete(place: int, life: Life) -> None:
    life.delete(place)


def _reply(place: int, who: int, text: str, life: Life) -> None:
    life.person(place, who, lambda person: evolve(person, replies=(*person.replies, text)))


def _click(place: int, who: int, life: Life) -> None:
    life.person(place, who, lambda person: evolve(person, clicks=person.clicks + 1))


def _fail(place: int, who: int, life: Life) -> None:
    life.person(place, who, lambda person: evolve(person, failed=None if person.failed else "30003"))


def _rename(place: int, who: int, text: str, life: Life) -> None:
    life.person(place, who, lambda person: evolve(person, name=text), moving=False)


def _erase(place: int, who: int, life: Life) -> None:
    life.person(place, who, _nobody, moving=False)


def _nobody(_: Person) -> None:
    return None


def _uncount(place: int, life: Life) -> None:
    life.count(place)


def _break(kind: str, place: int, error: SMSError, times: int | None, life: Life) -> None:
    i = 0 if kind in ("credits", "lists", "snapshot", "list", "chunk") else life.chosen(place)
    if i is not None:
        life.troubles[kind, i] = Trouble(error, times)


def _cut(kind: str, times: int | None, life: Life) -> None:
    life.cuts[kind] = Trouble(SMSError(), times)


def _heal(life: Life) -> None:
    life.troubles.clear()
    life.cuts.clear()


def _pass(days: int, life: Life) -> None:
    life.now += timedelta(days=days)


ERRORS = (
    NotFoundError("nothing here", status=404, body=b'{"message": "nothing here"}'),
    BadRequestError("\x00 no", status=400),
    UnprocessableError("\ud800", status=422),
    ServerError("down", status=503),
    TransportError("reset"),
)


def _changes() -> st.SearchStrategy[Change]:
    some = st.integers(1, 5)
    return st.one_of(
        # Some turn up long after they were sent, and some without counts.
        st.builds(
            partial, st.just(_send), some, texts, st.sampled_from((0, 0, None, 3, 60)), st.sampled_from((True, False))
        ),
        st.builds(partial, st.just(_make), st.sampled_from(STATUSES)),
        st.builds(partial, st.just(_deliver), places, some),
        st.builds(partial, st.just(_edit), places, texts),
        st.builds(partial, st.just(_delete), places),
        st.builds(partial, st.just(_reply), places, places, texts),
        st.builds(partial, st.just(_click), places, places),
        st.builds(partial, st.just(_fail), places, places),
        st.builds(partial, st.just(_rename), places, places, texts),
        st.builds(partial, st.just(_erase), places, places),
        st.builds(partial, st.just(_uncount), places),
        st.just(_heal),
        st.builds(
            partial,
            st.just(_break),
            st.sampled_from(("failures", "recipients", "metrics", "broadcast", "credits", "lists", "list", "chunk")),
            places,
            st.sampled_from(ERRORS),
            st.sampled_from((1, 2, 3, None)),
        ),
        st.builds(partial, st.just(_cut), st.sampled_from(("list", "recipients")), st.sampled_from((1, 2, None))),
        st.builds(partial, st.just(_pass), st.sampled_from((0, 1, 7, 40))),
    )


WINDOWS = (
    Window(),
    Window(),
    Window.since_last(),
    Window.since_last(),
    Window(start=date(2026, 3, 5)),
    Window(status="sent"),
)
INCLUDES: tuple[frozenset[Detail], ...] = (
    frozenset(),
    frozenset({"failures"}),
    frozenset({"recipients"}),
    frozenset({"failures", "recipients"}),
)


class Collecting(RuleBasedStateMachine):
    """The account, the job, and two machines with clocks of their own."""

    def open(self) -> Mortal:
        return Mortal()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.store = self.open()
        self.life = Life()
        self.clocks = [timedelta(0), timedelta(0)]
        self.last: RunResult | None = None

    def teardown(self) -> None:
        self.runner.run(self.store.aclose())
        self.runner.close()

    @initialize(old=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=6), drafts=st.integers(0, 2))
    def begin(self, old: list[tuple[int, bool]], drafts: int) -> None:
        for people, counted in old:
            sent = self.life.now - timedelta(days=100 - 20 * people)
            self.life.add(State("Old", "sent", sent, counted=counted), people)
        for _ in range(drafts):
            self.life.add(State("Draft", "draft"))

    @rule(changes=st.lists(_changes(), min_size=1, max_size=3))
    def live(self, changes: list[Change]) -> None:
        for change in changes:
            change(self.life)

    @rule()
    def count_at_last(self) -> None:
        for place in range(len(self.life.living())):
            self.life.count(place, only_first=True)

    @rule(
        machine=st.integers(0, 1),
        jump=st.sampled_from((-3650.0, -40.0, -1.0, -0.04, 0.0, 0.002, 0.04, 1.0, 29.0, 40.0, 3650.0)),
    )
    def set_a_clock(self, machine: int, jump: float) -> None:
        self.clocks[machine] = timedelta(days=jump)

    @rule(
        window=st.sampled_from(WINDOWS),
        include=st.sampled_from(INCLUDES),
        machine=st.integers(0, 1),
        script=st.lists(st.tuples(st.integers(1, 14), _changes()), max_size=3),
        kill=st.none() | st.integers(0, 14),
        fresh=st.sampled_from((False, False, False, True)),
    )
    def collect(
        self,
        window: Window,
        include: frozenset[Detail],
        machine: int,
        script: list[tuple[int, Change]],
        kill: int | None,
        fresh: bool,
    ) -> None:
        life = self.life
        life.script = list(script)
        life.refused.clear()
        life.now += timedelta(hours=20)
        life.next_start = 0.0
        self.store.left = kill
        first = life.version

        def now() -> datetime:
            return life.now + self.clocks[machine]

        try:
            self.last = self.runner.run(self._collect(window, include, now, fresh))
            if self.last.status == "complete":
                wrong = self.runner.run(differences(self.store, life, window, include, first, life.version))
                assert not wrong, "\n".join(wrong)
        except Killed:
            pass
        self.store.left = None
        life.script = []

    async def _collect(
        self, window: Window, include: frozenset[Detail], now: Callable[[], datetime], fresh: bool
    ) -> RunResult:
        self.life.next_start = 0.0
        return await collect_source(self.life, self.store, window, include, now=now, fresh=fresh)
