"""YesNo: A flag in words."""

from typing import Literal, TypeAlias

YesNo: TypeAlias = (
    Literal[
        "yes",
        "no",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
