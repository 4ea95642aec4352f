"""What came back: status, headers and raw body of each answer to the calls of a block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING

from attrs import field, frozen

from ac_sms_async.errors import ConfigurationError, RequestInfo

if TYPE_CHECKING:
    from ac_sms_async.transport.backends import Exchange
    from ac_sms_async.transport.core import Core

__all__ = ["Answer", "Capture", "capturing"]


@frozen
class Answer:
    """One answer of the server, as it came: those of attempts that were tried again, too."""

    request: RequestInfo
    """Which request it answers: method and path."""
    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes | None = field(repr=False)
    """Unpacked, and else as it came (of an error at most 64 KiB); None for an export, which is read in pieces."""


class Capture:
    """`with` it for the answers to calls that this task makes in the block, or tasks that are started in it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._answers: list[Answer] = []
        self._outer: Capture | None = None
        self._entered = self._is_open = False

    def __enter__(self) -> list[Answer]:
        if self._entered:
            raise ConfigurationError("this capture had its `with` block already: make another one")
        self._outer = _current.get()
        _current.set(self)
        self._entered = self._is_open = True
        return self._answers

    def __exit__(self, *error: object) -> None:
        self._is_open = False
        # Not `reset`: a block within a generator may be left in another context than it was entered in.
        if _current.get() is self:
            _current.set(self._outer)

    def add(self, core: Core, request: RequestInfo, exchange: Exchange, body: bytes | None) -> None:
        """Keep an answer here and in the blocks around, as far as they are open and of the same client."""
        redact = core.redact
        answer = Answer(
            request,
            exchange.status,
            {name: redact(value) for name, value in exchange.headers.items()},
            None if body is None else redact(body),
        )
        capture: Capture | None = self
        while capture is not None:
            if capture._is_open and capture._core is core:
                capture._answers.append(answer)
            capture = capture._outer


_current: ContextVar[Capture | None] = ContextVar("ac_sms_async_capture", default=None)


capturing: Callable[[], Capture | None] = _current.get
"""The innermost block that the running task is in."""
