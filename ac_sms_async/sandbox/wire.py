"""The connection that a request came by: to answer on, and to break."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from typing import Any

from starlette.types import Receive, Scope, Send

from ac_sms_async.sandbox.reply import Reply

#: The key of `scope` under which the server puts the connection.
TRANSPORT = "ac_sms_async.transport"
# On with no time to wait: closing then sends a reset.
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Wire:
    """
    What an answer is written to.

    Where the sandbox is called as an ASGI application there is no connection to break: there, breaking it raises
    ConnectionResetError in the caller.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport | None = scope.get(TRANSPORT)
        self._receive = receive
        self._send = send

    @property
    def gone(self) -> bool:
        """Whether the other side is known to have left."""
        return self._transport is not None and self._transport.is_closing()

    @property
    def connected(self) -> bool:
        """Whether there is a connection at all."""
        return self._transport is not None

    async def start(self, reply: Reply, *, length: bool = True) -> None:
        """Send status and headers; without a length the body comes in chunks."""
        headers = [pair for pair in reply.header_list() if length or pair[0] != b"content-length"]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": headers})

    async def write(self, piece: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})

    async def answer(self, reply: Reply) -> None:
        """Send all of it, unless the other side leaves."""
        await self.start(reply)
        if isinstance(reply.body, bytes):
            await self.write(reply.body, more=False)
            return
        async for piece in reply.body:
            if self.gone:
                await self.hold()
                return
            await self.write(piece)
        await self.write(b"", more=False)

    async def hold(self) -> None:
        """Do nothing until the other side leaves."""
        message: Any = {"type": "http.request"}
        while message["type"] != "http.disconnect":
            message = await self._receive()

    async def hang_up(self) -> None:
        """Close the connection in an orderly way, whatever was promised."""
        self._connection().close()
        await self.hold()

    async def reset(self) -> None:
        """Break the connection: the other side sees a reset."""
        transport = self._connection()
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
        await self.hold()

    def start_until_close(self, reply: Reply) -> None:
        """Send a head without any length: the body ends where the connection does."""
        lines = [f"HTTP/1.1 {reply.status} ".encode()]
        lines += [name + b": " + value for name, value in reply.header_list() if name != b"content-length"]
        self._connection().write(b"\r\n".join([*lines, b"connection: close", b"", b""]))

    def write_raw(self, piece: bytes) -> None:
        self._connection().write(piece)

    def _connection(self) -> asyncio.Transport:
        if self._transport is None:
            raise ConnectionResetError("a fault of the sandbox broke this request")
        return self._transport
