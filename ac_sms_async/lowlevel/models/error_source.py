"""ErrorSource: Who reported a failure, ActiveCampaign or the carrier."""

from typing import Literal, TypeAlias

ErrorSource: TypeAlias = (
    Literal[
        "ac",
        "twilio",
    ]
    | str
)
"""Open: a value that the document does not know is kept as it came."""
