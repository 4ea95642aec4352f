"""What tests of the transport share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from ac_sms_async.lowlevel.types import UNSET, Request
from ac_sms_async.transport import Transport
from tests.transport.fake_backend import FakeBackend

Make: TypeAlias = Callable[..., Transport]

URL = "https://acme.api-us1.com"
TOKEN = "s3cret-t0ken-of-acme"


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a transport over a fake backend: `over(backend, **options)`."""

    def make(backend: FakeBackend, *, url: str = URL, **options: Any) -> Transport:
        monkeypatch.setattr("ac_sms_async.transport.pipeline.choose_backend", lambda *_, **__: lambda: backend)
        return Transport(url, TOKEN, **options)

    return make


def reading(path: str = "/sms/credits", **more: Any) -> Request[Any]:
    """A request that is safe to repeat."""
    given: dict[str, Any] = {
        "operation_id": "getSmsCreditData",
        "method": "GET",
        "path": path,
        "retry_safe": True,
        "decode": lambda value, zone: value,
    }
    return Request(**{**given, **more})


def writing(json: Any = UNSET, **more: Any) -> Request[Any]:
    """A request that must not be repeated."""
    given = {"operation_id": "createBroadcast", "method": "POST", "path": "/sms/broadcasts", "retry_safe": False}
    return reading(**{**given, "json": {"name": "Sale"} if json is UNSET else json, **more})
