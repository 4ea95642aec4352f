"""BroadcastStatus: Where a broadcast stands."""

from typing import Literal, TypeAlias

BroadcastStatus: TypeAlias = (
    Literal[
        "draft",
        "scheduled",
        "sent",
        "pending_review",
        "sending",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
