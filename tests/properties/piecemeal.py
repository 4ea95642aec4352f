"""A server on a real socket that sends its answer's body piece by piece, as far as a test allows."""

from __future__ import annotations

import gzip
import socket
import threading
from types import TracebackType
from typing import Literal, Self, TypeAlias

from attrs import field, frozen

__all__ = ["Body", "Framing", "PiecemealServer"]

Framing: TypeAlias = Literal["length", "chunked", "close", "HTTP/1.0"]


@frozen
class Body:
    """The body of an answer, how it is framed, where it is cut in pieces, and whether its end is missing."""

    content: bytes = field(repr=lambda content: f"<{len(content)} bytes>")
    framing: Framing
    packed: bool
    pieces: int
    """How many pieces the body is sent in."""
    cut: int | None
    """The server hangs up before this piece."""

    @property
    def is_whole(self) -> bool:
        return self.cut is None or self.cut >= self.pieces

    def sent(self, length: int) -> int:
        """How many bytes are sent of a body of this length."""
        size = -(-length // self.pieces)
        return length if self.cut is None else min(length, self.cut * size)

    def head(self, length: int) -> bytes:
        version = "HTTP/1.0" if self.framing == "HTTP/1.0" else "HTTP/1.1"
        lines = [f"{version} 200 OK", "Content-Type: text/csv"]
        if self.packed:
            lines.append("Content-Encoding: gzip")
        if self.framing == "length":
            lines.append(f"Content-Length: {length}")
        elif self.framing == "chunked":
            lines.append("Transfer-Encoding: chunked")
        else:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode()


class PiecemealServer:
    """`with PiecemealServer(body) as server`: sends the head at once, and a piece for each `allow()`.

    It answers any number of requests like this, and `allow` counts for the last of them.
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._allowed = threading.Condition()
        self._left = 0
        self._stopped = False
        self._threads: list[threading.Thread] = []

    def allow(self, pieces: int) -> None:
        """Let it send so many pieces more."""
        with self._allowed:
            self._left += pieces
            self._allowed.notify_all()

    def __enter__(self) -> Self:
        self._start(threading.Thread(target=self._listen))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._allowed:
            self._stopped = True
            self._allowed.notify_all()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, thread: threading.Thread) -> None:
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(threading.Thread(target=self._serve, args=(connection,)))

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while self._answer(connection):
                    pass
            except OSError:
                # Clients that hang up are what this is about.
                pass

    def _answer(self, connection: socket.socket) -> bool:
        """Read a request and answer it; False once the connection is over."""
        request = b""
        while b"\r\n\r\n" not in request:
            received = connection.recv(65536)
            if not received:
                return False
            request += received
        head, _, sent = request.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        while len(sent) < length:
            sent += connection.recv(65536)
        body = self.body
        data = gzip.compress(body.content) if body.packed else body.content
        connection.sendall(body.head(len(data)))
        size = -(-len(data) // body.pieces)
        for number, at in enumerate(range(0, len(data), size)):
            if number == body.cut or not self._may_send():
                return False
            piece = data[at : at + size]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if body.framing == "chunked" else piece)
        if body.framing == "chunked":
            connection.sendall(b"0\r\n\r\n")
        return body.framing in ("length", "chunked")

    def _may_send(self) -> bool:
        with self._allowed:
            self._allowed.wait_for(lambda: self._left or self._stopped)
            self._left -= 1
            return not self._stopped
