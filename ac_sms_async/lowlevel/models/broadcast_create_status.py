"""BroadcastCreateStatus: The status that a new broadcast may be given."""

from typing import Literal, TypeAlias

BroadcastCreateStatus: TypeAlias = Literal["draft",] | str
"""Open: a value that the document does not know is kept as it came."""
