"""DeliverabilityFilter: Recipients by delivery; the filter's words are not the field's."""

from typing import Literal, TypeAlias

DeliverabilityFilter: TypeAlias = (
    Literal[
        "deliveries",
        "failures",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
