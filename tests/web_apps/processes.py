"""Web apps as their users run them: a server's process, where it listens, and what it writes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["EXAMPLES", "Server", "free_port", "serve"]

EXAMPLES = Path(__file__).parents[2] / "examples"


class Server:
    """A web app's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._listening = threading.Event()
        self.url = ""
        threading.Thread(target=self._read, daemon=True).start()

    def wait(self) -> None:
        """Until it listens."""
        assert self._listening.wait(30), self.log

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            found = re.search(r"(?:[Rr]unning on|Listening at:) (http://[^\s(]+)", line)
            if found is not None:
                self.url = found[1]
                self._listening.set()

    def stop(self) -> None:
        """As a platform does it, and wait for the end."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


@contextmanager
def serve(app: Sequence[str], url: str, token: str, *, folder: Path = EXAMPLES) -> Generator[Server]:
    """Run an app in a folder, for the account at a URL; it may not listen yet."""
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-u", *app],
        cwd=folder,
        env=os.environ
        | {"ACTIVECAMPAIGN_URL": url, "ACTIVECAMPAIGN_API_TOKEN": token, "PYTHONPATH": f"{EXAMPLES}:{folder}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield Server(process)
    finally:
        # Workers of it, too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def free_port() -> int:
    """For servers that can't say which one they chose."""
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port: int = chosen.getsockname()[1]
        return port
