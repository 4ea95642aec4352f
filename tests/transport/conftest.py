"""What tests of the transport share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from ac_sms_async.transport import Transport
from tests.transport.fake_backend import FakeBackend
from tests.transport.requests import TOKEN, URL

Over: TypeAlias = Callable[..., Transport]


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Over:
    """Makes a transport over a fake backend: `over(backend, **options)`."""

    def make(backend: FakeBackend, *, url: str = URL, **options: Any) -> Transport:
        def choose(*_: Any, **__: Any) -> Callable[[], FakeBackend]:
            return lambda: backend

        monkeypatch.setattr("ac_sms_async.transport.pipeline.choose_backend", choose)
        return Transport(url, TOKEN, **options)

    return make
