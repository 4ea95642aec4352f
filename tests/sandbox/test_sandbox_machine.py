"""A model of an account, the client and the sandbox go through random lives together, and must agree at every step."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from attrs import define
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, consumes, invariant, multiple, rule

from ac_sms_async import ConflictError, NotFoundError, RetryPolicy, SMSClient, SMSError
from ac_sms_async.sandbox import Clock, Pace, Sandbox

T = TypeVar("T")
PACE = Pace(review=60, queue=10, sending=30, ai=20)
TEXTS = st.text(max_size=20).filter(str.strip) | st.sampled_from(["20% off", "Größe 7 🎉", '"quoted", and\nbroken'])
COUNTS = st.integers(0, 300)


@define
class Ask:
    """An AI request, and what it is to end in."""

    id: str
    due: float
    prompt: str
    ended: bool = False
    broadcast_id: int | None = None


@define
class Expected:
    """What the model knows of a broadcast."""

    name: str
    body: str
    count: int | None
    submitted_at: float | None = None

    def status(self, now: float) -> str:
        if self.submitted_at is None:
            return "draft"
        age = now - self.submitted_at
        for end, status in ((60, "pending_review"), (70, "scheduled"), (100, "sending")):
            if age < end:
                return status
        return "sent"

    def sends(self, now: float) -> int:
        """Messages are spread evenly over the 30 seconds of sending; those of a second go out at its beginning."""
        if self.submitted_at is None or self.count is None or now < self.submitted_at + 70:
            return 0
        return min(self.count, -(-int(now - self.submitted_at - 69) * self.count // 30))


class Lives(RuleBasedStateMachine):
    """Whole seconds only, so that model and sandbox round alike."""

    broadcasts: Bundle[int] = Bundle("broadcasts")

    def __init__(self) -> None:
        super().__init__()
        clock = Clock(datetime(2026, 3, 1, tzinfo=UTC), speed=0)
        self.sandbox = Sandbox(broadcasts=0, rate_limit=None, pace=PACE, clock=clock, extra_credits=10**6).start()
        self.runner = asyncio.Runner()
        self.retry = RetryPolicy(max_attempts=3, initial=0.001, maximum=0.002)
        self.sms = SMSClient(self.sandbox.url, self.sandbox.token, rate_limit=None, retry=self.retry)
        self.now = 0.0
        self.expected: dict[int, Expected] = {}
        self.next_id = 1
        self.writing = 0
        self.asked: list[Ask] = []
        self.credits = self.run(self.sms.credits.get()).available

    def teardown(self) -> None:
        self.run(self.sms.aclose())
        self.runner.close()
        self.sandbox.stop()
        writes = [entry for entry in self.sandbox.journal if entry.method in ("PUT", "DELETE")]
        writes += self.sandbox.journal.of("createBroadcast") + self.sandbox.journal.of("createAIBroadcast")
        # Whatever was lost on the way: no write was ever sent twice.
        assert len(writes) == self.writing

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def write(self, work: Coroutine[Any, Any, T]) -> T:
        self.writing += 1
        return self.run(work)

    def editable(self, broadcast_id: int) -> bool:
        return self.expected[broadcast_id].status(self.now) not in ("sending", "sent")

    # --- what happens -------------------------------------------------------------------------------------------

    @rule(target=broadcasts, name=TEXTS, body=TEXTS, count=COUNTS)
    def create(self, name: str, body: str, count: int) -> int:
        made = self.write(self.sms.broadcasts.create(name=name, body=body, sent_to_count=count))
        return self.made(made.id, Expected(name, body, count))

    def made(self, broadcast_id: int, expected: Expected) -> int:
        assert broadcast_id == self.next_id
        self.expected[broadcast_id] = expected
        self.next_id += 1
        return broadcast_id

    @rule(target=broadcasts, name=TEXTS, kind=st.sampled_from(["500", "reset", "empty", "cut"]))
    def create_and_lose_the_answer(self, name: str, kind: str) -> int:
        fault = self.sandbox.faults.add(kind, "createBroadcast", applied=True, nth=1)
        with pytest.raises(SMSError) as caught:
            self.write(self.sms.broadcasts.create(name=name, body="b"))
        assert caught.value.maybe_applied
        self.sandbox.faults.remove(fault)
        return self.made(self.next_id, Expected(name, "b", None))

    @rule(broadcast=broadcasts, name=TEXTS, body=st.none() | TEXTS, count=st.none() | COUNTS)
    def update(self, broadcast: int, name: str, body: str | None, count: int | None) -> None:
        if broadcast not in self.expected:
            return
        fields: dict[str, Any] = {"name": name} | ({} if body is None else {"body": body})
        expected = self.expected[broadcast]
        if expected.status(self.now) == "draft":
            # None clears it.
            fields["sent_to_count"] = count
        try:
            changed = self.write(self.sms.broadcasts.update(broadcast, **fields))
        except ConflictError:
            assert not self.editable(broadcast)
        else:
            assert self.editable(broadcast)
            assert changed.name == name
            expected.name = name
            expected.body = changed.body or ""
            if expected.submitted_at is None:
                expected.count = count

    @rule(broadcast=broadcasts)
    def send(self, broadcast: int) -> None:
        if broadcast not in self.expected:
            return
        expected = self.expected[broadcast]
        fails = not self.editable(broadcast) or expected.count is None
        try:
            assert self.write(self.sms.broadcasts.send(broadcast)).status != "draft"
        except ConflictError:
            assert fails
        else:
            assert not fails
            if expected.submitted_at is None:
                expected.submitted_at = self.now

    @rule(broadcast=broadcasts)
    def take_back(self, broadcast: int) -> None:
        if broadcast in self.expected and self.editable(broadcast):
            assert self.write(self.sms.broadcasts.update(broadcast, status="draft")).status == "draft"
            self.expected[broadcast].submitted_at = None

    @rule(broadcast=consumes(broadcasts))
    def delete(self, broadcast: int) -> None:
        if broadcast in self.expected:
            # What was sent stays paid for.
            if self.expected[broadcast].submitted_at is not None:
                return
            self.write(self.sms.broadcasts.delete(broadcast))
            del self.expected[broadcast]
        with pytest.raises(NotFoundError):
            self.run(self.sms.broadcasts.get(broadcast))

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds: int) -> None:
        self.sandbox.clock.advance(seconds)
        self.now += seconds
        for ask in self.asked:
            if not ask.ended and ask.due <= self.now:
                ask.ended = True
                if "fail" not in ask.prompt.lower():
                    body = f"{ask.prompt} (calm). Reply STOP to opt out"
                    ask.broadcast_id = self.made(self.next_id, Expected(f"AI: {ask.prompt[:40]}", body, None))

    @rule(prompt=TEXTS)
    def ask_ai(self, prompt: str) -> None:
        request = self.write(self.sms.ai.create(prompt=prompt, tone="calm", source="ai_builder"))
        self.asked.append(Ask(request.id, self.now + PACE.ai, prompt))

    @rule(target=broadcasts)
    def ask_how_ai_is_doing(self) -> MultipleResults[int]:
        for ask in self.asked:
            status = self.run(self.sms.ai.request(ask.id).status())
            wanted = ("success" if ask.broadcast_id else "error") if ask.ended else "in_progress"
            assert (status.status, status.broadcast_id) == (wanted, ask.broadcast_id)
        return multiple(*(ask.broadcast_id for ask in self.asked if ask.broadcast_id is not None))

    @rule(kind=st.sampled_from(["503", "reset", "hang_up", "cut", "close_after"]))
    def something_goes_wrong_once(self, kind: str) -> None:
        fault = self.sandbox.faults.add(kind, "listBroadcasts", nth=1)
        self.agree()
        assert fault.hits == 1
        self.sandbox.faults.remove(fault)

    # --- they agree ---------------------------------------------------------------------------------------------

    @invariant()
    def agree(self) -> None:
        found = self.run(self.sms.broadcasts.list(page_size=3).to_list())
        shown = [(each.id, each.name, each.body, each.status) for each in found]
        assert shown == [
            (number, each.name, each.body, each.status(self.now)) for number, each in sorted(self.expected.items())
        ]
        sends = {number: each.sends(self.now) for number, each in self.expected.items()}
        batch = self.run(self.sms.metrics.fetch(sends))
        assert {number: row.sends for number, row in batch.metrics.items()} == sends
        left = self.run(self.sms.credits.get()).available
        assert (self.credits or 0) - (left or 0) == sum(sends.values())


Lives.TestCase.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestLives = Lives.TestCase
