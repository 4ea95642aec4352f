"""AIStatus: Where an AI request stands."""

from typing import Literal, TypeAlias

AIStatus: TypeAlias = (
    Literal[
        "in_progress",
        "error",
        "success",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
