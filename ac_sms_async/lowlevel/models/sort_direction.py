"""SortDirection: Ascending or descending."""

from typing import Literal, TypeAlias

SortDirection: TypeAlias = (
    Literal[
        "ASC",
        "DESC",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
