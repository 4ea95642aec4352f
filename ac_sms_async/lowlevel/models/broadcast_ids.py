"""BroadcastIds: The broadcasts asked for."""

from __future__ import annotations

from typing import Any

from attrs import define


@define(kw_only=True)
class BroadcastIds:
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
