"""The one error that reading an answer raises."""

from __future__ import annotations


class DecodeError(ValueError):
    """An answer that is not what the document promises, beyond what can be read generously.

    `path` says where ("$.broadcasts"), `message` says what is wrong there.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path} {self.message}"

    def under(self, name: str) -> DecodeError:
        """The same error, seen from the object that holds this one under `name`."""
        return DecodeError(f"$.{name}{self.path[1:]}", self.message)
