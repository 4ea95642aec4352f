"""Steps of an exchange in tasks of their own, for pools that lose a connection when a request is cancelled early."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from ac_sms_async.tasks import start_task

__all__ = ["Guard"]

T = TypeVar("T")

_PATIENCE = 10.0
"""For so many seconds a closing client waits for what a pool can't bear to be cancelled: connecting, which ends by its
own time-out before. Without a bound, a transport that minds no time-outs (such as a mock) would hold it for ever."""


class Guard:
    """Runs work that isn't cancelled with its caller, and waits for it when it is closed."""

    def __init__(self) -> None:
        self._running: dict[anyio.Event, anyio.CancelScope] = {}
        """By an event that is set when nothing of the task is left."""

    async def run(self, work: Callable[[], Awaitable[T]], leave: Callable[[anyio.CancelScope], None]) -> T:
        """Await `work` in a task of its own. Where the caller is cancelled, `leave` may cancel that task, or not."""
        done, gone = anyio.Event(), anyio.Event()
        scope = anyio.CancelScope()
        values: list[T] = []
        errors: list[Exception] = []

        async def run() -> None:
            try:
                with scope:
                    values.append(await work())
            except Exception as error:  # noqa: BLE001  # the caller gets it, if there still is one
                errors.append(error)
            finally:
                done.set()

        def over() -> None:
            del self._running[gone]
            gone.set()

        self._running[gone] = scope
        start_task(run, over)
        try:
            await done.wait()
        except BaseException:
            leave(scope)
            raise
        if errors:
            raise errors[0]
        return values[0]

    async def aclose(self) -> None:
        """Wait until nothing runs any more; what takes too long is cancelled."""
        with anyio.move_on_after(_PATIENCE):
            await self._all_gone()
        for scope in self._running.values():
            scope.cancel()
        await self._all_gone()

    async def _all_gone(self) -> None:
        for gone in list(self._running):
            await gone.wait()
