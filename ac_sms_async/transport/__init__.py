"""How one request reaches the server and comes back."""

from __future__ import annotations

from ac_sms_async.transport.capture import Answer
from ac_sms_async.transport.stream import StreamedResponse
from ac_sms_async.transport.transport import ParamValue, Transport

__all__ = ["Answer", "ParamValue", "StreamedResponse", "Transport"]
