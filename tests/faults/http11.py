"""Just enough HTTP/1.1 to read a request off a socket and to write an answer, byte by byte where a test wants that."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, unquote

from attrs import define, field, frozen

REASONS = {200: "OK", 201: "Created", 302: "Found", 404: "Not Found", 408: "Request Timeout", 429: "Too Many Requests"}


@frozen
class Request:
    """A request as it stood on the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)

    def json(self) -> Any:
        return json.loads(self.body)

    def number(self, name: str, default: int) -> int:
        return int(self.query.get(name, [str(default)])[0])


@define
class Answer:
    """What the upstream server says."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(factory=dict[str, str])
    chunked: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Answer:
        return cls(json.dumps(value).encode(), status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def head(self) -> bytes:
        framing = ("Transfer-Encoding", "chunked") if self.chunked else ("Content-Length", str(len(self.body)))
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}", f"Content-Type: {self.content_type}"]
        lines += [f"{name}: {value}" for name, value in (framing, *self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    def payload(self) -> bytes:
        if not self.chunked:
            return self.body
        size = max(1, len(self.body) // 3)
        pieces = [self.body[start : start + size] for start in range(0, len(self.body), size)]
        return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


async def read_request(reader: asyncio.StreamReader, begun: bytes = b"") -> Request | None:
    """The next request of a connection; None when the client closed it instead."""
    try:
        head = begun + await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    try:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return Request(method, target, headers, body)
