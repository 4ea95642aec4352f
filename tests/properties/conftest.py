"""One thread of servers and one set of certificates for all properties."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest
import trustme
from attrs import frozen

from tests.faults.server import Certificates, ServerThread


@pytest.fixture(scope="session")
def thread() -> Iterator[ServerThread]:
    running = ServerThread()
    yield running
    running.stop()


@frozen
class Trust:
    """Both sides of TLS."""

    certificates: Certificates
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def trust() -> Trust:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)  # pyright: ignore[reportUnknownMemberType] - also pyOpenSSL's
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType] - also pyOpenSSL's
    return Trust(Certificates(server, {}), client)
