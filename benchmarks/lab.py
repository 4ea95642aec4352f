"""What every row needs: the load server, the competitors, how long to measure, and our client set up for measuring."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from attrs import frozen

from ac_sms_async import SMSClient
from benchmarks.competitors import TOKEN, Competitors

Backend = Literal["httpx", "httptools"]
BACKENDS: tuple[Backend, ...] = ("httpx", "httptools")


@frozen
class Lab:
    """Where and how long to measure."""

    server: str
    competitors: Competitors
    folder: Path
    quick: bool = False

    @property
    def rounds(self) -> int:
        return 5 if self.quick else 21

    @property
    def turn(self) -> float:
        """Seconds that a contestant works in a round."""
        return 0.15 if self.quick else 0.4

    def client(self, path: str = "", **options: Any) -> SMSClient:
        """Our client on the load server (`path` says how it answers), unpaced unless options say otherwise."""
        settings: dict[str, Any] = {"rate_limit": None, **options}
        return SMSClient(self.server + path, TOKEN, **settings)


def in_child(module: str, *arguments: object) -> dict[str, Any]:
    """What `python -m module arguments` prints as JSON: for what only a fresh process can tell, such as memory."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    output: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return output
