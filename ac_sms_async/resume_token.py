"""Where a pager stands, as a text that can be kept and handed in again."""

from __future__ import annotations

import json
from typing import Any, TypeAlias, cast

from attrs import frozen

from ac_sms_async.errors import ConfigurationError

__all__ = ["TAIL_LENGTH", "Key", "ResumePoint"]

Key: TypeAlias = int | str
"""What tells one row from another: its id."""

TAIL_LENGTH = 50
"""How many of the last keys a token keeps: that many rows may be deleted meanwhile, all but one."""

_VERSION = 1
_LONGEST = 100_000


@frozen
class ResumePoint:
    """The offset to ask for next, and the keys of the last rows given out, in the server's order."""

    offset: int = 0
    tail: tuple[Key, ...] = ()

    def to_token(self, name: str) -> str:
        """The token: JSON text. `name` says which listing it belongs to."""
        value = {"v": _VERSION, "of": name, "offset": self.offset, "tail": self.tail}
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def from_token(cls, token: str, name: str) -> ResumePoint:
        """Read a token; `ConfigurationError` when it is none, or belongs to another listing."""
        bad = ConfigurationError("resume= takes the `resume_token` of a page or of an error, as it was")
        if not isinstance(token, str) or len(token) > _LONGEST:  # pyright: ignore[reportUnnecessaryIsInstance] - users hand in anything
            raise bad
        try:
            value: Any = json.loads(token)
        except (ValueError, RecursionError):
            raise bad from None
        if not isinstance(value, dict):
            raise bad
        fields = cast("dict[str, Any]", value)
        if set(fields) != {"v", "of", "offset", "tail"} or fields["v"] != _VERSION:
            raise bad
        if fields["of"] != name:
            raise ConfigurationError(f"this resume token belongs to {fields['of']!r}, not to {name!r}")
        offset, tail = fields["offset"], cast("list[Any]", fields["tail"])
        if type(offset) is not int or offset < 0 or type(tail) is not list or len(tail) > TAIL_LENGTH:
            raise bad
        if any(type(key) not in (int, str) for key in tail) or (offset and not tail):
            raise bad
        return cls(offset, tuple(tail))
