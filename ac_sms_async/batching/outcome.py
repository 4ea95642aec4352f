"""What became of one id among many: found, left out by the server, or failed."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, final

from attrs import frozen

from ac_sms_async.errors import SMSError

__all__ = ["Failed", "Found", "Missing", "Outcome", "OutcomeOf"]

V = TypeVar("V")


@frozen
class Found(Generic[V]):
    """The server's answer for this id: `.value`."""

    id: int
    value: V
    status: ClassVar[Literal["ok"]] = "ok"
    error: ClassVar[None] = None


@final
@frozen
class Missing:
    """The server left this id out of its answer, as it does with ids that it doesn't know."""

    id: int
    status: ClassVar[Literal["missing"]] = "missing"
    value: ClassVar[None] = None
    error: ClassVar[None] = None


@final
@frozen
class Failed:
    """It could not be had: `.error` says why."""

    id: int
    error: SMSError
    status: ClassVar[Literal["failed"]] = "failed"
    value: ClassVar[None] = None


FoundT = TypeVar("FoundT", bound=Found[Any])

OutcomeOf: TypeAlias = FoundT | Missing | Failed
"""One of the three, where what is found is of a class of its own."""

Outcome: TypeAlias = Found[V] | Missing | Failed
"""One of the three. `.status` ("ok", "missing" or "failed") tells which, to type checkers, too."""
