"""Tasks with an owner: they live beside the body of somebody's `async with`, and end with it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
from attrs import frozen

from ac_sms_async.errors import ConfigurationError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

__all__ = ["Background", "Condition", "start_task"]

# An asyncio loop holds its tasks weakly.
_running: Final[set[Any]] = set()


class Condition:
    """Wakes everybody who waits, each time. Look at the state first, then wait, with no `await` in between.

    (AnyIO's `Condition` asks for a lock, which tasks of one thread that look in that way have no need of.)
    """

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def notify_all(self) -> None:
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()


class Background:
    """Runs jobs beside the body of an `async with`; leaving the body cancels them, and waits until they have ended.

    They are in a task group of a task of its own, so that nothing of it lies around the body: that may be within a
    generator, which is left and closed in another task than the one that entered. A job handles its own errors: what
    it raises counts as a bug, ends all of them, and comes out at the end of the block.
    """

    def __init__(self) -> None:
        self._jobs: list[_Job] = []
        self._group: TaskGroup | None = None
        self._open = False
        self._gone = anyio.Event()
        self._bug: BaseException | None = None

    async def __aenter__(self) -> Self:
        self._open = True
        start_task(self._run, self._over)
        return self

    def start(self, job: Callable[[], Coroutine[Any, Any, None]], ended: Callable[[], None]) -> None:
        """Start the job. `ended` is called once when it has ended, also where it was cancelled before it began."""
        if not self._open:
            raise ConfigurationError("this iterator belongs to an `async with` block that has ended")
        self._jobs.append(_Job(job, ended))
        if self._group is not None:
            self._group.start_soon(self._live, self._jobs[-1])

    async def _run(self) -> None:
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                if not self._open:
                    return
                for job in self._jobs:
                    group.start_soon(self._live, job)
                try:
                    await anyio.sleep_forever()
                finally:
                    # A group that is ending may take another task, and not wait for it.
                    self._open = False
        except anyio.get_cancelled_exc_class():
            # The event loop ends, and all its tasks with it.
            raise
        except BaseException as error:  # noqa: BLE001 - raised where the block ends
            self._bug = error

    async def _live(self, job: _Job) -> None:
        try:
            await job.work()
        finally:
            self._jobs.remove(job)
            job.ended()

    def _over(self) -> None:
        self._open = False
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            # It was cancelled, or all were, before it began: nobody else says so to those who wait for it.
            job.ended()
        self._gone.set()

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        if self._group is not None:
            self._group.cancel_scope.cancel()
        await _wait_through(self._gone)
        if self._bug is not None:
            raise self._bug


@frozen(eq=False)
class _Job:
    work: Callable[[], Coroutine[Any, Any, None]]
    ended: Callable[[], None]


def start_task(work: Callable[[], Coroutine[Any, Any, None]], over: Callable[[], None]) -> None:
    """Run it in a task of its own, and then call `over`, whatever became of it."""
    # Not with the package, for on trio it is never needed.
    import asyncio

    if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
        task = asyncio.get_running_loop().create_task(work())
        _running.add(task)
        task.add_done_callback(_running.discard)
        # Not at its own end: cancelled before its first step, it never comes there.
        task.add_done_callback(lambda _: over())
    else:
        import trio

        async def live() -> None:
            try:
                await work()
            finally:
                over()

        trio.lowlevel.spawn_system_task(live, context=copy_context())


async def _wait_through(event: anyio.Event) -> None:
    """Wait for it, whatever is cancelled meanwhile, and only then be cancelled."""
    cancelled: BaseException | None = None
    while not event.is_set():
        try:
            with anyio.CancelScope(shield=True):
                await event.wait()
        except anyio.get_cancelled_exc_class() as error:
            # A plain Task.cancel(), which no shield stops.
            cancelled = error
    if cancelled is not None:
        raise cancelled
