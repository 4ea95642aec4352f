"""What is iterated by `async for` only says so where it is awaited, or iterated by a plain `for`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

__all__ = ["AsyncOnly"]


class AsyncOnly:
    """Raises a `TypeError` that says what to write instead. Type checkers see nothing here, and so refuse both."""

    _instead_of_await: ClassVar[str]
    _instead_of_for: ClassVar[str]

    if TYPE_CHECKING:
        ...
    else:

        def __await__(self) -> NoReturn:
            raise TypeError(f"{type(self).__name__} can't be awaited: {self._instead_of_await}")

        def __iter__(self) -> NoReturn:
            raise TypeError(f"{type(self).__name__} can't be iterated by a plain `for`: {self._instead_of_for}")
