"""What every resource has: the transport that its requests go through."""

from __future__ import annotations

from ac_sms_async.models import PageMeta
from ac_sms_async.transport import Transport


class Resource:
    """A group of operations that share a subject."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @staticmethod
    def _total(meta: PageMeta | None) -> int | None:
        """How many rows the server says there are, where it says so."""
        return None if meta is None else meta.total
