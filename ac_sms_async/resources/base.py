"""What every resource has: the transport that its requests go through."""

from __future__ import annotations

from typing import TypeVar

from ac_sms_async.errors import InvalidResponseError
from ac_sms_async.models import PageMeta
from ac_sms_async.transport import Transport

T = TypeVar("T")


class Resource:
    """A group of operations that share a subject."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @staticmethod
    def _present(value: T | None, path: str) -> T:
        """The value, which the document promises and without which the answer is of no use."""
        if value is None:
            raise InvalidResponseError("the answer lacks what the document promises", path=path)
        return value

    @staticmethod
    def _total(meta: PageMeta | None) -> int | None:
        """How many rows the server says there are, where it says so."""
        return None if meta is None else meta.total
