"""Tasks with an owner: they live beside the body of somebody's `async with`, and end with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Self

import anyio

from ac_sms_async.errors import ConfigurationError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

__all__ = ["Background", "Bell"]


class Bell:
    """Wakes everybody who waits when it is rung. Look at the state first, then wait, with no `await` in between."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def ring(self) -> None:
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()


class Background:
    """Runs jobs beside the body of an `async with`; leaving the body cancels them.

    The body's own error leaves as it is, never wrapped into a group. A job handles its own errors: what it
    raises counts as a bug and takes the body down.
    """

    def __init__(self) -> None:
        self._group: TaskGroup = anyio.create_task_group()
        self._scopes: set[anyio.CancelScope] = set()
        self._open = False

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._open = True
        return self

    def start(self, job: Callable[[], Awaitable[None]]) -> None:
        """Start the job."""
        if not self._open:
            raise ConfigurationError("this iterator belongs to an `async with` block that has ended")
        scope = anyio.CancelScope()
        self._scopes.add(scope)
        self._group.start_soon(self._run, job, scope)

    async def _run(self, job: Callable[[], Awaitable[None]], scope: anyio.CancelScope) -> None:
        with scope:
            await job()
        self._scopes.discard(scope)

    async def __aexit__(self, *_: object) -> None:
        # The jobs are cancelled one by one, not the group: the group's scope holds the body's task too. And the group
        # never hears of the body's error, or it would wrap it.
        self._open = False
        for scope in self._scopes:
            scope.cancel()
        await self._group.__aexit__(None, None, None)
