"""BroadcastUpdateStatus: The status that a broadcast may be given; pending_review sends it."""

from typing import Literal, TypeAlias

BroadcastUpdateStatus: TypeAlias = (
    Literal[
        "draft",
        "pending_review",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
