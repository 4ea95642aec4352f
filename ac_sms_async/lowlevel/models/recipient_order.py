"""RecipientOrder: Column to order recipients by."""

from typing import Literal, TypeAlias

RecipientOrder: TypeAlias = (
    Literal[
        "name",
        "phone",
        "sentDate",
        "clicks",
        "deliverability",
        "optOut",
        "replies",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
