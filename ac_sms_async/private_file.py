"""Files with secrets: a token, a key."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from ac_sms_async.errors import ConfigurationError

__all__ = ["read_private"]

_SECRETS: Final = Path("/run/secrets")
"""Where Docker and Podman mount them, readable for all in the container."""


def read_private(path: Path) -> str:
    """The text of a file that nobody else can read; `ConfigurationError` where others can.

    A secret that is mounted read-only (Kubernetes), or below /run/secrets, has the mode that it was mounted with.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8-sig")
        # Windows has no such bits; there the file's own rights count.
        open_to_others = os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO) and not _mounted(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from None
    if open_to_others:
        raise ConfigurationError(f"{path} can be read or changed by others: chmod 600 {path}")
    return text


def _mounted(path: Path) -> bool:
    """Whether nobody could change its mode here."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY) or path.resolve().is_relative_to(_SECRETS.resolve())
