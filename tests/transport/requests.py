"""Requests for tests."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from ac_sms_async.lowlevel.types import Request

URL = "https://acme.api-us1.com"
TOKEN = "s3cret-t0ken-of-acme"


def as_it_is(value: Any, zone: tzinfo) -> Any:
    """Decodes nothing."""
    return value


def reading(path: str = "/sms/credits", **more: Any) -> Request[Any]:
    """A request that is safe to repeat."""
    given: dict[str, Any] = {
        "operation_id": "getSmsCreditData",
        "method": "GET",
        "path": path,
        "retry_safe": True,
        "decode": as_it_is,
        **more,
    }
    return Request(**given)


def writing(**more: Any) -> Request[Any]:
    """A request that must not be repeated."""
    given: dict[str, Any] = {
        "operation_id": "createBroadcast",
        "method": "POST",
        "path": "/sms/broadcasts",
        "retry_safe": False,
        "json": {"name": "Sale"},
        **more,
    }
    return reading(**given)
