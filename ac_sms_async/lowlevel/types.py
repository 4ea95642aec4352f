"""What the generated layer and those who run its requests agree on."""

from __future__ import annotations

from .client import Client, Request, Response
from .errors import DecodeError
from .unset import UNSET, Unset

__all__ = ["UNSET", "Client", "DecodeError", "Request", "Response", "Unset"]
