"""A real Redis on this machine, which can be frozen, and killed and started anew."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from attrs import define

from ac_sms_async.budget.redis_address import connection_to


@define
class RedisServer:
    """`url` leads to it by TCP, `path` is its socket in the file system."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    options: tuple[str, ...]

    @classmethod
    @contextmanager
    def started(cls, *options: str, tls: bool = False) -> Generator[Self]:
        """One that is there as long as the block runs."""
        if shutil.which("redis-server") is None:
            pytest.skip("there is no redis-server on this machine")
        with tempfile.TemporaryDirectory(prefix="ac-sms-redis-") as name, socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            free.close()
            ports = ("--port", "0", "--tls-port", str(port)) if tls else ("--port", str(port))
            server = cls(Path(name), port, _start(Path(name), (*ports, *options)), (*ports, *options))
            try:
                yield server
            finally:
                server.kill()

    @property
    def path(self) -> str:
        return str(self.folder / "redis.sock")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def run(self, *command: str | int) -> Any:
        """What it answers."""
        wire = connection_to(self.url)
        try:
            wire.send_command(*command)
            return wire.read_response()
        finally:
            wire.disconnect()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """It loses what it hasn't written down."""
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        self.process = _start(self.folder, self.options)


def _start(folder: Path, options: tuple[str, ...]) -> subprocess.Popen[bytes]:
    command = ["redis-server", "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--unixsocket", str(folder / "redis.sock"), "--save", "", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(folder / "redis.sock")) == 0:
                # It may be reading what it wrote down.
                probe.sendall(b"PING\r\n")
                if probe.recv(100).startswith((b"+PONG", b"-NOAUTH")):
                    return process
        assert time.monotonic() < until, "redis-server doesn't start"
        assert process.poll() is None, "redis-server ended"
        time.sleep(0.01)
