"""AISource: The place in the product that an AI request comes from."""

from typing import Literal, TypeAlias

AISource: TypeAlias = (
    Literal[
        "ai_index",
        "sms_index",
        "ai_builder",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
