"""What all models have in common. One implementation here instead of one that attrs compiles for each at import."""

from __future__ import annotations

from typing import Any

from attrs import define, fields

from .unset import UNSET

_ASIDE = frozenset({"unreadable", "extra", "unparsed"})


@define(eq=False, repr=False)
class Model:
    """Equal where all fields are; shown without the fields that say nothing."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in fields(type(self)))

    def __repr__(self) -> str:
        values: list[tuple[str, Any]] = [(field.name, getattr(self, field.name)) for field in fields(type(self))]
        shown = ", ".join(
            f"{name}={value!r}"
            for name, value in values
            if value is not None and value is not UNSET and (value or name not in _ASIDE)
        )
        return f"{type(self).__name__}({shown})"
