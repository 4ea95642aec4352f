"""Deliverability: Whether a message reached its recipient."""

from typing import Literal, TypeAlias

Deliverability: TypeAlias = (
    Literal[
        "delivered",
        "failed",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
