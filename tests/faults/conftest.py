"""One thread of servers, and one set of certificates, for the whole run."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator

import pytest
import trustme
from attrs import frozen

from tests.faults.server import Certificates, Fault, ServerThread


@pytest.fixture(scope="session")
def servers() -> Iterator[ServerThread]:
    thread = ServerThread()
    yield thread
    thread.stop()


@frozen
class Trust:
    """Both sides of TLS."""

    certificates: Certificates
    client: ssl.SSLContext
    """Trusts the good certificate, and would trust two of the three bad ones if they were not bad."""


def _server_side(authority: trustme.CA, name: str, not_after: datetime.datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    before = not_after and not_after - datetime.timedelta(days=1)
    certificate = authority.issue_cert(name, not_before=before, not_after=not_after)
    certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - trustme also takes pyOpenSSL's
    return context


@pytest.fixture(scope="session")
def trust() -> Trust:
    authority, stranger = trustme.CA(), trustme.CA()
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType] - trustme also takes pyOpenSSL's
    bad = {
        Fault.UNTRUSTED: _server_side(stranger, "localhost"),
        Fault.WRONG_HOST: _server_side(authority, "example.com"),
        Fault.EXPIRED: _server_side(authority, "localhost", yesterday),
    }
    return Trust(Certificates(_server_side(authority, "localhost"), bad), client)
