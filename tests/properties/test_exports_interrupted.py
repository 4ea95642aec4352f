"""An export whose reading is interrupted in any way, at any point, however often: what ends cleanly is whole.

Everything else ends in an error, and so does each further step. Real sockets, every backend, both event loops.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import anyio
import anyio.lowlevel
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, note, reject, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ac_sms_async import ConfigurationError, SMSError, Timeout
from tests.properties.connections import CONNECTIONS, examples, sms_client
from tests.properties.piecemeal import Body, Framing, PiecemealServer

Reading: TypeAlias = Literal["bytes", "rows", "records", "save"]

ROWS: Final = 300
CONTENT: Final = b"id,name\r\n" + b"".join(b'%d,"Name, of\n%d"\r\n' % (number, number) for number in range(ROWS))
OLD: Final = b"what was there before"
PATIENCE: Final = 10.0
"""Seconds after which what doesn't end counts as hanging."""


class Interrupted(Exception):
    """What a caller's own `on_progress` raises."""


class Interruptions(RuleBasedStateMachine):
    """One export, read by somebody who can't wait."""

    loop: str
    backend: str

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.got: list[Any] = []
        self.failed: SMSError | OSError | None = None
        self.ended = self.closed = False

    @initialize(
        framing=st.sampled_from(["length", "chunked", "close", "HTTP/1.0"]),
        reading=st.sampled_from(["bytes", "rows", "records", "save"]),
        packed=st.booleans(),
        pieces=st.integers(1, 8),
        cut=st.none() | st.integers(0, 7),
        hasty=st.booleans(),
    )
    def open(self, framing: Framing, reading: Reading, packed: bool, pieces: int, cut: int | None, hasty: bool) -> None:
        self.body = Body(CONTENT, framing, packed, pieces, cut)
        self.server = self.stack.enter_context(PiecemealServer(self.body))
        self.portal = self.stack.enter_context(start_blocking_portal(self.loop))
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.target = self.folder / "export.csv"
        self.target.write_bytes(OLD)
        self.reading = reading
        # Now and then the library's own time-out is what interrupts.
        self.timeout = Timeout(connect=PATIENCE, read=0.01 if hasty else PATIENCE)
        try:
            self.portal.call(self._open)
        except SMSError:
            # The machine is so busy that not even the headers came in time.
            reject()

    async def _open(self) -> None:
        self.opened = AsyncExitStack()
        self.sms = await self.opened.enter_async_context(sms_client(self.backend, self.server.url, timeout=PATIENCE))
        self.export = self.sms.with_options(timeout=self.timeout).exports.metrics([1])
        await self.export.__aenter__()
        if self.reading != "save":
            self.reader: Any = getattr(self.export, self.reading)()
            self.iterator: AsyncIterator[Any] = aiter(self.reader)

    @rule(pieces=st.integers(1, 3))
    def more_comes(self, pieces: int) -> None:
        self.server.allow(pieces)

    @rule(turns=st.integers(0, 40), native=st.booleans())
    def wait_some_turns(self, turns: int, native: bool) -> None:
        """Wait for the next item, or save, and lose patience after some turns of the loop."""
        self.portal.call(self._wait_native if native and self.loop == "asyncio" else self._wait_scope, turns)

    @rule(seconds=st.sampled_from([0.001, 0.005, 0.02]))
    def wait_some_time(self, seconds: float) -> None:
        """The same with a time-out."""
        self.portal.call(self._wait_time, seconds)

    @precondition(lambda self: self.reading == "save")
    @rule()
    def progress_raises(self) -> None:
        self.server.allow(self.body.pieces)

        def on_progress(size: int) -> None:
            raise Interrupted

        try:
            self.portal.call(self._step, on_progress)
        except Interrupted:
            self.failed = ConfigurationError("on_progress raised")

    @precondition(lambda self: self.reading != "save")
    @rule()
    def take_up_again(self) -> None:
        """Leave the loop, and begin a new one over the same reader."""
        self.portal.call(self._take_up)

    async def _take_up(self) -> None:
        self.iterator = aiter(self.reader)

    @precondition(lambda self: not self.closed)
    @rule()
    def close(self) -> None:
        """Leave the block, in another task than the one that entered it."""
        self.closed = True
        self.portal.call(self.export.__aexit__, None, None, None)

    async def _wait_scope(self, turns: int) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._step)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()

    async def _wait_native(self, turns: int) -> None:
        task = asyncio.ensure_future(self._step())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    async def _wait_time(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            await self._step()

    async def _step(self, on_progress: Callable[[int], object] | None = None) -> None:
        """One step of reading; what comes of it is noted."""
        try:
            if self.reading == "save":
                await self.export.save(self.target, on_progress=on_progress)
                self.ended = True
            else:
                self.got.append(await anext(self.iterator))
        except StopAsyncIteration:
            self.ended = True
        except (SMSError, OSError) as error:
            self.failed = self.failed or error
        self._check()

    def _check(self) -> None:
        saved = self.target.read_bytes()
        if self.ended:
            # There was an end, so everything was there, whatever came before.
            assert self.export.complete in (True, None)
            assert self._whole(), f"ended after {len(self.got)} items"
        elif self.reading == "save":
            assert saved == OLD
        if self.export.complete:
            assert self.body.is_whole

    def _whole(self) -> bool:
        body, content = self.body, CONTENT
        if body.framing in ("close", "HTTP/1.0") and (body.cut == 0 or not body.packed):
            # Nothing but the end of a record says that the end is the end.
            sent = CONTENT[: body.sent(len(CONTENT))]
            if not sent or (sent.endswith(b"\n") and sent.count(b'"') % 2 == 0):
                assert self.export.complete is None
                content = sent
        records = list(csv.reader(io.StringIO(content.decode(), newline="")))
        if self.reading == "bytes":
            return b"".join(self.got) == content
        if self.reading == "records":
            return bool(self.got == records)
        if self.reading == "rows":
            return [list(row.values()) for row in self.got] == records[1:]
        return self.target.read_bytes() == content and len(list(self.folder.iterdir())) == 1

    def teardown(self) -> None:
        try:
            if hasattr(self, "export"):
                self.server.allow(self.body.pieces)
                try:
                    self.portal.call(self._read_on)
                finally:
                    note(f"ended: {self.ended}, failed: {self.failed!r}, {len(self.got)} items")
        finally:
            if hasattr(self, "opened"):
                self.portal.call(self._shut)
            self.stack.close()

    async def _read_on(self) -> None:
        """All has come: read to the end, which is a whole export, or an error that comes again and again."""
        with anyio.fail_after(PATIENCE):
            while not self.ended and self.failed is None:
                await self._step()
        if self.ended and self.reading != "save":
            assert await anext(self.iterator, None) is None
            return
        for _ in range(3):
            with anyio.fail_after(PATIENCE):
                try:
                    if self.reading == "save":
                        await self.export.save(self.target)
                    else:
                        self.got.append(await anext(self.iterator))
                except SMSError:
                    continue
                except StopAsyncIteration:
                    self.ended = True
                self._check()
                assert self.reading != "save", "an export was read twice"

    async def _shut(self) -> None:
        await self.export.__aexit__(None, None, None)
        await self.opened.aclose()


@pytest.mark.parametrize(("loop", "backend"), CONNECTIONS)
def test_what_ends_cleanly_is_whole(loop: str, backend: str) -> None:
    class Machine(Interruptions):
        pass

    Machine.loop, Machine.backend = loop, backend
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples(25),
            stateful_step_count=10,
            deadline=None,
            print_blob=True,
            # Shrinking takes minutes, as each step waits for real sockets, and ten steps are easily read.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )
