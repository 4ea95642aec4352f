"""How one request reaches the server and comes back."""

from __future__ import annotations

from ac_sms_async.transport.pipeline import ParamValue, Transport
from ac_sms_async.transport.stream import StreamedResponse

__all__ = ["ParamValue", "StreamedResponse", "Transport"]
