"""What tests of the transport share."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
import trustme

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

        monkeypatch.setattr("ac_sms_async.transport.backends.choice.choose_backend", choose)
        return Transport(url, TOKEN, **options)

    return make


@pytest.fixture(scope="module")
def authority() -> Any:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate: Any = authority.issue_cert("127.0.0.1")
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_tls(authority: Any) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
