"""The greatest memory that this process has held, where the system tells (Linux)."""

from __future__ import annotations

import re
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Let the peak start anew from what is held now."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")


def peak_mb() -> float:
    """Megabytes of resident memory at their greatest since `forget_peak`; 0.0 where the system doesn't tell."""
    found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text()) if _STATUS.exists() else None
    return int(found[1]) * 1024 / 1e6 if found else 0.0
