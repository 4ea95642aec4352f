"""Letting a transaction come to its end although the caller is cancelled, but not for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.lowlevel

__all__ = ["TO_FINISH", "finished"]

T = TypeVar("T")

TO_FINISH = 2.0
"""Seconds that work under way gets once its caller was cancelled. A store that doesn't answer would take them all."""


async def finished(work: Callable[[], Awaitable[T]], stop: Callable[[], object]) -> T:
    """Run `work` to its end, also when the caller is cancelled meanwhile; the cancellation is seen afterwards.

    What isn't done by `TO_FINISH` seconds after that is stopped by `stop`, which makes `work` end in an error soon.
    """
    results: list[T] = []
    errors: list[Exception] = []
    ended = anyio.Event()

    async def watch() -> None:
        try:
            await ended.wait()
        finally:
            with anyio.move_on_after(TO_FINISH, shield=True):
                await ended.wait()
            if not ended.is_set():
                stop()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        with anyio.CancelScope(shield=True):
            try:
                results.append(await work())
            except Exception as error:  # noqa: BLE001 - raised below, outside of the task group, which would wrap it
                errors.append(error)
            finally:
                ended.set()
    if errors:
        # What was stopped says so; that the caller was cancelled says more.
        await anyio.lowlevel.checkpoint_if_cancelled()
        raise errors[0]
    return results[0]
