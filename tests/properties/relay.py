"""A TCP relay in a thread of its own that stalls where a test says, and knows what was handed over at which moment.

What stalls is a place in the stream of bytes, so every step of a connection can: the TLS handshake, a proxy's CONNECT,
the head, the body, the waiting, the answer. Whatever a client has written is in the relay's kernel buffers at once, so
`end()`, which reads them empty, parts what was handed over before it from what was handed over after it.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from attrs import define, field

__all__ = ["Handed", "Relay"]

_SMALL: Final = 8192
"""Bytes that the kernel may hold for the relay: a large body shall be stuck soon."""
_OVER: Final = ("06", "07", "0A")
"""TIME_WAIT, CLOSE and LISTEN, as Linux numbers the states of a connection."""


@define
class Handed:
    """What a client wrote to one connection: before the end, and after it."""

    before: bytearray = field(factory=bytearray)
    after: bytearray = field(factory=bytearray)


@define(eq=False)
class _Pair:
    """A client's connection and ours to the server, with what still has to be passed on."""

    client: socket.socket
    server: socket.socket
    handed: Handed
    up: bytearray = field(factory=bytearray)
    down: bytearray = field(factory=bytearray)
    server_ended: bool = False


class Relay:
    """`with Relay(port) as relay`: clients connect to `relay.port`, and are passed on to `port`."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._orders: list[tuple[Callable[[], None], threading.Event]] = []
        self._pairs: list[_Pair] = []
        self._stopped = False
        self._up_limit: int | None = None
        self._down_limit: int | None = None
        self._up = self._down = 0
        self._ended = False
        self.handed: list[Handed] = []
        """What was written to each connection since `arm`, in the order in which they were opened."""
        self.reached = threading.Event()
        """Set once it stalls."""
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    @property
    def open(self) -> int:
        """How many connections clients hold open."""
        return len(self._pairs)

    @property
    def passed(self) -> tuple[int, int]:
        """Bytes that went up to the server, and down to clients, since `arm`."""
        return self._up, self._down

    def arm(self, *, up: int | None = None, down: int | None = None) -> None:
        """Begin anew: drop all connections, and stall once so many bytes went up to the server, or down from it."""

        def begin() -> None:
            for pair in self._pairs[:]:
                self._drop(pair)
            self._up_limit, self._down_limit = up, down
            self._up = self._down = 0
            self._ended = False
            self.handed = []
            self.reached.clear()

        self._order(begin)

    def end(self) -> None:
        """What comes from now on was handed over after the end."""

        def end() -> None:
            gives_up = time.monotonic() + 2
            read = [True]
            while (any(read) or self._underway()) and time.monotonic() < gives_up:
                self._accept()
                read = [self._read_all(pair) for pair in self._pairs[:]]
            self._ended = True

        self._order(end)

    def release(self) -> None:
        """Stall no more."""

        def release() -> None:
            self._up_limit = self._down_limit = None

        self._order(release)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        def stop() -> None:
            self._stopped = True

        self._order(stop)
        self._thread.join()

    # --- in its own thread ------------------------------------------------------------------------------------------

    def _order(self, work: Callable[[], None]) -> None:
        """Let the relay's thread do it, and wait until it is done."""
        done = threading.Event()
        self._orders.append((work, done))
        self._wake.send(b"!")
        assert done.wait(10)

    def _run(self) -> None:
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._obey)
        while not self._stopped:
            for key, _ in self._selector.select():
                key.data()
            for pair in self._pairs[:]:
                self._pass_on(pair)
        for pair in self._pairs[:]:
            self._drop(pair)
        for each in (self._listener, self._wake, self._woken, self._selector):
            each.close()

    def _obey(self) -> None:
        self._woken.recv(64)
        while self._orders:
            work, done = self._orders.pop(0)
            work()
            done.set()

    def _underway(self) -> bool:
        """Whether the kernel still holds bytes of a client that the relay's end hasn't got."""
        # Its own socket may be closed already: then the kernel delivers what it holds.
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, _, remote, state, queues, *_ = line.split()
            if int(remote.partition(":")[2], 16) == self.port and state not in _OVER and queues[:8] != "00000000":
                return True
        return False

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        server = socket.create_connection(("127.0.0.1", self._target))
        pair = _Pair(client, server, Handed())
        for each in (client, server):
            each.setblocking(False)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.handed.append(pair.handed)
        self._pairs.append(pair)
        self._selector.register(client, selectors.EVENT_READ, lambda: self._read_client(pair))
        self._selector.register(server, selectors.EVENT_READ, lambda: self._read_server(pair))

    def _read_client(self, pair: _Pair) -> bool:
        """Read what the client wrote, as far as the stall allows; whether there was anything."""
        size = 65536 if self._up_limit is None else min(65536, self._up_limit - self._up)
        return size > 0 and self._read(pair, size)

    def _read_all(self, pair: _Pair) -> bool:
        return self._read(pair, 1 << 20)

    def _read(self, pair: _Pair, size: int) -> bool:
        try:
            data = pair.client.recv(size)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._drop(pair)
            return False
        (pair.handed.after if self._ended else pair.handed.before).extend(data)
        pair.up += data
        self._up += len(data)
        return True

    def _read_server(self, pair: _Pair) -> None:
        if pair not in self._pairs:
            return
        try:
            data = pair.server.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        pair.down += data
        if not data:
            pair.server_ended = True
            self._watch(pair.server, 0, lambda: None)

    def _pass_on(self, pair: _Pair) -> None:
        """Write what is due, as far as the other sides take it, and watch for what will be."""
        try:
            if pair.up and not pair.server_ended:
                del pair.up[: pair.server.send(pair.up)]
        except BlockingIOError:
            pass
        except OSError:
            pair.up.clear()
        allowed = len(pair.down) if self._down_limit is None else self._down_limit - self._down
        try:
            if pair.down[:allowed]:
                sent = pair.client.send(pair.down[:allowed])
                del pair.down[:sent]
                self._down += sent
                allowed -= sent
        except BlockingIOError:
            pass
        except OSError:
            self._drop(pair)
            return
        if (self._up_limit is not None and self._up >= self._up_limit) or (pair.down and not allowed):
            self.reached.set()
        if pair.server_ended and not pair.down:
            self._drop(pair)
            return
        # Where the upward way stalls, readiness to read would wake this thread all the time.
        stalled = self._up_limit is not None and self._up >= self._up_limit
        wanted = (0 if stalled else selectors.EVENT_READ) | (selectors.EVENT_WRITE if pair.down and allowed else 0)
        self._watch(pair.client, wanted, lambda: self._read_client(pair))
        if not pair.server_ended:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if pair.up else 0)
            self._watch(pair.server, wanted, lambda: self._read_server(pair))

    def _watch(self, which: socket.socket, wanted: int, work: Callable[[], object]) -> None:
        known = self._selector.get_map().get(which)
        if not wanted:
            if known is not None:
                self._selector.unregister(which)
        elif known is None:
            self._selector.register(which, wanted, work)
        elif known.events != wanted:
            self._selector.modify(which, wanted, work)

    def _drop(self, pair: _Pair) -> None:
        if pair in self._pairs:
            self._pairs.remove(pair)
            for each in (pair.client, pair.server):
                self._watch(each, 0, lambda: None)
                each.close()
