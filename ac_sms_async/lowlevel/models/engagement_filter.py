"""EngagementFilter: Recipients by what they did."""

from typing import Literal, TypeAlias

EngagementFilter: TypeAlias = (
    Literal[
        "clicks",
        "replies",
        "optOuts",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
