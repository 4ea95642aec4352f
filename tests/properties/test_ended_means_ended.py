"""A call that has ended hands nothing more over, however it ended and how far its connection was by then.

What was handed over of a write counts as `maybe_applied`, and after `aclose()` nothing is left. Real sockets, TCP, TLS
and a proxy's tunnel, stalled at any byte in either direction; every backend, both event loops.
"""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, contextmanager
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import anyio
import anyio.lowlevel
import pytest
from attrs import define, field, frozen
from hypothesis import HealthCheck, assume, example, given, note, settings
from hypothesis import strategies as st

from ac_sms_async import DeadlineExceededError, RetryPolicy, SMSClient, SMSError
from ac_sms_async.transport.events import CallFinished
from tests.faults.answers import minimal
from tests.faults.http11 import Answer, Request
from tests.faults.server import FaultServer, ServerThread
from tests.properties.conftest import Trust
from tests.properties.connections import CONNECTIONS, examples, make_client, sms_client
from tests.properties.relay import Relay
from tests.properties.tunnel import tunnel
from tests.properties.wire_bytes import of_requests, unwanted

Way: TypeAlias = Literal["TCP", "TLS", "proxy"]
End: TypeAlias = Literal["deadline", "scope", "aclose", "task", "wait_for", "owner gone"]

WAYS: Final[tuple[Way, ...]] = ("TCP", "TLS", "proxy")
NATIVE: Final[tuple[End, ...]] = ("task", "wait_for", "owner gone")
"""Ends that only asyncio has."""

LARGE: Final = "x" * 4_000_000
"""More than the kernel takes from one socket that nobody reads."""
ROWS: Final = ("id,phone\r\n" + "42,+15550100\r\n" * 8000).encode()


async def _export(sms: SMSClient) -> object:
    async with sms.exports.recipients(42) as export:
        return [chunk async for chunk in export.bytes()]


async def _pages(sms: SMSClient) -> object:
    async with sms.broadcasts.list(page_size=1, prefetch=3) as pager:
        return await pager.to_list()


CALLS: Final[dict[str, Callable[[SMSClient], Awaitable[object]]]] = {
    "read": lambda sms: sms.credits.get(),
    "pages": _pages,
    "export": _export,
    "create": lambda sms: sms.broadcasts.create(name="Sale", body="20% off"),
    "create a large one": lambda sms: sms.broadcasts.create(name="Sale", body=LARGE),
    "send": lambda sms: sms.broadcasts.send(42),
    "delete": lambda sms: sms.broadcasts.delete(42),
}
WRITES: Final = ("create", "create a large one", "send", "delete")


@frozen
class Plan:
    """Which call, over which way, stalled where, and how and when it is ended."""

    way: Way
    call: str
    direction: Literal["up", "down"]
    place: float
    """Where it stalls: of all bytes that go that way in such a call, this part."""
    end: End
    turns: int | None
    """It is ended after so many turns of the event loop, or (None) once it stalls."""


@define
class Outcome:
    """What became of the call."""

    error: str | None = None
    said: bool | None = None
    """The error's `maybe_applied`."""
    finished: bool = False
    events: list[object] = field(factory=list[object])


async def _upstream(request: Request) -> Answer:
    answer = await minimal(request)
    return Answer(ROWS, 200, "text/csv", chunked=True) if answer.content_type == "text/csv" else answer


class Stage:
    """A relay and what lies behind it, for one way."""

    def __init__(self, way: Way, server: FaultServer, relay: Relay, trust: Trust) -> None:
        self.way = way
        self.server = server
        self.relay = relay
        self.tls = way != "TCP"
        self.tunnel = way == "proxy"
        self._trust = trust
        self._whole: dict[str, tuple[int, int]] = {}

    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"retry": RetryPolicy(1), "trust_env": False}
        if self.tls:
            options["ssl_context"] = self._trust.client
        if self.tunnel:
            options["proxy"] = f"http://127.0.0.1:{self.relay.port}"
        return options

    @property
    def url(self) -> str:
        if self.tunnel:
            return f"https://localhost:{self.server.port}"
        return f"https://localhost:{self.relay.port}" if self.tls else f"http://127.0.0.1:{self.relay.port}"

    def whole(self, call: str) -> tuple[int, int]:
        """How many bytes go up and down in such a call on a connection of its own."""
        if call not in self._whole:
            self.relay.arm()

            async def run() -> None:
                async with sms_client("httpx", self.url, **self.options()) as sms:
                    await CALLS[call](sms)

            anyio.run(run)
            self._whole[call] = self.relay.passed
        return self._whole[call]

    def written(self) -> int:
        """Bytes of requests that were handed over before the end."""
        return sum(of_requests(bytes(one.before), tunnel=self.tunnel, tls=self.tls) for one in self.relay.handed)

    def written_after(self, *, requests_only: bool = False) -> list[bytes]:
        """What was handed over since; `requests_only`: unless it belongs to TLS or the tunnel."""
        return [
            bytes(one.after[:200])
            for one in self.relay.handed
            if unwanted(one, tunnel=self.tunnel, tls=self.tls, requests_only=requests_only)
        ]


@pytest.fixture(scope="module")
def stages(thread: ServerThread, trust: Trust) -> Generator[dict[Way, Stage]]:
    with ExitStack() as stack:
        found: dict[Way, Stage] = {}
        for way in WAYS:
            certificates = None if way == "TCP" else trust.certificates
            server = stack.enter_context(thread.serve(_upstream, certificates=certificates))
            port = stack.enter_context(tunnel(thread, server.port)) if way == "proxy" else server.port
            found[way] = Stage(way, server, stack.enter_context(Relay(port)), trust)
        yield found


@contextmanager
def _unclosed_is_fine() -> Generator[None]:
    # Whoever leaves a client behind is told so; here that is the point.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        # AnyIO's, where a loop ends before a connection that is being opened has had its first turn.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        yield
        gc.collect()


def _tasks() -> dict[int, str]:
    """The tasks of this event loop, by their ids."""
    return {task.id: repr(task) for task in anyio.get_running_tasks()}


async def _until(condition: Callable[[], bool], seconds: float) -> bool:
    with anyio.move_on_after(seconds):
        while not condition():  # noqa: ASYNC110  # other threads make it true
            await anyio.sleep(0.001)
    return condition()


async def _live(stage: Stage, backend: str, plan: Plan, outcome: Outcome) -> None:
    relay = stage.relay
    options = stage.options()
    options["on_event"] = outcome.events.append
    if plan.end in ("deadline", "aclose"):
        options["deadline"] = 0.1
    native = plan.end in NATIVE
    sms, own = make_client(backend, stage.url, **options)
    async with AsyncExitStack() as stack:
        if plan.end != "owner gone":
            if own is not None:
                await stack.enter_async_context(own)
            await stack.enter_async_context(sms)
        before = _tasks()

        async def call() -> None:
            try:
                await CALLS[plan.call](sms)
                outcome.finished = True
            except BaseException as error:
                # Not the error itself, which would keep the client alive.
                outcome.error = repr(error)[:200]
                outcome.said = error.maybe_applied if isinstance(error, SMSError) else None
                if not isinstance(error, Exception):
                    raise
            finally:
                relay.end()

        async def until_due() -> None:
            if plan.turns is None:
                await _until(lambda: relay.reached.is_set() or outcome.finished or outcome.error is not None, 5)
                # What can still be written by then, is.
                await anyio.sleep(0.003)
            else:
                for _ in range(plan.turns):
                    await anyio.lowlevel.checkpoint()

        if native:
            task = asyncio.get_running_loop().create_task(call())
            await until_due()
            if plan.end == "owner gone":
                # The event loop ends, and nobody closes anything.
                return
            if plan.end == "wait_for":
                waiter = asyncio.get_running_loop().create_task(asyncio.wait_for(task, 0.001))
                await asyncio.wait([waiter])
                waiter.exception()
            else:
                task.cancel()
                await asyncio.wait([task])
        else:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await until_due()
                if plan.end == "scope":
                    tasks.cancel_scope.cancel()
                elif plan.end == "aclose":
                    await sms.aclose()
                    relay.end()
        relay.release()
        if not outcome.finished:
            await _until(lambda: relay.open == 0, 0.05)
        # A plain pool of the caller's must not be cancelled while it connects, and calls outlive `aclose()` to there.
        requests_only = own is not None or plan.end == "aclose"
        assert not stage.written_after(requests_only=requests_only), "handed over after the call had ended"
        with anyio.fail_after(5):
            await sms.aclose()
        left = [task for number, task in _tasks().items() if number not in before]
        assert not left, "a task is left after aclose()"
    assert await _until(lambda: relay.open == 0, 1), "a socket is left after aclose()"
    assert not stage.written_after(requests_only=requests_only), "handed over after aclose()"


def _hold(stage: Stage, loop: str, backend: str, plan: Plan) -> None:
    whole = stage.whole(plan.call)
    relay = stage.relay
    up, down = whole
    relay.arm(**{plan.direction: round(plan.place * (up if plan.direction == "up" else down))})
    outcome = Outcome()
    if plan.end == "owner gone":
        with _unclosed_is_fine():
            anyio.run(_live, stage, backend, plan, outcome, backend=loop)
        relay.release()
    else:
        anyio.run(_live, stage, backend, plan, outcome, backend=loop)
    written = stage.written()
    note(f"{outcome}, {written} bytes of requests were handed over")
    said = outcome.said
    if said is None:
        # It was cancelled, or is a success.
        finished = [event for event in outcome.events if isinstance(event, CallFinished)]
        said = bool(finished) and finished[-1].maybe_applied
    if plan.call not in WRITES:
        assert not said, "a read is never applied"
    elif outcome.finished:
        assert not said
    elif written:
        assert said, "something of a write was handed over"
    elif backend == "own client" and not any(one.before for one in relay.handed):
        # Nothing is known of the caller's client before it has told of a connection for the first time. (What was left
        # behind may have opened one since.)
        pass
    elif not relay.handed or (stage.tls and not any(b"\x17\x03\x03" in one.before for one in relay.handed)):
        # No connection, or its handshake never ended, so nothing can have been on its way either.
        assert not said, "nothing of a write was handed over"


def plans(ways: tuple[Way, ...], ends: tuple[End, ...]) -> st.SearchStrategy[Plan]:
    """Any plan. Half of the places are at the beginning, where connections are made and requests are written."""
    place = st.one_of(st.just(0.0), st.floats(0, 0.1), st.floats(0, 1), st.just(1.0))
    turns = st.one_of(st.none(), st.none(), st.integers(0, 60))
    return st.builds(
        Plan,
        st.sampled_from(ways),
        st.sampled_from(sorted(CALLS)),
        st.sampled_from(["up", "down"]),
        place,
        st.sampled_from(ends),
        turns,
    )


ENDS: Final[tuple[End, ...]] = ("deadline", "scope", "aclose", "task", "wait_for", "owner gone")


@pytest.mark.parametrize(("loop", "backend"), CONNECTIONS)
def test_nothing_is_handed_over_after_the_end(stages: dict[Way, Stage], loop: str, backend: str) -> None:
    # The fast backend goes through no proxy.
    ways: tuple[Way, ...] = WAYS if backend != "httptools" else ("TCP", "TLS")
    ends: tuple[End, ...] = tuple(end for end in ENDS if loop == "asyncio" or end not in NATIVE)

    @settings(max_examples=examples(15), deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
    @given(plans(ways, ends))
    @example(Plan("TCP", "create a large one", "up", 0.0, "scope", None))
    @example(Plan("TLS", "create", "down", 0.0, "deadline", None))
    def hold(plan: Plan) -> None:
        # A body that a pool of the caller's has begun to write can go on for some turns of the loop, and `aclose()`
        # breaks off none.
        assume(plan.call != "create a large one" or (backend != "own client" and plan.end != "aclose"))
        _hold(stages[plan.way], loop, backend, plan)

    hold()


def test_ended_while_tcp_connects(thread: ServerThread) -> None:
    """Calls end while the kernel still tries to connect, and then the server comes up."""

    async def calls(backend: str, url: str) -> None:
        async with sms_client(backend, url, retry=RetryPolicy(1), trust_env=False, deadline=0.4) as sms:

            async def late() -> None:
                with pytest.raises(DeadlineExceededError) as caught:
                    await CALLS["create"](sms)
                assert not caught.value.maybe_applied

            async def cancelled() -> None:
                with anyio.move_on_after(0.2):
                    await CALLS["send"](sms)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(late)
                tasks.start_soon(cancelled)
            # The kernel tries again within a second, and would write what it was given.
            await anyio.sleep(1.5)

    with thread.serve(_upstream, listening=False) as server:
        server.blackhole()
        with ThreadPoolExecutor() as threads:
            running = [
                threads.submit(anyio.run, partial(calls, backend, server.url), backend=loop)
                for loop, backend in CONNECTIONS
            ]
            time.sleep(0.6)
            thread.run(server.listen())
            for each in running:
                each.result()
        assert server.seen == []
