"""Work that goes on when its caller is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import TypeVar

import anyio

from ac_sms_async.transport.core import logger

__all__ = ["run_detached"]

T = TypeVar("T")

# A loop holds its tasks weakly.
_running: set[asyncio.Task[None]] = set()


async def run_detached(work: Callable[[], Awaitable[T]]) -> T:
    """Await `work` in a task of its own, which runs to its end whatever becomes of the caller."""
    done = anyio.Event()
    values: list[T] = []
    errors: list[BaseException] = []
    abandoned = False

    async def run() -> None:
        try:
            values.append(await work())
        except Exception as error:  # noqa: BLE001  # the caller gets it, or the log
            errors.append(error)
            if abandoned:
                logger.warning("%s after its call was cancelled", type(error).__name__)
        except BaseException as error:
            errors.append(error)
            raise
        finally:
            done.set()

    if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
        task = asyncio.get_running_loop().create_task(run())
        _running.add(task)
        task.add_done_callback(_running.discard)
    else:
        import trio

        trio.lowlevel.spawn_system_task(run, context=copy_context())
    try:
        await done.wait()
    finally:
        abandoned = not done.is_set()
    if errors:
        raise errors[0]
    return values[0]
