"""Where a store is, as people write it: a file's path or a DSN; read once, and shown without userinfo."""

from __future__ import annotations

import re
from os import PathLike, fspath
from pathlib import Path
from urllib.parse import urlsplit

from attrs import field, frozen

from ac_sms_async.collect.store.protocol import StoreError

__all__ = ["Target", "has_password", "shown", "without_userinfo"]

_DSN = re.compile(r"postgres(?:ql)?://", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(?://|/)|(file|sqlite|postgres|postgresql):", re.IGNORECASE)
_KEYWORDS = re.compile(
    r"(?:host|hostaddr|port|dbname|user|passfile|service|sslmode|application_name)\s*=|.*\bpassword\s*=",
    re.IGNORECASE | re.DOTALL,
)
_USERINFO = re.compile(r"[^/\\]*:[^/\\]*@")
_PASSWORD = re.compile(r"(?:\?|&|\b)password\s*=", re.IGNORECASE)

_FORMS = "a store is the path of a SQLite file, or postgresql://user@host/database"


@frozen
class Target:
    """A SQLite file at `path`, or a PostgreSQL at `dsn`."""

    path: Path | None = None
    dsn: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, given: str | PathLike[str]) -> Target:
        """Read a path or DSN. Raises `StoreError` for what looks like a DSN of another kind, and never repeats it."""
        if not isinstance(given, str):
            return cls(path=_checked(fspath(given)))
        text = given.strip()
        if (dsn := _DSN.match(text)) is not None:
            return cls(dsn="postgresql://" + text[dsn.end() :])
        if (scheme := _SCHEME.match(text)) is not None:
            raise StoreError(f"{_FORMS}; {scheme[1] or scheme[2]}: is neither")
        if _KEYWORDS.match(text) is not None or _USERINFO.match(text) is not None:
            raise StoreError(f"{_FORMS}; this is neither (and isn't repeated here, for it may hold a password)")
        return cls(path=_checked(given))

    @property
    def shown(self) -> str:
        """How to name it on a screen or in a log: of a DSN, host and database alone."""
        return str(self.path) if self.dsn is None else _without_userinfo(self.dsn)


def shown(given: str | PathLike[str]) -> str:
    """A store's name as `Target.shown`, also of what can't be understood."""
    try:
        return Target.parse(given).shown
    except StoreError:
        return "DSN"


def has_password(given: str) -> bool:
    """Whether a text holds a password for a database, in any form that is known."""
    return _PASSWORD.search(given) is not None or re.search(r"[^/@\s]*:[^/@\s]+@", given) is not None


def without_userinfo(words: str) -> str:
    """A text, such as a command line, without the user names and passwords of the DSNs in it."""
    return re.sub(r"(//)[^/\s'\"]*@|(\bpassword\s*=\s*)[^\s&'\"]+", r"\1\2", words, flags=re.IGNORECASE)


def _without_userinfo(dsn: str) -> str:
    try:
        parts = urlsplit(dsn)
    except ValueError:
        return "postgresql://..."
    # Whatever comes before an @ is nobody's business, also where it isn't written as it should be.
    return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path.rpartition('@')[2]}"


def _checked(path: str) -> Path:
    if path.strip() == ":memory:":
        raise StoreError(":memory: keeps nothing: give the store a file")
    if not path.strip() or "\x00" in path:
        raise StoreError(_FORMS)
    return Path(path)
