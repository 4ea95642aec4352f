"""BroadcastIds: The broadcasts asked for."""

from __future__ import annotations

from typing import Any

from attrs import define

from ..base import Model


@define(kw_only=True, eq=False, repr=False)
class BroadcastIds(Model):
    """The broadcasts asked for. What is UNSET is left out; None clears.

    Attributes:
        ids: Broadcast ids
    """

    ids: list[int]

    def to_dict(self) -> dict[str, Any]:
        """The body to send, by wire names."""
        result: dict[str, Any] = {}
        result["ids"] = self.ids
        return result
