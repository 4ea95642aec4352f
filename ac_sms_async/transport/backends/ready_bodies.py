"""Bodies of httpx and httpx2 that nothing waits for: a request's, an answer's that a hook has read or refused."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from typing import Any, Self

from ac_sms_async.errors import TransportError

__all__ = ["Once", "Unread", "request_body"]


class Once:
    """One piece, and then the end."""

    def __init__(self, content: bytes) -> None:
        self._left = content

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        content, self._left = self._left, b""
        if not content:
            raise StopAsyncIteration
        return content


class Unread:
    """The body of an answer that was closed before somebody could read it."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        raise TransportError("a hook of http_client refused the answer before it was read")


class _OnePiece:
    """A body that is there already. It can be read again."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __aiter__(self) -> AsyncIterator[bytes]:
        return Once(self._content)


@functools.cache
def request_body(module: Any) -> Any:
    """The class of a request's body, as `module` (httpx or httpx2) takes it."""
    return type("Body", (_OnePiece, module.AsyncByteStream), {})
