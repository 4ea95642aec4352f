"""Where a pager stands, as a text that can be kept and handed in again."""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Mapping
from typing import Any, Self, TypeAlias, cast

from attrs import frozen

from ac_sms_async.errors import ConfigurationError

__all__ = ["TAIL_LENGTH", "Key", "Question", "ResumePoint"]

Key: TypeAlias = int | str
"""What tells one row from another: its id."""

TAIL_LENGTH = 50
"""How many of the last keys a token keeps: that many rows may be deleted meanwhile, all but one."""

_VERSION = 2
_LONGEST = 100_000
_FIELDS = {"v", "of", "asked", "offset", "tail"}


@frozen
class Question:
    """What a listing was asked for: an offset means something in the answers to one question only."""

    listing: str
    """Which listing it is, as in "broadcasts" or "recipients of 42"."""
    asked: Mapping[str, str]
    """A mark of each argument that was given. Not its value: tokens are kept and logged, and searches name people."""

    @classmethod
    def of(cls, listing: str, arguments: Mapping[str, object]) -> Self:
        """The question that these arguments make; those that are None count as not given."""
        return cls(listing, {name: _mark(value) for name, value in arguments.items() if value is not None})

    def refuse_another(self, listing: str, asked: Mapping[str, Any]) -> None:
        """Raise `ConfigurationError` where a token's question is another one; the error says what differs."""
        if listing != self.listing:
            raise ConfigurationError(f"this resume token belongs to {listing!r}, not to {self.listing!r}")
        names = {*self.asked, *asked}
        if differing := sorted(name for name in names if self.asked.get(name) != asked.get(name)):
            raise ConfigurationError(
                f"this resume token was made with another {', '.join(differing)}: its place means nothing here. "
                "Only page_size and prefetch may differ"
            )


def _mark(value: object) -> str:
    # In a list of filters the order says nothing.
    text = ",".join(sorted(map(str, cast("list[object]", value)))) if isinstance(value, list) else str(value)
    return f"{crc32(text.encode('utf-8', 'surrogatepass')):08x}"


@frozen
class ResumePoint:
    """The offset to ask for next, and the keys of the last rows given out, in the server's order."""

    offset: int = 0
    tail: tuple[Key, ...] = ()

    def moved(self, offset: int, keys: list[Key], new: list[Key], *, behind_all: bool) -> ResumePoint:
        """The point after a page with these `keys`, of which the `new` ones were given out."""
        tail = self.tail
        if not tail or keys[:1] == [tail[-1]] or (new and behind_all):
            tail = (*tail, *new)
        elif new:
            tail = _merged(tail, keys, set(new))
        return ResumePoint(offset, tail[-TAIL_LENGTH:]) if tail else self

    def to_token(self, question: Question) -> str:
        """The token: JSON text, which fits this question only."""
        value = {
            "v": _VERSION,
            "of": question.listing,
            "asked": dict(question.asked),
            "offset": self.offset,
            "tail": self.tail,
        }
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def from_token(cls, token: str, question: Question) -> ResumePoint:
        """Read a token; `ConfigurationError` when it is none, or belongs to another question."""
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
        if fields.get("v") == 1 and "asked" not in fields:
            raise ConfigurationError(
                "resume= got a token of an earlier version, which doesn't say to which question: list from the start"
            )
        if set(fields) != _FIELDS or fields["v"] != _VERSION or not isinstance(fields["asked"], dict):
            raise bad
        question.refuse_another(fields["of"], cast("dict[str, Any]", fields["asked"]))
        offset, tail = fields["offset"], cast("list[Any]", fields["tail"])
        if type(offset) is not int or offset < 0 or type(tail) is not list or len(tail) > TAIL_LENGTH:
            raise bad
        if any(type(key) not in (int, str) for key in tail) or (offset and not tail):
            raise bad
        return cls(offset, tuple(tail))


def _merged(tail: tuple[Key, ...], keys: list[Key], new: set[Key]) -> tuple[Key, ...]:
    """The tail with each new row where it stands: behind a row of the tail that is on the page, or before it."""
    known = set(tail)
    first = next((key for key in keys if key in known), tail[0])
    before: list[Key] = []
    behind: dict[Key, list[Key]] = {}
    group = before
    for key in keys:
        if key in new:
            group.append(key)
        elif key in known:
            group = behind.setdefault(key, [])
    merged: list[Key] = []
    for key in tail:
        if key == first:
            merged += before
        merged.append(key)
        merged += behind.get(key, ())
    return tuple(merged)
