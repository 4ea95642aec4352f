"""The end of a call's time."""

from __future__ import annotations

from contextvars import Context
from types import TracebackType

import anyio

__all__ = ["Deadline"]


class Deadline:
    """Leaves its `with` block when the loop's time has come that far, as `anyio.CancelScope(deadline=...)` does.

    Its timer knows nothing of who asked. A timer that was cancelled stays in asyncio's loop until its time, and would
    keep everything alive that belongs to a request of a web app, minutes after that has ended.
    """

    __slots__ = ("_scope",)

    def __init__(self, at: float) -> None:
        self._scope = anyio.CancelScope(deadline=at)

    def __enter__(self) -> None:
        Context().run(self._scope.__enter__)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self._scope.__exit__(kind, error, traceback)
