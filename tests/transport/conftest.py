"""What tests of the transport share."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import httpx
import pytest
import trustme

from ac_sms_async.transport import Transport
from tests.transport.fake_backend import FakeBackend
from tests.transport.requests import TOKEN, URL

Over: TypeAlias = Callable[..., Transport]
Open: TypeAlias = Callable[..., AbstractAsyncContextManager[Transport]]

TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Over:
    """Makes a transport over a fake backend: `over(backend, **options)`."""

    def make(backend: FakeBackend, *, url: str = URL, **options: Any) -> Transport:
        def choose(*_: Any, **__: Any) -> Callable[[], FakeBackend]:
            return lambda: backend

        monkeypatch.setattr("ac_sms_async.transport.backends.choice.choose_backend", choose)
        return Transport(url, TOKEN, **options)

    return make


@pytest.fixture
def connect(kind: tuple[str, str]) -> Open:
    """Opens a transport with the backend that the module's `kind` names: `async with connect(url, **options)`."""

    @contextlib.asynccontextmanager
    async def connect(url: str, **options: Any) -> AsyncGenerator[Transport]:
        given: dict[str, Any] = {"rate_limit": None, **options}
        if kind[1] == "own":
            verify = given.pop("ssl_context", TRUSTS_NOBODY)
            async with (
                httpx.AsyncClient(
                    verify=verify, proxy=given.pop("proxy", None), trust_env=False, http2=False
                ) as client,
                Transport(url, TOKEN, http_client=client, **given) as transport,
            ):
                yield transport
        else:
            async with Transport(url, TOKEN, backend=kind[1], **given) as transport:  # type: ignore[arg-type]  # a str
                yield transport

    return connect


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
