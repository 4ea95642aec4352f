"""An answer on its way out: status, headers, and a body at once or in pieces."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from attrs import define, field


@define
class Reply:
    """An answer as it goes out; a body in pieces has no Content-Length."""

    status: int
    headers: dict[str, str] = field(factory=dict[str, str])
    body: bytes | AsyncIterator[bytes] = b""

    def header_list(self) -> list[tuple[bytes, bytes]]:
        """Headers as ASGI wants them, Content-Length included where it is known."""
        listed = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        if isinstance(self.body, bytes):
            listed.append((b"content-length", str(len(self.body)).encode()))
        return listed

    async def whole(self) -> bytes:
        """The body in one piece."""
        if isinstance(self.body, bytes):
            return self.body
        return b"".join([piece async for piece in self.body])


def json_reply(status: int, value: Any, headers: dict[str, str] | None = None) -> Reply:
    # ASCII with escapes, as PHP writes it; it also carries lone surrogates that UTF-8 can't.
    body = json.dumps(value, separators=(",", ":")).encode()
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, body)
