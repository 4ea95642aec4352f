"""Where the certificates come from, and what is said of a variable that names none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import certifi
import pytest

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.transport import Transport
from ac_sms_async.transport.backends.tls import default_ssl_context
from tests.transport.requests import TOKEN, URL, reading


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("AC_SMS_ALLOW_NETWORK", "1")


def test_one_context_for_the_whole_process(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = default_ssl_context(trust_env=True)
    assert usual is default_ssl_context(trust_env=True) is default_ssl_context(trust_env=False)
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert default_ssl_context(trust_env=True) is not usual
    assert default_ssl_context(trust_env=False) is usual


def test_a_folder_of_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert default_ssl_context(trust_env=True).cert_store_stats()["x509_ca"] == 0


@pytest.mark.anyio
@pytest.mark.parametrize("backend", ["httpx", "httptools"])
@pytest.mark.parametrize(
    ("variable", "name", "problem"),
    [
        ("SSL_CERT_FILE", "nowhere.pem", "No such file or directory"),
        ("SSL_CERT_FILE", ".", "Is a directory"),
        ("SSL_CERT_FILE", "text.pem", "there are none in PEM form"),
        ("SSL_CERT_DIR", "nowhere", "No such file or directory"),
        ("SSL_CERT_DIR", "text.pem", "Not a directory"),
    ],
)
async def test_a_wrong_one_is_named(
    anyio_backend_name: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    backend: Any,
    variable: str,
    name: str,
    problem: str,
) -> None:
    if (backend, anyio_backend_name) == ("httptools", "trio"):
        return
    (tmp_path / "text.pem").write_text("not a certificate")
    monkeypatch.setenv(variable, str(tmp_path / name))
    async with Transport(URL, TOKEN, backend=backend) as transport:
        with pytest.raises(ConfigurationError) as caught:
            await transport.send(reading())
    error = caught.value
    assert error.message.startswith(f"{variable} names certificates that cannot be read ({problem})")
    assert error.attempts <= 1
